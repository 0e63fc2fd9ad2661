// SPDX-License-Identifier: MIT
#include <string.h>

#include "fuzz/calls.h"
#include "fuzz/mutation.h"

/* Return: a bit for each slot that calls before @index fill. */
static uint32_t slots_filled(const struct program *program, uint32_t index,
			     int pool)
{
	const struct call *call;
	uint32_t filled = 0, i;
	unsigned int arg;

	for (i = 0; i < index; i++) {
		call = &program->calls[i];
		for (arg = 0; arg < ARGS_MAX; arg++)
			if (kind_fills(ops[call->op].args[arg]) &&
			    kind_pool(ops[call->op].args[arg]) == pool)
				filled |= 1U << call->args[arg] % SLOTS;
	}
	return filled;
}

static uint64_t slot_random(const struct program *program, uint32_t index,
			    enum kind kind, struct random *random)
{
	uint32_t filled = slots_filled(program, index, kind_pool(kind));
	uint64_t slot = random_below(random, SLOTS);

	if (kind_fills(kind))
		return random_below(random, 4);
	if (!filled || random_once_in(random, 20))
		return slot;
	while (!(filled & 1U << slot))
		slot = (slot + 1) % SLOTS;
	return slot;
}

static uint64_t arg_random(const struct program *program, uint32_t index,
			   enum kind kind, struct random *random)
{
	if (kind_pool(kind) >= 0)
		return slot_random(program, index, kind, random);
	return kind_random(kind, random);
}

static void call_random(struct program *program, uint32_t index,
			unsigned int op, struct random *random)
{
	struct call *call = &program->calls[index];
	unsigned int arg;

	call->op = op;
	call->thread = random_below(random, program->threads);
	for (arg = 0; arg < ARGS_MAX; arg++)
		call->args[arg] = ops[op].args[arg] == NONE ?
					  0 :
					  arg_random(program, index, ops[op].args[arg], random);
}

static void insert_random(struct program *program, struct random *random)
{
	uint32_t index = random_below(random, program->count + 1);

	if (program->count == CALLS_MAX)
		return;
	memmove(&program->calls[index + 1], &program->calls[index],
		(program->count - index) * sizeof(program->calls[0]));
	program->count++;
	call_random(program, index, op_random(random), random);
}

/* Begin with a device, an importer and buffers, which most calls need. */
static void begin(struct program *program, struct random *random)
{
	static const char *const names[] = {
		"open_device",
		"open_importer",
		"alloc",
		"alloc",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		call_random(program, program->count, op_find(names[i]), random);
		program->calls[program->count].thread = 0;
		program->count++;
	}
}

static uint32_t threads_random(struct random *random)
{
	return random_once_in(random, 3) ? 2 + random_below(random, THREADS_MAX - 1) :
					   1;
}

void program_random(struct program *program, struct random *random)
{
	uint32_t count = 8 + random_below(random, CALLS_MAX - 7);

	memset(program, 0, sizeof(*program));
	program->threads = threads_random(random);
	begin(program, random);
	while (program->count < count) {
		call_random(program, program->count, op_random(random), random);
		program->count++;
	}
}

static void change_arg(struct program *program, struct random *random)
{
	uint32_t index = random_below(random, program->count);
	struct call *call = &program->calls[index];
	unsigned int arg = random_below(random, ARGS_MAX);
	unsigned int tries;

	for (tries = 0; tries < ARGS_MAX; tries++, arg = (arg + 1) % ARGS_MAX)
		if (ops[call->op].args[arg] != NONE)
			break;
	call->args[arg] = arg_random(program, index, ops[call->op].args[arg], random);
}

static void change_bit(struct program *program, struct random *random)
{
	struct call *call = &program->calls[random_below(random, program->count)];

	call->args[random_below(random, ARGS_MAX)] ^= 1ULL
						      << random_below(random, 64);
}

static void repeat_call(struct program *program, struct random *random)
{
	if (program->count == CALLS_MAX)
		return;
	program->calls[program->count] =
		program->calls[random_below(random, program->count)];
	program->count++;
}

/* Join the beginning of one program and the end of the other. */
static void cross(struct program *program, const struct program *other,
		  struct random *random)
{
	uint32_t keep = random_below(random, program->count) + 1;
	uint32_t from = random_below(random, other->count);
	uint32_t take = other->count - from;

	if (take > CALLS_MAX - keep)
		take = CALLS_MAX - keep;
	memmove(&program->calls[keep], &other->calls[from],
		take * sizeof(program->calls[0]));
	program->count = keep + take;
}

static void change_threads(struct program *program, struct random *random)
{
	uint32_t i;

	program->threads = threads_random(random);
	for (i = 0; i < program->count; i++)
		program->calls[i].thread = random_below(random, program->threads);
}

void program_mutate(struct program *program, const struct program *other,
		    struct random *random)
{
	uint32_t changes = 1 + random_below(random, 4);

	while (changes--) {
		switch (random_below(random, 12)) {
		case 0:
		case 1:
		case 2:
			insert_random(program, random);
			break;
		case 3:
			if (program->count > 1)
				program_remove(program, random_below(random, program->count));
			break;
		case 4:
			repeat_call(program, random);
			break;
		case 5:
			cross(program, other, random);
			break;
		case 6:
			change_threads(program, random);
			break;
		case 7:
			change_bit(program, random);
			break;
		default:
			change_arg(program, random);
		}
	}
}

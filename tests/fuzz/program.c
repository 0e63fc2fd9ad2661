// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/calls.h"
#include "fuzz/program.h"

static unsigned int args_to_write(const struct call *call)
{
	unsigned int count = ARGS_MAX;

	while (count && !call->args[count - 1])
		count--;
	return count;
}

static size_t call_write(const struct call *call, char *text)
{
	size_t length;
	unsigned int i;

	length = sprintf(text, "%u %s", call->thread, ops[call->op].name);
	for (i = 0; i < args_to_write(call); i++)
		length += sprintf(text + length,
				  call->args[i] < 4096 ? " %" PRIu64 :
							 " %#" PRIx64,
				  call->args[i]);
	text[length++] = '\n';
	return length;
}

size_t program_write(const struct program *program, char *text)
{
	size_t length = sprintf(text, "program %u\n", program->threads);
	uint32_t i;

	for (i = 0; i < program->count; i++)
		length += call_write(&program->calls[i], text + length);
	return length + sprintf(text + length, "end\n");
}

/* Read a line, without its newline. Return: false after the last line. */
static bool line_next(const char **text, const char *end, char *line, size_t size)
{
	const char *stop;
	size_t length;

	if (*text >= end)
		return false;
	stop = memchr(*text, '\n', end - *text);
	length = (stop ? stop : end) - *text;
	if (length >= size)
		length = size - 1;
	memcpy(line, *text, length);
	line[length] = '\0';
	*text = stop ? stop + 1 : end;
	return true;
}

static int call_read(char *line, struct call *call)
{
	char *save, *word = strtok_r(line, " ", &save);
	unsigned int i;
	int op;

	memset(call, 0, sizeof(*call));
	if (!word)
		return -EINVAL;
	call->thread = strtoul(word, NULL, 0) % THREADS_MAX;
	word = strtok_r(NULL, " ", &save);
	op = word ? op_find(word) : -EINVAL;
	if (op < 0)
		return op;
	call->op = op;
	for (i = 0; i < ARGS_MAX; i++) {
		word = strtok_r(NULL, " ", &save);
		if (!word)
			break;
		call->args[i] = strtoull(word, NULL, 0);
	}
	return 0;
}

static bool is_blank(const char *line)
{
	return !*line || *line == '#';
}

int program_read(const char **text, const char *end, struct program *program)
{
	char line[32 + ARGS_MAX * 20];

	memset(program, 0, sizeof(*program));
	do {
		if (!line_next(text, end, line, sizeof(line)))
			return 0;
	} while (is_blank(line));
	if (sscanf(line, "program %u", &program->threads) != 1 ||
	    program->threads < 1 || program->threads > THREADS_MAX)
		return -EINVAL;

	while (line_next(text, end, line, sizeof(line))) {
		if (is_blank(line))
			continue;
		if (!strcmp(line, "end"))
			return program->count ? 1 : -EINVAL;
		if (program->count == CALLS_MAX ||
		    call_read(line, &program->calls[program->count]))
			return -EINVAL;
		program->count++;
	}
	return -EINVAL;
}

/* FNV-1a of the text of a program. */
uint64_t program_hash(const struct program *program)
{
	static char text[PROGRAM_TEXT_MAX];
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t length = program_write(program, text);
	size_t i;

	for (i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return hash;
}

void program_remove(struct program *program, uint32_t index)
{
	memmove(&program->calls[index], &program->calls[index + 1],
		(program->count - index - 1) * sizeof(program->calls[0]));
	program->count--;
}

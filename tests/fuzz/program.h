/* SPDX-License-Identifier: MIT */
/*
 * A program is a list of calls with arguments. Each call names its thread. The text of a program
 * has lines of words. The words keep their meaning when the fuzzer gets new calls:
 *
 *   program THREADS
 *   THREAD CALL ARGUMENT...		missing arguments are zero
 *   end
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define THREADS_MAX 4
#define CALLS_MAX 48
#define ARGS_MAX 20

struct call {
	uint16_t op; /* index in the table of calls.h */
	uint16_t thread;
	uint64_t args[ARGS_MAX];
};

struct program {
	uint32_t threads;
	uint32_t count;
	struct call calls[CALLS_MAX];
};

/* The longest text of a program, in bytes. */
#define PROGRAM_TEXT_MAX (CALLS_MAX * (32 + ARGS_MAX * 19) + 64)

size_t program_write(const struct program *program, char *text);

/*
 * Read a program at @text, and move @text behind the program. Return: 1: a program was read. 0: the
 * end of the text. -EINVAL: the text is not a program.
 */
int program_read(const char **text, const char *end, struct program *program);

/* Return: a hash of the program, the same on each machine. The hash is its file name. */
uint64_t program_hash(const struct program *program);

void program_remove(struct program *program, uint32_t index);

#endif /* FUZZ_PROGRAM_H */

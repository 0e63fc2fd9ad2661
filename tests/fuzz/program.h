/* SPDX-License-Identifier: MIT */
/*
 * A program: calls with their arguments, each for one of a few threads. As text it
 * is lines of words, which stay what they mean when calls are added:
 *
 *   program THREADS
 *   THREAD CALL ARGUMENT...		arguments that are missing are zero
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
	uint16_t op; /* of the table in calls.h */
	uint16_t thread;
	uint64_t args[ARGS_MAX];
};

struct program {
	uint32_t threads;
	uint32_t count;
	struct call calls[CALLS_MAX];
};

/* The most that a program takes as text. */
#define PROGRAM_TEXT_MAX (CALLS_MAX * (32 + ARGS_MAX * 19) + 64)

size_t program_write(const struct program *program, char *text);

/*
 * Reads the next program of @text and moves it on. Returns 1, or 0 at the end,
 * or -EINVAL for what is no program.
 */
int program_read(const char **text, const char *end, struct program *program);

/* A name for what it does, the same wherever it is found. */
uint64_t program_hash(const struct program *program);

void program_remove(struct program *program, uint32_t index);

#endif /* FUZZ_PROGRAM_H */

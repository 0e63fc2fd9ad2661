/* SPDX-License-Identifier: MIT */
/* The programs that are varied: the programs of tests/fuzz/corpus/, and new programs. */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include "fuzz/program.h"
#include "fuzz/random.h"

#define CORPUS_MAX 2048

/* Shared by processes. Only one process at a time changes the corpus. */
struct corpus {
	uint32_t count;
	struct program programs[CORPUS_MAX];
};

/* The text of all files of tests/fuzz/corpus/. */
extern const char corpus_text[], corpus_text_end[];

/* Load the programs that were compiled in. Return: their number, or -EINVAL. */
int corpus_load(struct corpus *corpus);

/* Add a program, and print it. The host stores the printed program (tests/fuzz/run). */
void corpus_add(struct corpus *corpus, const struct program *program);

const struct program *corpus_pick(const struct corpus *corpus,
				  struct random *random);

/* Print a program on standard output, each line as a TAP comment. */
void program_say(const char *why, const struct program *program);

#endif /* FUZZ_CORPUS_H */

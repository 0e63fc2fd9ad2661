/* SPDX-License-Identifier: MIT */
/* Programs that are worth to be varied: those of tests/fuzz/corpus/, and new ones. */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include "fuzz/program.h"
#include "fuzz/random.h"

#define CORPUS_MAX 2048

/* Shared by processes; one at a time changes it. */
struct corpus {
	uint32_t count;
	struct program programs[CORPUS_MAX];
};

/* All files of tests/fuzz/corpus/, one after the other. */
extern const char corpus_text[], corpus_text_end[];

/* The programs that were there when this was compiled: their number, or -EINVAL. */
int corpus_load(struct corpus *corpus);

/* And says it, in a form that the host keeps. */
void corpus_add(struct corpus *corpus, const struct program *program);

const struct program *corpus_pick(const struct corpus *corpus,
				  struct random *random);

/* As text on standard output, each line of it as a comment of TAP. */
void program_say(const char *why, const struct program *program);

#endif /* FUZZ_CORPUS_H */

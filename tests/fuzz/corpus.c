// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/corpus.h"

#define INCLUDE ".incbin \"" FUZZ_CORPUS "\""

asm(".pushsection .rodata; corpus_text: " INCLUDE "; corpus_text_end: .byte 0; .popsection");

int corpus_load(struct corpus *corpus)
{
	const char *text = corpus_text;
	int ret;

	corpus->count = 0;
	do {
		if (corpus->count == CORPUS_MAX)
			return -EINVAL;
		ret = program_read(&text, corpus_text_end,
				   &corpus->programs[corpus->count]);
		if (ret < 0)
			return ret;
		corpus->count += ret;
	} while (ret);
	return corpus->count;
}

/* Write the whole text at once, since several processes may write. */
void program_say(const char *why, const struct program *program)
{
	static char text[PROGRAM_TEXT_MAX], comment[2 * PROGRAM_TEXT_MAX];
	size_t length, i, at;

	length = program_write(program, text);
	at = sprintf(comment, "# %s %016" PRIx64 "\n", why, program_hash(program));
	for (i = 0; i < length; i++) {
		if (!i || text[i - 1] == '\n')
			at += sprintf(comment + at, "# | ");
		comment[at++] = text[i];
	}
	for (i = 0; i < at; i += length) {
		length = write(STDOUT_FILENO, comment + i, at - i);
		if ((ssize_t)length <= 0)
			return;
	}
}

void corpus_add(struct corpus *corpus, const struct program *program)
{
	program_say("corpus", program);
	if (corpus->count < CORPUS_MAX)
		corpus->programs[corpus->count++] = *program;
}

/* Prefer the newest programs half of the time: they are likely to lead to more new coverage. */
const struct program *corpus_pick(const struct corpus *corpus,
				  struct random *random)
{
	uint32_t count = corpus->count;

	if (count > 32 && random_once_in(random, 2))
		return &corpus->programs[count - 1 - random_below(random, 32)];
	return &corpus->programs[random_below(random, count)];
}

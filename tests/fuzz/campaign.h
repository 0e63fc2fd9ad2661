/* SPDX-License-Identifier: MIT */
/*
 * A campaign: many programs, run by processes that come and go, with a look at the
 * kernel after each of them.
 */
#ifndef FUZZ_CAMPAIGN_H
#define FUZZ_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "fuzz/corpus.h"
#include "fuzz/coverage.h"

/**
 * struct campaign - shared by the processes of one
 * @seed: decides its programs, as far as coverage does not.
 * @calls_max: calls after which it ends; 0 for no limit.
 * @seconds_max: the same in time.
 * @calls: made so far.
 * @programs: run so far.
 * @round: of the process that runs them now.
 * @started: when the first one began.
 * @running: what it runs.
 * @corpus: what it varies.
 * @coverage: what was reached.
 */
struct campaign {
	uint64_t seed;
	uint64_t calls_max;
	uint64_t seconds_max;
	uint64_t calls;
	uint64_t programs;
	uint64_t round;
	uint64_t started;
	struct program running;
	struct corpus corpus;
	struct coverage coverage;
};

/* With its corpus; NULL where there is no memory, or the corpus is no corpus. */
struct campaign *campaign_create(void);

/* Each program of the corpus, twice. False where something is wrong; it is said. */
bool campaign_replay(struct campaign *campaign);

/* Random ones, to the limits. */
bool campaign_run(struct campaign *campaign);

/* What was reached, in words; @places: also each place that was not. */
void campaign_report(const struct campaign *campaign, bool places);

#endif /* FUZZ_CAMPAIGN_H */

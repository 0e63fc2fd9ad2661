/* SPDX-License-Identifier: MIT */
/*
 * A campaign runs many programs. One process after another runs them, and the kernel is checked
 * after each process.
 */
#ifndef FUZZ_CAMPAIGN_H
#define FUZZ_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "fuzz/corpus.h"
#include "fuzz/coverage.h"

/**
 * struct campaign - shared by the processes of a campaign
 * @seed: of the random numbers. The programs also depend on the coverage.
 * @calls_max: calls after which the campaign ends; 0: no limit.
 * @seconds_max: seconds after which the campaign ends; 0: no limit.
 * @calls: calls that were made so far.
 * @programs: programs that were run so far.
 * @round: number of the process that runs programs now.
 * @started: start time of the campaign.
 * @running: the program that runs now.
 * @corpus: the programs that are varied.
 * @coverage: the places and edges that were reached.
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

/* Create a campaign with its corpus. Return: NULL: no memory, or a program cannot be read. */
struct campaign *campaign_create(void);

/* Run each program of the corpus twice. Return: false after an error, which is printed. */
bool campaign_replay(struct campaign *campaign);

/* Run random programs, up to the limits. Return: false after an error, which is printed. */
bool campaign_run(struct campaign *campaign);

/* Print the coverage; with @places also each place that was not reached. */
void campaign_report(const struct campaign *campaign, bool places);

#endif /* FUZZ_CAMPAIGN_H */

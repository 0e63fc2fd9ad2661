/* SPDX-License-Identifier: MIT */
/*
 * Every failure path of an operation: it is done again and again, and each time
 * another one of its allocations fails, until it has none left: first those of
 * objects, then those of pages. Each time it is looked at what it left behind.
 */
#ifndef TESTS_SWEEP_H
#define TESTS_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/patience.h"

/**
 * struct operation - what is swept
 * @name: as it is reported.
 * @prepare: make what has to be there each time, or NULL. 0 or a negative errno.
 * @run: the operation itself. Not negative, or a negative errno.
 * @undo: the reverse of a @run that succeeded, or NULL.
 * @finish: the reverse of @prepare, or NULL.
 * @errors: with which errnos it may fail, up to a 0.
 * @most: about how many of its allocations of each kind fail; 0 for all of them.
 * @apart: it changes its process for good: do it in a new one each time.
 * @once: do it without a fault only at the end: it changes the machine for good, or
 *	takes long.
 *
 * All of them are called with the @of of sweep().
 */
struct operation {
	const char *name;
	int (*prepare)(void *of);
	int (*run)(void *of);
	void (*undo)(void *of);
	void (*finish)(void *of);
	int errors[4];
	unsigned int most;
	bool apart;
	bool once;
};

/**
 * struct tally - what came of it
 * @points: allocations that the operation makes.
 * @failed: times that it failed, as it should.
 * @survived: times that it succeeded, though an allocation failed.
 * @wrong: what went wrong first, in words, or "".
 */
struct tally {
	unsigned int points;
	unsigned int failed;
	unsigned int survived;
	char wrong[256];
};

/*
 * Sweep, and print "# faults: NAME N failed, M survived". @importer is that of
 * lib/imports.h, or -1 where memory types are not to be looked at.
 */
void sweep(const struct operation *operation, void *of, int importer,
	   struct tally *tally);

/* In a test: all goes well, and there are allocations that matter. */
#define SWEEP(...) \
	do { \
		struct tally tally; \
		sweep(__VA_ARGS__, &tally); \
		EXPECT_STREQ("", tally.wrong); \
		EXPECT_LE(1, tally.failed); \
	} while (0)

/* What makes no allocation cannot fail for want of memory. */
#define SWEEP_NOTHING(...) \
	do { \
		struct tally tally; \
		sweep(__VA_ARGS__, &tally); \
		EXPECT_STREQ("", tally.wrong); \
		EXPECT_EQ(0, tally.points); \
	} while (0)

#endif /* TESTS_SWEEP_H */

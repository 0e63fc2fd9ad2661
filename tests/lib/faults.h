/* SPDX-License-Identifier: MIT */
/*
 * Failures of the kernel's own allocations, one at a time, for the thread that
 * asks for them: the kernel's Documentation/fault-injection, "fail-nth".
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>

/* More than any operation allocates. */
#define FAULTS_NEVER 100000000U

/* Whether this kernel was built for it. */
bool faults_exist(void);

/*
 * Get ready, in each thread anew: allocations can fail that may sleep, and say
 * nothing in the log. 0 or a negative errno.
 */
int faults_open(void);
void faults_close(void);

/*
 * Which allocations these are: of objects, or of pages. Not both at once, since the
 * caches of objects take pages now and then, and nothing could be counted.
 */
enum faults_of {
	FAULTS_OF_OBJECTS,
	FAULTS_OF_PAGES,
};

int faults_choose(enum faults_of of);

/* The @nth allocation from here on fails, once; 0 for none. */
void faults_arm(unsigned int nth);

/*
 * The end of that. Returns how many more allocations it would have taken: 0 where
 * the fault has struck.
 */
unsigned int faults_disarm(void);

#endif /* TESTS_FAULTS_H */

/* SPDX-License-Identifier: MIT */
/* Test points in TAP, beside lines that tell what happens. */
#ifndef DEMO_CHECK_H
#define DEMO_CHECK_H

#include <stdbool.h>

/* One line for people. */
__attribute__((format(printf, 1, 2))) void tell(const char *format, ...);

/* One test point. Returns what was checked. */
__attribute__((format(printf, 2, 3))) bool check(bool good, const char *format,
						 ...);

/* Prints the plan. Returns how many points failed. */
unsigned int check_finish(void);

#endif

/* SPDX-License-Identifier: MIT */
/* The module's quotas, out of the way of a test that is about something else. */
#ifndef TESTS_LIMITS_H
#define TESTS_LIMITS_H

/*
 * Raise all that there are above what the machine has, and put back what was
 * there: 0 or a negative errno.
 */
int limits_lift(void);
int limits_restore(void);

#endif /* TESTS_LIMITS_H */

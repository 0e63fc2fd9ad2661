/* SPDX-License-Identifier: MIT */
/* What a user without privileges can do. */
#ifndef TESTS_NOBODY_H
#define TESTS_NOBODY_H

/* Become one, without a capability or a way to one: 0 or a negative errno. */
int become_nobody(void);

/* A number in our own /proc/self/status; -1 for none. */
long status_number(const char *name);

#endif /* TESTS_NOBODY_H */

/* SPDX-License-Identifier: MIT */
/* What a user without privileges can do. */
#ifndef TESTS_NOBODY_H
#define TESTS_NOBODY_H

#include <stdbool.h>

/* Become one, without a capability or a way to one: 0 or a negative errno. */
int become_nobody(void);

/*
 * Have such a user look at something when the system has no open file left for it: 0
 * where @look finds it so, 1 where it does not, or a negative errno.
 */
int nobody_without_files(bool (*look)(void *data), void *data);

/* A number in our own /proc/self/status; -1 for none. */
long status_number(const char *name);

#endif /* TESTS_NOBODY_H */

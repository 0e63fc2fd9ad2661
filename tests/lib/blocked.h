/* SPDX-License-Identifier: MIT */
/* Child processes that the kernel keeps waiting, and where. */
#ifndef TESTS_BLOCKED_H
#define TESTS_BLOCKED_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether a child is in a function of the kernel, or of a module, of that name. Those
 * that wait for a lock are not listed, but who called them.
 */
bool blocked_is_in(pid_t child, const char *function);

/* Until it has ended, or is there for good. True where it has ended. */
bool blocked_ends(pid_t child, const char *function, int *status);

#endif /* TESTS_BLOCKED_H */

/* SPDX-License-Identifier: MIT */
/* Control groups: who pays for memory. */
#ifndef TESTS_GROUPS_H
#define TESTS_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

/* Where the guest mounts them, and one that a test makes and removes. */
#define GROUPS "/run/cgroup"
#define GROUP GROUPS "/bufalloc"

/* Give children of the first group a controller: "+memory". */
void group_controls(const char *change);

/* Anew, if it was left behind. 0 or a negative errno. */
int group_make(const char *group);

/*
 * Where nobody is any more. Whoever has ended lately may still be counted there for a
 * moment. 0 or a negative errno.
 */
int group_remove(const char *group);

/* This process. 0 or a negative errno. */
int group_enter(const char *group);

/* Bytes that it is charged for, or -1. */
long group_held(const char *group);

/* Whether the child has ended; it stays to be waited for. */
bool has_ended(pid_t child);

/* Wait until the group is charged for more. False if the child has ended before. */
bool group_exceeds(const char *group, long bytes, pid_t child);

#endif /* TESTS_GROUPS_H */

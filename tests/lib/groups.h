/* SPDX-License-Identifier: MIT */
/* Control groups: who pays for memory. */
#ifndef TESTS_GROUPS_H
#define TESTS_GROUPS_H

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

#endif /* TESTS_GROUPS_H */

/* SPDX-License-Identifier: MIT */
/* How long tests may take that repeat something. */
#ifndef TESTS_PATIENCE_H
#define TESTS_PATIENCE_H

#include <stdbool.h>

/*
 * Seconds for a test that takes long on a kernel that watches everything, or that waits
 * for two to meet by chance.
 */
#define PATIENCE 1800

/*
 * So many rounds, or a fortieth of them on such a kernel: each takes fifty times as
 * long there, and what it watches for does not need as many.
 */
int rounds_of(int rounds);

/* Whether this kernel looks at each access, and is several times slower by that. */
bool is_watched(void);

#endif /* TESTS_PATIENCE_H */

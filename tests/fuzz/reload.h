/* SPDX-License-Identifier: MIT */
/* What the module does when it comes and when it goes, which no call of it reaches. */
#ifndef FUZZ_RELOAD_H
#define FUZZ_RELOAD_H

#include "fuzz/coverage.h"

/*
 * Unloads the modules and loads them again, also with allocations that fail. They have no
 * options then. 0 or a negative errno.
 */
int reload_run(struct coverage *coverage);

#endif /* FUZZ_RELOAD_H */

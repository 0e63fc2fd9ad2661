/* SPDX-License-Identifier: MIT */
/* Load and unload the module: no call reaches that code. */
#ifndef FUZZ_RELOAD_H
#define FUZZ_RELOAD_H

#include "fuzz/coverage.h"

/*
 * Unloads the modules and loads them again, also with allocations that fail. They have no
 * options then. 0 or a negative errno.
 */
int reload_run(struct coverage *coverage);

#endif /* FUZZ_RELOAD_H */

/* SPDX-License-Identifier: MIT */
/* Load and unload the module: no call of a program reaches that code. */
#ifndef FUZZ_RELOAD_H
#define FUZZ_RELOAD_H

#include "fuzz/coverage.h"

/*
 * Unload the modules and load them again, also with failing allocations. Afterwards the modules
 * have no parameters set. Return: 0 or a negative errno.
 */
int reload_run(struct coverage *coverage);

#endif /* FUZZ_RELOAD_H */

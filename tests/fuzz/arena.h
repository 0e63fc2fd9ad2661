/* SPDX-License-Identifier: MIT */
/*
 * Memory of the process that may become buffers, of each kind there is, side by side at
 * fixed addresses: whatever begins in one may end in the next.
 */
#ifndef FUZZ_ARENA_H
#define FUZZ_ARENA_H

#include <stdint.h>

#include "fuzz/random.h"

/* What the machine has to have for it; 0 or a negative errno. And as it was before. */
int arena_allow(void);
void arena_forbid(void);

/* Once for each process that runs programs. Returns 0 or a negative errno. */
int arena_create(void);

/* As it was, where a program has changed it. */
void arena_restore_changed(void);

/* Mostly where pages begin, seldom beside that or anywhere. */
uint64_t arena_address(struct random *random);

#endif /* FUZZ_ARENA_H */

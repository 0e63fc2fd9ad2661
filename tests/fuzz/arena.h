/* SPDX-License-Identifier: MIT */
/*
 * Memory of the process that may become buffers. There is a region of each kind of memory. The
 * regions lie side by side at fixed addresses, so a range can begin in one and end in the next.
 */
#ifndef FUZZ_ARENA_H
#define FUZZ_ARENA_H

#include <stdint.h>

#include "fuzz/random.h"

/* Set what the machine needs (Return: 0 or a negative errno), and restore the old settings. */
int arena_allow(void);
void arena_forbid(void);

/* Call once in each process that runs programs. Return: 0 or a negative errno. */
int arena_create(void);

/* Map the regions again if a program has changed them. */
void arena_restore_changed(void);

/* Return: mostly the address of a page, seldom another address of a region or any address. */
uint64_t arena_address(struct random *random);

#endif /* FUZZ_ARENA_H */

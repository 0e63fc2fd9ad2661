/* SPDX-License-Identifier: MIT */
/*
 * What is live while a program runs: small numbered slots for each kind of thing,
 * which all of its threads use, and empty for one another.
 */
#ifndef FUZZ_SLOTS_H
#define FUZZ_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS 16

enum pool {
	POOL_DEVICE, /* /dev/bufalloc */
	POOL_BUFFER, /* dma-bufs of it */
	POOL_IMPORTER, /* /dev/bufalloc-importer */
	POOL_FENCE, /* sync files */
	POOL_OTHER, /* files of others */
	POOL_DRM, /* vgem */
	POOL_FDS, /* those above are file descriptors */
	POOL_ATTACHMENT = POOL_FDS, /* ids of an importer */
	POOL_HANDLE, /* GEM handles of a vgem */
	POOL_MAPPING, /* lengths of what is mapped there */
	POOLS,
};

/* -1 where it is empty. */
int slot_get(enum pool pool, uint64_t slot);

/* The same, and it is empty now: who takes a file descriptor closes it. */
int slot_take(enum pool pool, uint64_t slot);

/* What was there before is closed where it is a file. Returns @value. */
int slot_put(enum pool pool, uint64_t slot, int value);

/* Files up to @fd are the fuzzer's own: no slot takes them. */
void slots_create(int fd);

/* Closes all other files, and forgets all. */
void slots_clear(void);

#endif /* FUZZ_SLOTS_H */

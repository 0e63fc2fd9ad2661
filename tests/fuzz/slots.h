/* SPDX-License-Identifier: MIT */
/*
 * The objects of a running program. There are SLOTS slots for each kind of object. All threads use
 * the same slots, so a thread can empty a slot that another thread uses.
 */
#ifndef FUZZ_SLOTS_H
#define FUZZ_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS 16

enum pool {
	POOL_DEVICE, /* /dev/bufalloc */
	POOL_BUFFER, /* its dma-bufs */
	POOL_IMPORTER, /* /dev/bufalloc-importer */
	POOL_FENCE, /* sync files */
	POOL_OTHER, /* other files */
	POOL_DRM, /* vgem */
	POOL_FDS, /* the pools above have file descriptors */
	POOL_ATTACHMENT = POOL_FDS, /* ids of an importer */
	POOL_HANDLE, /* GEM handles of vgem */
	POOL_MAPPING, /* lengths of mappings in the windows */
	POOLS,
};

/* Return: the value of a slot; -1: the slot is empty. */
int slot_get(enum pool pool, uint64_t slot);

/* Empty a slot. Return: the value; -1: the slot was empty. The caller closes a file descriptor. */
int slot_take(enum pool pool, uint64_t slot);

/* Fill a slot, and close the file that it had. Return: @value, or -1: not a value for a slot. */
int slot_put(enum pool pool, uint64_t slot, int value);

/* File descriptors up to @fd belong to the fuzzer: slots refuse them. */
void slots_create(int fd);

/* Empty all slots, and close all other file descriptors. */
void slots_clear(void);

#endif /* FUZZ_SLOTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PLACEMENT_H
#define _BUFALLOC_PLACEMENT_H

#include <linux/types.h>

struct ba_backing;
struct device;

/*
 * Maximum number of attempts to take memory. An attempt fails if a device attaches meanwhile, and
 * the memory does not fit the new placement.
 */
#define PLACEMENT_TRIES 8

/**
 * struct ba_placement - the limits and preferences of the attached devices
 * @dma_bits: each device reaches memory below 2^dma_bits.
 * @prefer_contiguous: at least one device prefers contiguous memory.
 * @snoops: at least one device snoops the caches.
 * @bypasses: at least one device does not snoop the caches.
 * @nid: the node of memory that all devices are on; NUMA_NO_NODE if their nodes differ.
 * @some: a device that has a node was added.
 */
struct ba_placement {
	u32 dma_bits;
	bool prefer_contiguous;
	bool snoops;
	bool bypasses;
	int nid;
	bool some;
};

void ba_placement_init(struct ba_placement *placement);
void ba_placement_add_device(struct ba_placement *placement, struct device *dev, size_t length);
bool ba_placement_allows(const struct ba_placement *placement, const struct ba_backing *backing);
int ba_placement_apply(const struct ba_placement *placement, struct ba_backing *backing);

#endif /* _BUFALLOC_PLACEMENT_H */

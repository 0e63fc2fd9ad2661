/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PLACEMENT_H
#define _BUFALLOC_PLACEMENT_H

#include <linux/types.h>

struct ba_backing;
struct device;

/* How often memory is taken again because a device attached meanwhile that does not reach it. */
#define PLACEMENT_TRIES 8

/**
 * struct ba_placement - what the attached devices allow
 * @dma_bits: each device reaches memory below 2^dma_bits.
 * @prefer_contiguous: a device prefers contiguous memory.
 * @snoops: a device snoops the caches.
 * @bypasses: a device does not.
 * @nid: the node of memory of all devices; NUMA_NO_NODE if they differ.
 * @some: a device with a node was added.
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

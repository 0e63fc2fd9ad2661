/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PLACEMENT_H
#define _BUFALLOC_PLACEMENT_H

#include <linux/types.h>

struct ba_backing;
struct device;

/*
 * How often memory is taken anew where devices came meanwhile that do not reach it. If
 * they come that often it is no accident.
 */
#define PLACEMENT_TRIES 8

/**
 * struct ba_placement - where memory that comes late may be
 * @dma_bits: every device reaches what lies below 2^dma_bits.
 * @prefer_contiguous: a device would rather have it contiguous.
 * @snoops: a device sees what is in the caches.
 * @bypasses: a device does not.
 * @nid: of memory, that is nearest to them; NUMA_NO_NODE where they differ.
 * @some: there is a device that has a node.
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

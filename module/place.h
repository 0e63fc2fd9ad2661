/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PLACE_H
#define _BUFALLOC_PLACE_H

#include <linux/types.h>

struct backing;
struct device;

/*
 * How often memory is taken anew where devices came meanwhile that do not reach it. If
 * they come that often it is no accident.
 */
#define PLACE_TRIES 8

/**
 * struct place - where memory that comes late may be
 * @dma_bits: every device reaches what lies below 2^dma_bits.
 * @one_run: a device would rather have it contiguous.
 * @snoops: a device sees what is in the caches.
 * @bypasses: a device does not.
 * @node: of memory, that is nearest to them; NUMA_NO_NODE where they differ.
 * @some: there is a device that has a node.
 */
struct place {
	u32 dma_bits;
	bool one_run;
	bool snoops;
	bool bypasses;
	int node;
	bool some;
};

void place_init(struct place *place);
void place_admit(struct place *place, struct device *dev, size_t length);
bool place_covers(const struct place *place, const struct backing *backing);
int place_apply(const struct place *place, struct backing *backing);

#endif /* _BUFALLOC_PLACE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_HEAP_H
#define _BUFALLOC_HEAP_H

#include <linux/atomic.h>
#include <linux/device.h>

#include <linux/bufalloc.h>

/**
 * struct heap - a device that memory is allocated for
 * @dev: what the DMA API allocates for: its masks, region and node decide.
 * @name: stable, known to users.
 * @index: known to users, fixed while the module is loaded.
 * @dma_bits: memory lies below 2^dma_bits.
 * @used: bytes taken from it.
 */
struct heap {
	struct device *dev;
	const char *name;
	u32 index;
	u32 dma_bits;
	atomic_long_t used;
};

u32 heap_count(void);
struct heap *heap_at(u32 index);
struct heap *heap_find(u32 index, u32 dma_bits);

int heap_init(void);
void heap_exit(void);

#endif /* _BUFALLOC_HEAP_H */

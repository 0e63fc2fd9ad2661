// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the DMA API with a kernel mapping, that is, without DMA_ATTR_NO_KERNEL_MAPPING. Tests
 * measure the savings of that attribute.
 */
#include <linux/dma-mapping.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "taken.h"

#define PIECE SZ_1M

struct piece {
	struct list_head node;
	void *vaddr;
	dma_addr_t dma;
};

static int piece_add(struct list_head *taken, struct device *dev)
{
	struct piece *piece = kzalloc(sizeof(*piece), GFP_KERNEL);

	if (!piece)
		return -ENOMEM;
	piece->vaddr = dma_alloc_wc(dev, PIECE, &piece->dma,
				    GFP_KERNEL | __GFP_NOWARN);
	if (!piece->vaddr) {
		kfree(piece);
		return -ENOMEM;
	}
	list_add(&piece->node, taken);
	return 0;
}

/* After a failure the memory that was taken before stays until taken_free(). */
int taken_add(struct list_head *taken, struct device *dev, size_t bytes)
{
	int ret = 0;

	for (; bytes >= PIECE && !ret; bytes -= PIECE)
		ret = piece_add(taken, dev);
	return ret;
}

void taken_free(struct list_head *taken, struct device *dev)
{
	struct piece *piece, *next;

	list_for_each_entry_safe(piece, next, taken, node) {
		list_del(&piece->node);
		dma_free_wc(dev, PIECE, piece->vaddr, piece->dma);
		kfree(piece);
	}
}

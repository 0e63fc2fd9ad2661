/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CHUNK_H
#define _BUFALLOC_CHUNK_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "alloc_context.h"

struct ba_block;
struct dmem_cgroup_pool_state;
struct mm_struct;
struct page;
struct sg_table;

/**
 * struct ba_chunk - memory, physically contiguous but for an IOMMU
 * @link: in its owner's list.
 * @page: the first page.
 * @size: bytes, whole pages.
 * @alloc_size: bytes of the allocation, which may begin before @page and end after @size.
 * @lead: bytes of the allocation before @page.
 * @cost: bytes that it counts for, with what rounding costs.
 * @dmem: what is charged for memory that no memory cgroup is charged for, or NULL.
 * @pages_sgt: where it is put together from pieces, by the DMA API behind an IOMMU, or
 *	by a process: the pages of each. Else NULL: it is one run from @page on.
 * @cookie: what dma_alloc_attrs() returned. Not an address: only the DMA API
 *	knows what it stands for.
 * @dma: the memory in the address space of the heap's device.
 * @attrs: what dma_alloc_attrs() was asked with.
 * @cleared: by the DMA API, which does not clear what it does not map.
 * @block: the block it was carved from, or NULL if it is a whole allocation.
 * @pinned_for: whose locked memory it counts for, where it is memory of a process: see
 *	user_pages.c; what is only about allocations means nothing then. Else NULL.
 */
struct ba_chunk {
	struct list_head link;
	struct page *page;
	size_t size;
	size_t alloc_size;
	size_t lead;
	size_t cost;
	struct dmem_cgroup_pool_state *dmem;
	struct sg_table *pages_sgt;
	void *cookie;
	dma_addr_t dma;
	unsigned long attrs;
	bool cleared;
	struct ba_block *block;
	struct mm_struct *pinned_for;
};

/**
 * enum ba_chunk_form - what a chunk must be
 * @CHUNK_ORDINARY: Anything; not of the memory that the kernel sets aside for
 *	those who need it in one run.
 * @CHUNK_CONTIGUOUS: Physically contiguous.
 * @CHUNK_LARGE_PAGES: The same, and at the beginning of a large page of the kernel's own
 *	mapping, whose pages are all taken: to change their type splits none of them.
 */
enum ba_chunk_form {
	CHUNK_ORDINARY,
	CHUNK_CONTIGUOUS,
	CHUNK_LARGE_PAGES,
};

size_t ba_chunk_cost(const struct ba_alloc_context *context, size_t size,
		     enum ba_chunk_form form);
int ba_chunk_alloc(struct ba_chunk *chunk, const struct ba_alloc_context *context, size_t size,
		   enum ba_chunk_form form, gfp_t gfp);
void ba_chunk_free(struct ba_chunk *chunk, const struct ba_alloc_context *context);

#endif /* _BUFALLOC_CHUNK_H */

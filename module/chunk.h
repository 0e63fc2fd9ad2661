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
 * struct ba_chunk - one piece of memory, physically contiguous unless @pages_sgt is set
 * @link: entry in the list of its backing.
 * @page: the first page.
 * @size: bytes, whole pages.
 * @alloc_size: bytes of the allocation, which can begin before the chunk and end after the chunk.
 * @lead: bytes of the allocation before @page.
 * @cost: bytes that are charged, rounding included.
 * @dmem: the dmem charge of memory that no memory cgroup is charged for, or NULL.
 * @pages_sgt: the pages of a chunk that is not contiguous: behind an IOMMU, of a process, or of
 *	a shmem file. Else NULL.
 * @cookie: the return value of dma_alloc_attrs(). Only the DMA API knows its meaning.
 * @dma: address of the memory for the heap's device.
 * @attrs: attributes of dma_alloc_attrs().
 * @cleared: the DMA API has cleared the memory, and no cache holds a line of it.
 * @zeroed: the page allocator has cleared the memory.
 * @block: the block that the chunk was carved from, or NULL.
 * @pinned_for: the process whose pinned_vm counts user pages, else NULL. Only @page, @size,
 *	@cost and @pages_sgt are valid for such a chunk: see user_pages.c.
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
	bool zeroed;
	struct ba_block *block;
	struct mm_struct *pinned_for;
};

/**
 * enum ba_chunk_form - the form that a chunk must have
 * @CHUNK_ORDINARY: Any memory but CMA.
 * @CHUNK_CONTIGUOUS: Physically contiguous; CMA is allowed.
 * @CHUNK_LARGE_PAGES: Physically contiguous, in whole large pages of the direct map: a change of
 *	their memory type splits no large page.
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

// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates memory from the DMA API, charges it, and sets its memory type. No other file calls
 * dma_alloc_attrs() or dma_alloc_pages(). A chunk is charged before it is allocated, and uncharged
 * after it is freed.
 *
 * Main object: struct ba_chunk, from ba_chunk_alloc() to ba_chunk_free(). It does not change in
 * between, so there is no lock.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "caching.h"
#include "chunk.h"
#include "client.h"
#include "compat/compat.h"
#include "direct.h"
#include "gfp.h"
#include "heap.h"
#include "limits.h"
#include "quota.h"

static struct device *context_device(const struct ba_alloc_context *context)
{
	return ba_heap_device(context->heap, context->nid);
}

/*
 * Whether dma_alloc_attrs() gives plain cacheable pages. dma_alloc_pages() is avoided then, because
 * it clears pages that the page allocator has cleared. With CONFIG_HIGHMEM dma_alloc_pages() is
 * needed, because it gives no high memory.
 */
static bool has_plain_coherent(const struct ba_heap *heap)
{
	return dev_is_dma_coherent(heap->dev) && ba_dev_is_direct(heap->dev) &&
	       !heap->region_size && !memory_is_encrypted() && !IS_ENABLED(CONFIG_HIGHMEM);
}

/*
 * Whether the chunk comes from dma_alloc_pages(): cacheable memory of a heap whose coherent memory
 * is not plain cacheable pages. CACHED is such memory, and so is write-back memory for snooping
 * devices if the heap's own device does not snoop.
 */
static bool is_streamed(const struct ba_alloc_context *context)
{
	return context->memtype == BUFALLOC_MEMTYPE_WRITE_BACK &&
	       (context->caching == BUFALLOC_CACHING_CACHED ||
		!dev_is_dma_coherent(context->heap->dev)) &&
	       !has_plain_coherent(context->heap);
}

/*
 * CMA aligns to less than a large page, so allocate one large page more. The chunk then begins at
 * the first boundary of a large page.
 */
static size_t alloc_size_for(size_t size, enum ba_chunk_form form)
{
	if (form != CHUNK_LARGE_PAGES)
		return size;
	return round_up(size, LARGE_PAGE) + LARGE_PAGE;
}

/*
 * The bytes that a chunk of @size is charged. The page allocator and a coherent pool round up to a
 * power of two. CMA does not round, and serves all sizes above those of the page allocator. Behind
 * an IOMMU the DMA API collects single pages, and does not round either.
 */
size_t ba_chunk_cost(const struct ba_alloc_context *context, size_t size,
		     enum ba_chunk_form form)
{
	const struct ba_heap *heap = context->heap;
	unsigned int order;

	size = alloc_size_for(size, form);
	order = get_order(size);
	if (heap->coherent_pool)
		return PAGE_SIZE << order;
	if (heap->behind_iommu && form == CHUNK_ORDINARY && !is_streamed(context))
		return size;
	if (heap->region_size || order > MAX_PAGE_ORDER)
		return size;
	return PAGE_SIZE << order;
}

static int chunk_charge(const struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	struct ba_use use = { .bytes = chunk->cost };
	int ret = ba_quota_charge(context->client->quota, use);

	if (!ret)
		atomic64_add(chunk->cost, &context->heap->used);
	return ret;
}

static void chunk_uncharge(const struct ba_chunk *chunk,
			   const struct ba_alloc_context *context)
{
	struct ba_use use = { .bytes = chunk->cost };

	atomic64_sub(chunk->cost, &context->heap->used);
	ba_quota_uncharge(context->client->quota, use);
}

/* Whether a memory cgroup is charged for the chunk. Reserved memory and CMA are not charged. */
static bool is_of_memory_cgroup(const struct ba_chunk *chunk)
{
	bool charged;

	rcu_read_lock();
	charged = page_memcg_check(chunk->page);
	rcu_read_unlock();
	return charged;
}

/* Charge the dmem cgroup for memory that no memory cgroup is charged for. */
static int dmem_charge(struct ba_chunk *chunk, const struct ba_alloc_context *context,
		       enum ba_chunk_form form)
{
	const struct ba_heap *heap = context->heap;

	if (!heap->dmem || is_of_memory_cgroup(chunk))
		return 0;
	/* An ordinary chunk is charged to a memory cgroup, at least to the root. */
	if (!heap->region_size && form == CHUNK_ORDINARY)
		return 0;
	return dmem_cgroup_try_charge(heap->dmem, chunk->cost, &chunk->dmem,
				      NULL);
}

static void dmem_uncharge(const struct ba_chunk *chunk)
{
	if (chunk->dmem)
		dmem_cgroup_uncharge(chunk->dmem, chunk->cost);
}

/* Behind an IOMMU the DMA API uses the heap's own region only for contiguous memory. */
static unsigned long coherent_attrs(const struct ba_alloc_context *context,
				    enum ba_chunk_form form)
{
	unsigned long attrs = DMA_ATTR_NO_WARN;

	/* Behind an IOMMU the DMA API ignores this attribute at best: do not pass it. */
	if (!context->heap->behind_iommu)
		attrs |= DMA_ATTR_NO_KERNEL_MAPPING;
	if (context->caching == BUFALLOC_CACHING_WC)
		attrs |= DMA_ATTR_WRITE_COMBINE;
	if (form != CHUNK_ORDINARY || context->heap->region_size)
		attrs |= DMA_ATTR_FORCE_CONTIGUOUS;
	return attrs;
}

static void coherent_free(const struct ba_chunk *chunk,
			  const struct ba_alloc_context *context)
{
	dma_free_attrs(context_device(context), chunk->alloc_size, chunk->cookie,
		       chunk->dma, chunk->attrs);
}

static void pages_sgt_destroy(struct sg_table *pages_sgt)
{
	if (!pages_sgt)
		return;
	sg_free_table(pages_sgt);
	kfree(pages_sgt);
}

/* Only the DMA API knows the meaning of the cookie: get an sg_table of the pages from the API. */
static int coherent_locate(struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	struct sg_table *pages_sgt;
	int ret;

	pages_sgt = kmalloc(sizeof(*pages_sgt), GFP_METADATA);
	if (!pages_sgt)
		return -ENOMEM;

	ret = dma_get_sgtable_attrs(context_device(context), pages_sgt, chunk->cookie,
				    chunk->dma, chunk->alloc_size, chunk->attrs);
	if (ret) {
		kfree(pages_sgt);
		return ret;
	}

	chunk->page = sg_page(pages_sgt->sgl);
	if (pages_sgt->orig_nents > 1) {
		chunk->pages_sgt = pages_sgt;
		return 0;
	}
	pages_sgt_destroy(pages_sgt);
	return 0;
}

/*
 * Whether memory for @dev is zero when it is allocated, also from CMA. Memory from DMA operations
 * of a platform may not be zero, nor memory that is decrypted after its allocation.
 */
static bool allocator_clears(struct device *dev)
{
	return (want_init_on_alloc(0) || want_init_on_free()) &&
	       ba_dev_is_direct(dev) && !memory_is_encrypted();
}

static int coherent_alloc(struct ba_chunk *chunk, const struct ba_alloc_context *context,
			  enum ba_chunk_form form, gfp_t gfp)
{
	int ret;

	chunk->attrs = coherent_attrs(context, form);
	chunk->cleared = context->heap->behind_iommu || context->heap->coherent_pool;
	chunk->zeroed = allocator_clears(context_device(context));
	chunk->cookie = dma_alloc_attrs(context_device(context), chunk->alloc_size,
					&chunk->dma, gfp, chunk->attrs);
	if (!chunk->cookie)
		return -ENOMEM;

	ret = coherent_locate(chunk, context);
	if (ret)
		coherent_free(chunk, context);
	return ret;
}

/*
 * Devices that do not snoop need streaming syncs. The DMA API forbids such syncs for coherent
 * memory. So this memory comes from dma_alloc_pages(), which clears the memory.
 */
static int cached_alloc(struct ba_chunk *chunk, const struct ba_alloc_context *context,
			gfp_t gfp)
{
	chunk->cookie = NULL;
	chunk->cleared = true;
	chunk->page = dma_alloc_pages(context_device(context), chunk->alloc_size,
				      &chunk->dma, DMA_BIDIRECTIONAL, gfp);
	return chunk->page ? 0 : -ENOMEM;
}

/*
 * If it may sleep, the DMA API takes a chunk of more than a page from the CMA area before it asks
 * the page allocator. CMA is for contiguous requests, and its memory is charged to no cgroup.
 * Behind an IOMMU the DMA API puts single pages together, but only if it may sleep.
 */
static bool avoids_cma(const struct ba_alloc_context *context, size_t size,
		       enum ba_chunk_form form)
{
	const struct ba_heap *heap = context->heap;

	if (heap->region_size || size == PAGE_SIZE)
		return false;
	if (form != CHUNK_ORDINARY && !context->client->charged_only)
		return false;
	if (heap->behind_iommu && !is_streamed(context))
		return false;
	return dev_has_cma_area(context_device(context));
}

static int dma_api_try(struct ba_chunk *chunk, const struct ba_alloc_context *context,
		       enum ba_chunk_form form, gfp_t gfp)
{
	if (is_streamed(context))
		return cached_alloc(chunk, context, gfp);
	return coherent_alloc(chunk, context, form, gfp);
}

/* The zone that the DMA API tries last for the DMA mask of the heap. */
static gfp_t zone_of(const struct ba_heap *heap)
{
	if (heap->dma_bits > 32)
		return 0;
	return heap->dma_bits == 32 ? GFP_DMA32 : GFP_DMA;
}

/* Have the page allocator and the memory cgroup reclaim as much as the chunk needs. */
static bool make_room_in(gfp_t zone, const struct ba_alloc_context *context, size_t size,
			 gfp_t gfp)
{
	unsigned int order = get_order(size);
	struct page *page;

	page = alloc_pages_node(dev_to_node(context_device(context)), gfp | zone,
				order);
	if (!page)
		return false;
	__free_pages(page, order);
	return true;
}

/* The DMA API tries the wider zone first, and fails if that zone has no page at all. */
static bool make_room(const struct ba_alloc_context *context, size_t size, gfp_t gfp)
{
	bool wider = context->heap->dma_bits < 32 && make_room_in(GFP_DMA32, context, size, gfp);

	return make_room_in(zone_of(context->heap), context, size, gfp) || wider;
}

/*
 * If the DMA API may not sleep, it does not use CMA, but it reclaims nothing either. If no smaller
 * chunk is enough, have the page allocator reclaim, and try again. __GFP_NOMEMALLOC keeps the
 * reserves for callers that really may not sleep.
 */
static int dma_api_alloc_outside_cma(struct ba_chunk *chunk,
				     const struct ba_alloc_context *context,
				     enum ba_chunk_form form, gfp_t gfp)
{
	gfp_t quiet = (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOMEMALLOC;
	int ret = dma_api_try(chunk, context, form, quiet);

	if (ret != -ENOMEM || !(gfp & __GFP_RETRY_MAYFAIL) ||
	    !make_room(context, chunk->alloc_size, gfp))
		return ret;
	return dma_api_try(chunk, context, form, quiet);
}

static int dma_api_alloc(struct ba_chunk *chunk, const struct ba_alloc_context *context,
			 enum ba_chunk_form form, gfp_t gfp)
{
	gfp |= GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	if (avoids_cma(context, chunk->alloc_size, form))
		return dma_api_alloc_outside_cma(chunk, context, form, gfp);
	return dma_api_try(chunk, context, form, gfp);
}

static void dma_api_free(const struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	if (is_streamed(context))
		dma_free_pages(context_device(context), chunk->alloc_size, chunk->page,
			       chunk->dma, DMA_BIDIRECTIONAL);
	else
		coherent_free(chunk, context);
	pages_sgt_destroy(chunk->pages_sgt);
}

/* Whether the memory is of this heap. Memory outside of the heap's region is of another heap. */
static bool is_of_region(const struct ba_chunk *chunk, const struct ba_heap *heap)
{
	phys_addr_t start = page_to_phys(chunk->page);

	if (!heap->region_size)
		return true;
	return chunk->alloc_size <= heap->region_size &&
	       start >= heap->region_start &&
	       start - heap->region_start <= heap->region_size - chunk->alloc_size;
}

/* Start the chunk at the first whole large page. */
static void chunk_advance(struct ba_chunk *chunk)
{
	phys_addr_t start = page_to_phys(chunk->page);

	chunk->lead = round_up(start, LARGE_PAGE) - start;
	chunk->page = pfn_to_page(PHYS_PFN(start + chunk->lead));
	chunk->dma += chunk->lead;
}

/* The reverse of chunk_advance(). */
static void chunk_retreat(struct ba_chunk *chunk)
{
	chunk->page = pfn_to_page(page_to_pfn(chunk->page) -
				  PHYS_PFN(chunk->lead));
	chunk->dma -= chunk->lead;
	chunk->lead = 0;
}

/* The number of bytes, from the chunk's first page on, whose memory type is changed. */
static size_t chunk_typed(const struct ba_chunk *chunk)
{
	if (chunk->alloc_size == chunk->size)
		return chunk->size;
	return round_up(chunk->size, LARGE_PAGE);
}

/**
 * ba_chunk_alloc() - allocate memory
 * @chunk: filled in.
 * @context: where the memory comes from, and the client that is charged.
 * @size: bytes, whole pages.
 * @form: the form that the memory must have.
 * @gfp: how hard to try: __GFP_NORETRY, or __GFP_RETRY_MAYFAIL if no smaller chunk is enough.
 *
 * The memory has the type of @context. @chunk tells whether the memory is cleared.
 *
 * Return: 0, or an error:
 * -ENOMEM: such memory is not available, the dmem cgroup is full, or the memory type cannot be set.
 * -EDQUOT: the chunk passes a quota.
 */
int ba_chunk_alloc(struct ba_chunk *chunk, const struct ba_alloc_context *context, size_t size,
		   enum ba_chunk_form form, gfp_t gfp)
{
	int ret;

	*chunk = (struct ba_chunk) {
		.size = size,
		.alloc_size = alloc_size_for(size, form),
	};
	chunk->cost = ba_chunk_cost(context, size, form);
	ret = chunk_charge(chunk, context);
	if (ret)
		return ret;

	ret = dma_api_alloc(chunk, context, form, gfp);
	if (ret)
		goto uncharge;
	if (!is_of_region(chunk, context->heap) ||
	    dmem_charge(chunk, context, form)) {
		ret = -ENOMEM;
		goto free_memory;
	}

	if (form == CHUNK_LARGE_PAGES)
		chunk_advance(chunk);
	if (ba_direct_map_set_type(chunk->page, chunk_typed(chunk), context->memtype)) {
		ba_chunk_free(chunk, context);
		return -ENOMEM;
	}
	return 0;

free_memory:
	dma_api_free(chunk, context);
uncharge:
	chunk_uncharge(chunk, context);
	return ret;
}

/*
 * Memory whose type cannot be set back must not go back to the kernel: its next owner would have
 * two mappings of different types. Such memory is lost, and stays counted as live.
 */
void ba_chunk_free(struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	int ret;

	ret = ba_direct_map_reset_type(chunk->page, chunk_typed(chunk), context->memtype);
	if (WARN_ON(ret))
		return;

	chunk_retreat(chunk);

	dma_api_free(chunk, context);
	dmem_uncharge(chunk);
	chunk_uncharge(chunk, context);
}

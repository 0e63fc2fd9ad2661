// SPDX-License-Identifier: GPL-2.0
/*
 * One allocation of the DMA API, charged and of the right memory type: the only
 * caller of dma_alloc_attrs() and its kin. What is live is counted here, beside
 * the calls that make and end it.
 */
#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>

#include "caching.h"
#include "chunk.h"
#include "client.h"
#include "compat/compat.h"
#include "heap.h"

static atomic_long_t live_bytes;

/* Bytes of all clients, with what rounding costs. */
long chunk_live_bytes(void)
{
	return atomic_long_read(&live_bytes);
}

/*
 * The page allocator gives powers of two. What is larger than it can give
 * comes from a region, which rounds nothing.
 */
static size_t chunk_cost(const struct chunk *chunk)
{
	unsigned int order = get_order(chunk->size);

	return order > MAX_PAGE_ORDER ? chunk->size : PAGE_SIZE << order;
}

static void chunk_charge(const struct chunk *chunk, const struct source *source)
{
	size_t cost = chunk_cost(chunk);

	client_charge(source->client, cost);
	atomic_long_add(cost, &source->heap->used);
	atomic_long_add(cost, &live_bytes);
}

static void chunk_uncharge(const struct chunk *chunk,
			   const struct source *source)
{
	size_t cost = chunk_cost(chunk);

	atomic_long_sub(cost, &live_bytes);
	atomic_long_sub(cost, &source->heap->used);
	client_uncharge(source->client, cost);
}

static unsigned long coherent_attrs(const struct source *source)
{
	unsigned long attrs = DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN;

	if (source->caching == BUFALLOC_CACHING_WC)
		attrs |= DMA_ATTR_WRITE_COMBINE;
	return attrs;
}

static void coherent_free(const struct chunk *chunk,
			  const struct source *source)
{
	dma_free_attrs(source->heap->dev, chunk->size, chunk->cookie,
		       chunk->dma, coherent_attrs(source));
}

/* The cookie does not tell where the memory is; its sg_table does. */
static int coherent_locate(struct chunk *chunk, const struct source *source)
{
	struct sg_table sgt;
	int ret;

	ret = dma_get_sgtable_attrs(source->heap->dev, &sgt, chunk->cookie,
				    chunk->dma, chunk->size,
				    coherent_attrs(source));
	if (ret)
		return ret;
	if (sgt.orig_nents == 1)
		chunk->page = sg_page(sgt.sgl);
	else
		ret = -EOPNOTSUPP;
	sg_free_table(&sgt);
	return ret;
}

static int coherent_alloc(struct chunk *chunk, const struct source *source,
			  gfp_t gfp)
{
	int ret;

	chunk->cookie = dma_alloc_attrs(source->heap->dev, chunk->size,
					&chunk->dma, gfp,
					coherent_attrs(source));
	if (!chunk->cookie)
		return -ENOMEM;

	ret = coherent_locate(chunk, source);
	if (ret)
		coherent_free(chunk, source);
	return ret;
}

/*
 * Cached memory is handed to devices by streaming syncs, which what
 * dma_alloc_attrs() returns must not see. The DMA API clears it.
 */
static int cached_alloc(struct chunk *chunk, const struct source *source,
			gfp_t gfp)
{
	chunk->cookie = NULL;
	chunk->page = dma_alloc_pages(source->heap->dev, chunk->size,
				      &chunk->dma, DMA_BIDIRECTIONAL, gfp);
	return chunk->page ? 0 : -ENOMEM;
}

static void dma_api_free(const struct chunk *chunk, const struct source *source)
{
	if (source->caching == BUFALLOC_CACHING_CACHED)
		dma_free_pages(source->heap->dev, chunk->size, chunk->page,
			       chunk->dma, DMA_BIDIRECTIONAL);
	else
		coherent_free(chunk, source);
}

/**
 * chunk_alloc() - take memory
 * @chunk: to be filled in.
 * @source: where from, for whom.
 * @size: bytes, whole pages.
 * @gfp: how hard to try, on top of what every chunk asks for.
 *
 * The memory is of the right type, and not yet cleared unless cached.
 *
 * Return: 0, -ENOMEM, or -EOPNOTSUPP for memory that is not contiguous.
 */
int chunk_alloc(struct chunk *chunk, const struct source *source, size_t size,
		gfp_t gfp)
{
	int ret;

	gfp |= GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	chunk->size = size;
	chunk->block = NULL;

	if (source->caching == BUFALLOC_CACHING_CACHED)
		ret = cached_alloc(chunk, source, gfp);
	else
		ret = coherent_alloc(chunk, source, gfp);
	if (ret)
		return ret;
	chunk_charge(chunk, source);

	ret = caching_convert(chunk->page, chunk->size, source->memtype);
	if (ret) {
		chunk_free(chunk, source);
		return -ENOMEM;
	}
	return 0;
}

/*
 * Memory that cannot be made ordinary again must not go back to the kernel:
 * whoever gets it next would have two mappings of different types. It is lost,
 * and stays counted as live.
 */
void chunk_free(struct chunk *chunk, const struct source *source)
{
	int ret;

	ret = caching_restore(chunk->page, chunk->size, source->memtype);
	if (WARN_ON(ret))
		return;

	dma_api_free(chunk, source);
	chunk_uncharge(chunk, source);
}

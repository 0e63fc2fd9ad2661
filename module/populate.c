// SPDX-License-Identifier: GPL-2.0
/*
 * Gives a backing its memory: a shmem file, or chunks. The chunks are one contiguous range if the
 * request needs that, else the largest chunks that are available.
 *
 * Main object: a fresh struct ba_backing, which gets all of its memory or none. No other thread
 * knows the backing yet, so there is no lock.
 */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "backing.h"
#include "block.h"
#include "caching.h"
#include "client.h"
#include "compat/compat.h"
#include "estimate.h"
#include "gfp.h"
#include "headroom.h"
#include "heap.h"
#include "hibernation.h"
#include "limits.h"
#include "populate.h"
#include "shmem.h"

/* The smallest carving, unless less is missing. Smaller ones would make the list of chunks long. */
#define CARVING_MIN SZ_64K

/* Whether chunks of half the size would be too many segments. */
static bool is_needed_for_segments(const struct ba_requirements *requirements, size_t size)
{
	u64 half = size / 2;

	return requirements->max_segments &&
	       half * requirements->max_segments < requirements->length;
}

/*
 * How hard to try. Reclaim and compact for a chunk that no smaller chunk can replace: a chunk as
 * small as the alignment, or a chunk needed to stay within the number of segments. Do so also for
 * a block, because without blocks large pages of the direct map are split for good.
 */
static gfp_t chunk_effort(const struct ba_backing *backing, size_t size)
{
	if (size == backing->requirements.alignment ||
	    is_needed_for_segments(&backing->requirements, size) ||
	    (size == BLOCK_SIZE_MIN &&
	     ba_memtype_in_direct_map(backing->context.memtype)))
		return __GFP_RETRY_MAYFAIL;
	return __GFP_NORETRY;
}

/**
 * struct chunk_request - a request for the next chunk
 * @size: bytes.
 * @least: bytes, the smallest carving of a block that will do; 0 for a chunk that is not carved.
 * @alignment: bytes, of the address for the heap's device.
 * @form: form of a chunk that is not carved.
 * @gfp: how hard to try: __GFP_NORETRY or __GFP_RETRY_MAYFAIL.
 */
struct chunk_request {
	size_t size;
	size_t least;
	size_t alignment;
	enum ba_chunk_form form;
	gfp_t gfp;
};

static int chunk_clear(const struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	if (chunk->cleared)
		return 0;
	if (!chunk->zeroed)
		ba_caching_clear(chunk->page, chunk->size);
	return ba_caching_flush(context->heap->dev, chunk->page, chunk->size,
				context->memtype);
}

/* CMA can align less than the request needs. */
static bool chunk_fits(const struct ba_chunk *chunk, const struct chunk_request *request)
{
	return IS_ALIGNED(chunk->dma, request->alignment);
}

/* Whether the request can use neither CMA nor high memory: these are no headroom for it. */
static bool is_ordinary(const struct ba_alloc_context *context, const struct chunk_request *request)
{
	if (request->least || request->form == CHUNK_ORDINARY ||
	    context->client->charged_only)
		return true;
	/* CMA can lie in high memory, which dma_alloc_pages() does not take. */
	return IS_ENABLED(CONFIG_HIGHMEM) &&
	       context->memtype == BUFALLOC_MEMTYPE_WRITE_BACK &&
	       get_order(request->size) <= MAX_PAGE_ORDER;
}

/* Memory of a heap's own region needs no headroom, because no other allocation can use it. */
static bool headroom_allows(const struct ba_alloc_context *context,
			    const struct chunk_request *request)
{
	size_t size = request->size;

	if (request->least)
		size = max_t(size_t, size, BLOCK_SIZE_MIN);
	return context->heap->region_size ||
	       ba_headroom_allows(size, is_ordinary(context, request));
}

/* A free range of an existing block is no new memory, and needs no headroom. */
static int chunk_take(struct ba_chunk *chunk, const struct ba_alloc_context *context,
		      const struct chunk_request *request)
{
	if (request->least &&
	    ba_block_carve_free(chunk, context, request->size, request->least,
				request->alignment))
		return 0;
	if (!headroom_allows(context, request))
		return -ENOMEM;
	if (request->least)
		return ba_block_carve_new(chunk, context, request->size, request->gfp);
	return ba_chunk_alloc(chunk, context, request->size, request->form, request->gfp);
}

/* Add one chunk. Return: the number of bytes added, or an error. */
static ssize_t backing_add(struct ba_backing *backing, const struct chunk_request *request)
{
	const struct ba_alloc_context *context = &backing->context;
	struct ba_chunk *chunk;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	chunk = kmalloc(sizeof(*chunk), GFP_METADATA);
	if (!chunk)
		return -ENOMEM;

	ret = chunk_take(chunk, context, request);
	if (ret) {
		kfree(chunk);
		return ret;
	}

	ret = chunk_fits(chunk, request) ? chunk_clear(chunk, context) : -ENOMEM;
	if (ret) {
		ba_backing_release_chunk(chunk, context);
		return ret;
	}

	list_add_tail(&chunk->link, &backing->chunks);
	backing->nr_chunks++;
	return chunk->size;
}

/* Whether to retry without CMA: the page allocator aligns each chunk to its size, CMA may not. */
static bool may_be_ordinary(const struct ba_backing *backing)
{
	const struct ba_heap *heap = backing->context.heap;

	return backing->requirements.alignment > PAGE_SIZE && !heap->behind_iommu &&
	       !heap->region_size;
}

/* Take a carving, or whole large pages of CMA. Neither splits a large page of the direct map. */
static ssize_t populate_large_pages(struct ba_backing *backing, struct chunk_request request)
{
	ssize_t added;

	if (request.size <= CHUNK_MAX)
		request.least = request.size;
	else
		request.form = CHUNK_LARGE_PAGES;
	added = backing_add(backing, &request);
	/* Rounding to a block or to large pages can pass a quota: the caller tries without. */
	return added == -EDQUOT ? -ENOMEM : added;
}

static int populate_contiguous(struct ba_backing *backing, gfp_t effort)
{
	const struct ba_requirements *requirements = &backing->requirements;
	struct chunk_request request = {
		.size = requirements->length,
		.alignment = requirements->alignment,
		.form = CHUNK_CONTIGUOUS,
		.gfp = effort,
	};
	ssize_t added = -ENOMEM;

	if (request.size > SEGMENT_MAX)
		return -ENOMEM;

	if (ba_memtype_in_direct_map(backing->context.memtype))
		added = populate_large_pages(backing, request);
	/* The range itself can be available, though no whole block or large page is. */
	if (added == -ENOMEM)
		added = backing_add(backing, &request);
	if (added == -ENOMEM && may_be_ordinary(backing)) {
		request.form = CHUNK_ORDINARY;
		added = backing_add(backing, &request);
	}
	return added < 0 ? added : 0;
}

/*
 * Add chunks of falling size, of at least @least bytes each. With @carvings_follow a quota that
 * has no room for a chunk is no error: carvings may need none. Return: the number of bytes that
 * are still missing, or an error.
 */
static ssize_t populate_chunks(struct ba_backing *backing, size_t left,
			       size_t least, bool carvings_follow)
{
	struct chunk_request request = {
		.size = CHUNK_MAX,
		.alignment = backing->requirements.alignment,
	};
	ssize_t added;

	while (left >= least) {
		/* A size that failed once is not tried again. */
		request.size = min(request.size, rounddown_pow_of_two(left));
		request.gfp = chunk_effort(backing, request.size);
		added = backing_add(backing, &request);
		if (added == -EDQUOT && carvings_follow)
			added = -ENOMEM;
		if (added > 0)
			left -= added;
		else if (added != -ENOMEM)
			return added;
		else if (request.size > least)
			request.size >>= 1;
		else
			break;
	}
	return left;
}

/* Add carvings of blocks. Return: the number of bytes that are still missing, or an error. */
static ssize_t populate_carvings(struct ba_backing *backing, size_t left)
{
	struct chunk_request request = {
		.alignment = backing->requirements.alignment,
		.gfp = chunk_effort(backing, BLOCK_SIZE_MIN),
	};
	size_t least = max_t(size_t, request.alignment, CARVING_MIN);
	ssize_t added;

	while (left) {
		request.size = min_t(size_t, left, BLOCK_SIZE_MIN);
		request.least = min(request.size, least);
		added = backing_add(backing, &request);
		/* A new block can pass a quota though the missing bytes fit: take small chunks. */
		if (added == -ENOMEM || added == -EDQUOT)
			break;
		if (added < 0)
			return added;
		left -= added;
	}
	return left;
}

/*
 * If the direct map carries the memory type, keep its large pages whole: take chunks as large as a
 * block or larger, then carvings of blocks. Only the rest is small chunks.
 */
static int populate_scattered(struct ba_backing *backing)
{
	size_t least = backing->requirements.alignment;
	ssize_t left = backing->requirements.length;

	if (ba_memtype_in_direct_map(backing->context.memtype)) {
		left = populate_chunks(backing, left,
				       max_t(size_t, least, BLOCK_SIZE_MIN), true);
		if (left > 0 && least <= BLOCK_SIZE_MIN)
			left = populate_carvings(backing, left);
	}
	if (left > 0)
		left = populate_chunks(backing, left, least, false);
	return left > 0 ? -ENOMEM : left;
}

/* A contiguous range that is only preferred may cost an eighth of the length for rounding. */
static bool is_cheap_contiguous(const struct ba_backing *backing)
{
	size_t length = backing->requirements.length;
	enum ba_chunk_form form = CHUNK_CONTIGUOUS;

	/* The form that populate_large_pages() takes. */
	if (length > CHUNK_MAX &&
	    ba_memtype_in_direct_map(backing->context.memtype))
		form = CHUNK_LARGE_PAGES;
	return ba_chunk_cost(&backing->context, length, form) - length <= length / 8;
}

/**
 * populate_allocated() - allocate all chunks of a backing
 * @backing: empty. After an error the caller frees the chunks that were added.
 *
 * Return: 0, or an error:
 * -ENOMEM: such memory is not available.
 * -EDQUOT: a chunk passes a quota.
 * -EINTR: a fatal signal is pending.
 */
static int populate_allocated(struct ba_backing *backing)
{
	const struct ba_requirements *requirements = &backing->requirements;
	int ret = -ENOMEM;

	if (requirements->max_segments == 1)
		return populate_contiguous(backing, __GFP_RETRY_MAYFAIL);
	if (requirements->prefer_contiguous && is_cheap_contiguous(backing))
		ret = populate_contiguous(backing, __GFP_NORETRY);
	/* The rounding of a contiguous range can pass a quota that chunks fit. */
	if (ret == -ENOMEM || ret == -EDQUOT)
		ret = populate_scattered(backing);
	return ret;
}

static int populate_shmem(struct ba_backing *backing)
{
	struct ba_shmem *shmem = ba_shmem_create(&backing->context,
						 backing->requirements.length);

	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	backing->shmem = shmem;
	return 0;
}

static int populate_required(struct ba_backing *backing)
{
	if (ba_hibernation_block(backing->context.memtype,
				 &backing->blocks_hibernation))
		return -EBUSY;
	if (backing->requirements.pageable)
		return populate_shmem(backing);
	return populate_allocated(backing);
}

/* Populate, and charge the memory cgroup of the context. */
static int populate_charged(struct ba_backing *backing)
{
	struct mem_cgroup *memcg = backing->context.memcg;
	struct mem_cgroup *before = NULL;
	int ret;

	if (memcg)
		before = set_active_memcg(memcg);
	ret = populate_required(backing);
	if (memcg)
		set_active_memcg(before);
	return ret;
}

/**
 * ba_populate() - give a backing its memory, cleared and charged
 * @backing: empty, as after ba_backing_init(). It is empty again after an error.
 * @reason: set on error.
 *
 * Return: 0, or an error:
 * -ENOMEM: such memory is not available, or has too many segments.
 * -EDQUOT: the memory passes a quota.
 * -EINTR: a fatal signal is pending.
 * -ENFILE: the memory is pageable, and the system has no file left.
 * -EBUSY: the machine hibernates, and would not save the memory.
 * For pageable memory also the other errors of ba_shmem_create().
 */
int ba_populate(struct ba_backing *backing, enum bufalloc_reason *reason)
{
	int ret = ba_estimate_check(backing);

	if (!ret)
		ret = populate_charged(backing);
	if (ret) {
		*reason = ba_backing_why_not(backing, ret);
		ba_backing_free(backing);
		return ret;
	}

	backing->nr_segments = ba_segment_count(&backing->chunks);
	if (backing->requirements.max_segments &&
	    backing->nr_segments > backing->requirements.max_segments) {
		*reason = BUFALLOC_REASON_SEGMENTS;
		ba_backing_free(backing);
		return -ENOMEM;
	}
	return 0;
}

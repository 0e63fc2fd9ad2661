// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer's memory: a list of chunks, one where it must be contiguous, else
 * the largest that can be had. It knows nothing of who looks at the memory.
 */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "backing.h"
#include "block.h"
#include "caching.h"
#include "client.h"
#include "estimate.h"
#include "heap.h"
#include "hibernation.h"
#include "pinned.h"
#include "quota.h"
#include "spare.h"
#include "store.h"

/* A rest carved in pieces smaller than this would make the lists long. */
#define PIECE_MIN SZ_64K

/* Chunks of half that length would be more segments than were asked for. */
static bool is_needed_for_segments(const struct demand *demand, size_t size)
{
	u64 half = size / 2;

	return demand->max_segments &&
	       half * demand->max_segments < demand->length;
}

/*
 * How hard to try. A page, or what is aligned, is needed, a large chunk nice to
 * have where smaller ones will do; but a block is worth some compaction, since going
 * without splits the kernel's mapping for good.
 */
static gfp_t chunk_effort(const struct backing *backing, size_t size)
{
	if (size == backing->demand.alignment ||
	    is_needed_for_segments(&backing->demand, size) ||
	    (size == BLOCK_SIZE_MIN &&
	     caching_is_of_memory(backing->source.memtype)))
		return __GFP_RETRY_MAYFAIL;
	return __GFP_NORETRY;
}

/**
 * struct want - the next chunk
 * @size: bytes.
 * @least: bytes that will do where it is a piece of a block; else 0.
 * @alignment: of its address.
 * @form: what it must be where it is an allocation of its own.
 * @gfp: how hard to try.
 */
struct want {
	size_t size;
	size_t least;
	size_t alignment;
	enum chunk_form form;
	gfp_t gfp;
};

static void chunk_release(struct chunk *chunk, const struct source *source)
{
	if (chunk->pinned_for)
		pinned_release(chunk, source);
	else if (chunk->block)
		block_return(chunk);
	else
		chunk_free(chunk, source);
	kfree(chunk);
}

static int chunk_take(struct chunk *chunk, const struct source *source,
		      const struct want *want)
{
	if (want->least)
		return block_carve(chunk, source, want->size, want->least,
				   want->alignment, want->gfp);
	return chunk_alloc(chunk, source, want->size, want->form, want->gfp);
}

static int chunk_clear(const struct chunk *chunk, const struct source *source)
{
	if (chunk->cleared)
		return 0;
	return caching_clear(source->heap->dev, chunk->page, chunk->size,
			     source->memtype);
}

/* An area for long runs may not align them as the page allocator does. */
static bool chunk_fits(const struct chunk *chunk, const struct want *want)
{
	return IS_ALIGNED(chunk->dma, want->alignment);
}

/* Every chunk passes here. Returns the bytes added, or an error. */
static ssize_t backing_add(struct backing *backing, const struct want *want)
{
	const struct source *source = &backing->source;
	struct chunk *chunk;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	/* A region runs out alone. */
	if (!source->heap->region_size &&
	    !spare_suffices(want->size, want->form == CHUNK_ORDINARY))
		return -ENOMEM;

	chunk = kmalloc(sizeof(*chunk), GFP_METADATA);
	if (!chunk)
		return -ENOMEM;

	ret = chunk_take(chunk, source, want);
	if (ret) {
		kfree(chunk);
		return ret;
	}

	ret = chunk_fits(chunk, want) ? chunk_clear(chunk, source) : -ENOMEM;
	if (ret) {
		chunk_release(chunk, source);
		return ret;
	}

	list_add_tail(&chunk->node, &backing->chunks);
	backing->nr_chunks++;
	return chunk->size;
}

/* The page allocator aligns what it gives, which an area for long runs need not. */
static bool may_be_ordinary(const struct backing *backing)
{
	const struct heap *heap = backing->source.heap;

	return backing->demand.alignment > PAGE_SIZE && !heap->translated &&
	       !heap->region_size;
}

/* A piece of a block, or large pages of CMA: the kernel's own mapping stays as it is. */
static ssize_t populate_large_pages(struct backing *backing, struct want want)
{
	ssize_t added;

	if (want.size <= CHUNK_MAX) {
		want.least = want.size;
		return backing_add(backing, &want);
	}
	want.form = CHUNK_LARGE_PAGES;
	added = backing_add(backing, &want);
	/* What is taken beside it may be what is past a quota. */
	return added == -EDQUOT ? -ENOMEM : added;
}

static int populate_contiguous(struct backing *backing, gfp_t effort)
{
	const struct demand *demand = &backing->demand;
	struct want want = {
		.size = demand->length,
		.alignment = demand->alignment,
		.form = CHUNK_CONTIGUOUS,
		.gfp = effort,
	};
	ssize_t added = -ENOMEM;

	if (want.size > SEGMENT_MAX)
		return -ENOMEM;

	if (caching_is_of_memory(backing->source.memtype))
		added = populate_large_pages(backing, want);
	/* There may be room for less than that, or in a region set aside. */
	if (added == -ENOMEM)
		added = backing_add(backing, &want);
	if (added == -ENOMEM && may_be_ordinary(backing)) {
		want.form = CHUNK_ORDINARY;
		added = backing_add(backing, &want);
	}
	return added < 0 ? added : 0;
}

/*
 * Whole chunks of falling size, none smaller than @least. Returns the bytes
 * that are left: less than @least, or what no chunk could be had for.
 */
static ssize_t populate_chunks(struct backing *backing, size_t left,
			       size_t least)
{
	struct want want = {
		.size = CHUNK_MAX,
		.alignment = backing->demand.alignment,
	};
	ssize_t added;

	while (left >= least) {
		/* What was not to be had once is not asked for again. */
		want.size = min(want.size, rounddown_pow_of_two(left));
		want.gfp = chunk_effort(backing, want.size);
		added = backing_add(backing, &want);
		if (added > 0)
			left -= added;
		else if (added != -ENOMEM)
			return added;
		else if (want.size > least)
			want.size >>= 1;
		else
			break;
	}
	return left;
}

/* Pieces of blocks. Returns the bytes that no block could be had for. */
static ssize_t populate_pieces(struct backing *backing, size_t left)
{
	struct want want = {
		.alignment = backing->demand.alignment,
		.gfp = chunk_effort(backing, BLOCK_SIZE_MIN),
	};
	size_t least = max_t(size_t, want.alignment, PIECE_MIN);
	ssize_t added;

	while (left) {
		want.size = min_t(size_t, left, BLOCK_SIZE_MIN);
		want.least = min(want.size, least);
		added = backing_add(backing, &want);
		if (added == -ENOMEM)
			break;
		if (added < 0)
			return added;
		left -= added;
	}
	return left;
}

/*
 * Where the type belongs to the memory, first what leaves the kernel's mapping
 * whole: chunks of a block and more, then pieces of blocks. Only what neither
 * gave is taken in small chunks.
 */
static int populate_scattered(struct backing *backing)
{
	size_t least = backing->demand.alignment;
	ssize_t left = backing->demand.length;

	if (caching_is_of_memory(backing->source.memtype)) {
		left = populate_chunks(backing, left,
				       max_t(size_t, least, BLOCK_SIZE_MIN));
		if (left > 0 && least <= BLOCK_SIZE_MIN)
			left = populate_pieces(backing, left);
	}
	if (left > 0)
		left = populate_chunks(backing, left, least);
	return left > 0 ? -ENOMEM : left;
}

void backing_init(struct backing *backing, const struct source *source,
		  const struct demand *demand)
{
	backing->source = *source;
	backing->demand = *demand;
	INIT_LIST_HEAD(&backing->chunks);
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
	backing->store = NULL;
	backing->blocks_hibernation = false;
	atomic_set(&backing->mappings, 0);
}

static int populate_store(struct backing *backing)
{
	struct store *store = store_create(&backing->source,
					   backing->demand.length);

	if (IS_ERR(store))
		return PTR_ERR(store);
	backing->store = store;
	return 0;
}

/*
 * One run is only nice to have there: not for more than an eighth of its length, which
 * the power of two above it may be.
 */
static bool is_cheap_as_one_run(const struct backing *backing)
{
	size_t length = backing->demand.length;

	return chunk_cost(&backing->source, length, CHUNK_CONTIGUOUS) - length <=
	       length / 8;
}

static int populate_as_demanded(struct backing *backing)
{
	const struct demand *demand = &backing->demand;
	int ret = -ENOMEM;

	if (hibernation_block(backing->source.memtype,
			      &backing->blocks_hibernation))
		return -EBUSY;
	if (demand->pageable)
		return populate_store(backing);
	if (demand->max_segments == 1)
		return populate_contiguous(backing, __GFP_RETRY_MAYFAIL);
	if (demand->one_run && is_cheap_as_one_run(backing))
		ret = populate_contiguous(backing, __GFP_NORETRY);
	/* What it costs in one run may be past a quota. */
	if (ret == -ENOMEM || ret == -EDQUOT)
		ret = populate_scattered(backing);
	return ret;
}

/* The first chunk had to be somewhere; more than that is not known of a failure. */
static enum bufalloc_reason why_not(const struct backing *backing, int err)
{
	const struct demand *demand = &backing->demand;
	struct use memory = { .bytes = demand->length };

	switch (err) {
	case -EDQUOT:
		return quota_tightest(backing->source.client->quota, memory);
	case -EINTR:
		return BUFALLOC_REASON_SIGNAL;
	case -ENFILE:
		return BUFALLOC_REASON_FDS;
	case -EBUSY:
		return BUFALLOC_REASON_HIBERNATION;
	case -EIO:
		return BUFALLOC_REASON_UNREADABLE;
	}
	if (demand->max_segments == 1)
		return BUFALLOC_REASON_CONTIGUOUS;
	if (demand->alignment > PAGE_SIZE)
		return BUFALLOC_REASON_ALIGNMENT;
	if (demand->narrowed)
		return BUFALLOC_REASON_NARROW;
	return BUFALLOC_REASON_MEMORY;
}

/* With the memory cgroup of its source as the one that is charged. */
static int populate_charged(struct backing *backing)
{
	struct mem_cgroup *memcg = backing->source.memcg;
	struct mem_cgroup *before = NULL;
	int ret;

	if (memcg)
		before = set_active_memcg(memcg);
	ret = populate_as_demanded(backing);
	if (memcg)
		set_active_memcg(before);
	return ret;
}

/**
 * backing_populate() - take memory, cleared, on the account of its source
 * @backing: as backing_init() left it.
 * @reason: why there is none, where that fails.
 *
 * Return: 0; -ENOMEM, -EDQUOT past a quota, -EINTR after a fatal signal, -ENFILE
 * where pageable memory has no file left, -EBUSY while the machine hibernates: then
 * nothing is held.
 */
int backing_populate(struct backing *backing, enum bufalloc_reason *reason)
{
	int ret = estimate_check(backing);

	if (!ret)
		ret = populate_charged(backing);
	if (ret) {
		*reason = why_not(backing, ret);
		backing_free(backing);
		return ret;
	}

	backing->nr_segments = backing_count_segments(backing);
	if (backing->demand.max_segments &&
	    backing->nr_segments > backing->demand.max_segments) {
		*reason = BUFALLOC_REASON_SEGMENTS;
		backing_free(backing);
		return -ENOMEM;
	}
	return 0;
}

/**
 * backing_pin() - have memory of the caller as its own
 * @backing: as backing_init() left it.
 * @address: where the caller has it.
 * @reason: why not, where that fails.
 *
 * Return: as pinned_take().
 */
int backing_pin(struct backing *backing, u64 address,
		enum bufalloc_reason *reason)
{
	struct chunk *chunk = kmalloc(sizeof(*chunk), GFP_METADATA);
	int ret;

	if (!chunk) {
		*reason = BUFALLOC_REASON_MEMORY;
		return -ENOMEM;
	}
	ret = pinned_take(chunk, &backing->source, address,
			  backing->demand.length, reason);
	if (ret) {
		kfree(chunk);
		return ret;
	}
	list_add(&chunk->node, &backing->chunks);
	backing->nr_chunks = 1;
	backing->nr_segments = backing_count_segments(backing);
	return 0;
}

/* The memory of another that nobody else knows of, which has none then. */
void backing_adopt(struct backing *backing, struct backing *from)
{
	backing->source.heap = from->source.heap;
	backing->source.node = from->source.node;
	backing->source.caching = from->source.caching;
	backing->source.memtype = from->source.memtype;
	list_splice_init(&from->chunks, &backing->chunks);
	backing->nr_chunks = from->nr_chunks;
	backing->nr_segments = from->nr_segments;
	backing->store = from->store;
	backing->blocks_hibernation = from->blocks_hibernation;
	from->nr_chunks = 0;
	from->nr_segments = 0;
	from->store = NULL;
	from->blocks_hibernation = false;
}

/* The memory goes back; nobody may look at it any more. */
void backing_free(struct backing *backing)
{
	struct chunk *chunk, *next;

	store_destroy(backing->store);
	backing->store = NULL;
	list_for_each_entry_safe(chunk, next, &backing->chunks, node) {
		list_del(&chunk->node);
		chunk_release(chunk, &backing->source);
		cond_resched();
	}
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
	hibernation_unblock(&backing->blocks_hibernation);
}

/* Or a promise of it. */
bool backing_has_memory(const struct backing *backing)
{
	return backing->nr_chunks || backing->store;
}

/* Bytes that are in memory. */
size_t backing_resident(const struct backing *backing)
{
	if (backing->store)
		return store_resident(backing->store);
	return backing->nr_chunks ? backing->demand.length : 0;
}

/* What has to be brought before it can be held, with a lock. */
void backing_begin_hold(const struct backing *backing, struct grip *grip)
{
	grip_begin(grip, backing->store);
}

/**
 * backing_bring() - bring it, without a lock
 * @backing: whose. It is not given away meanwhile.
 * @grip: as backing_begin_hold() left it.
 * @reason: why not, where that fails.
 *
 * Return: as grip_take().
 */
int backing_bring(const struct backing *backing, struct grip *grip,
		  enum bufalloc_reason *reason)
{
	int ret = grip_take(grip);

	if (ret)
		*reason = ret == -EBUSY ? BUFALLOC_REASON_MOVABLE :
					  why_not(backing, ret);
	return ret;
}

/* Have what was brought stay where it is. */
void backing_hold(struct backing *backing, struct grip *grip)
{
	struct store *store = backing->store;

	store_hold(store, grip);
	list_add(&store->chunk.node, &backing->chunks);
	backing->nr_chunks = 1;
	backing->nr_segments = backing_count_segments(backing);
}

/* Nobody may look at it until it is held again. */
void backing_let_go(struct backing *backing)
{
	struct store *store = backing->store;

	if (!store)
		return;
	list_del(&store->chunk.node);
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
	store_let_go(store);
}

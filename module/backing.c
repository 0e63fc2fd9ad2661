// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer's memory: a list of chunks, one where it must be contiguous, else
 * the largest that can be had. It knows nothing of who looks at the memory.
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

/* A rest carved in pieces smaller than this would make the lists long. */
#define PIECE_MIN SZ_64K

/* A segment fits the length field of a scatterlist entry. */
#define SEGMENT_MAX SZ_1G

/*
 * How hard to try. A page is needed, a large chunk nice to have; but a block is
 * worth some compaction, since going without splits the kernel's mapping for
 * good.
 */
static gfp_t chunk_effort(const struct source *source, size_t size)
{
	if (size == PAGE_SIZE ||
	    (size == BLOCK_SIZE_MIN && caching_is_of_memory(source->memtype)))
		return __GFP_RETRY_MAYFAIL;
	return __GFP_NORETRY;
}

/*
 * Whether so much can be taken and the machine goes on. Taking memory here does
 * not call the OOM killer, but once the last page is gone the next allocation
 * of anybody does, so a part of the memory is left alone.
 */
static bool memory_suffices(size_t size)
{
	long spare = si_mem_available() - (long)(totalram_pages() / 32);

	return spare > 0 && size >> PAGE_SHIFT <= spare;
}

static void chunk_release(struct chunk *chunk, const struct source *source)
{
	if (chunk->block)
		block_return(chunk);
	else
		chunk_free(chunk, source);
	kfree(chunk);
}

/*
 * Take a chunk of @size bytes, or, where small ones are carved from blocks, of
 * at least @least.
 */
static int chunk_take(struct chunk *chunk, const struct source *source,
		      size_t size, size_t least, bool carve, gfp_t gfp)
{
	if (carve)
		return block_carve(chunk, source, size, least, gfp);
	return chunk_alloc(chunk, source, size, gfp);
}

/* Every chunk passes here. Returns the bytes added, or an error. */
static ssize_t backing_add(struct backing *backing, size_t size, size_t least,
			   bool carve, gfp_t gfp)
{
	const struct source *source = &backing->source;
	struct chunk *chunk;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (!memory_suffices(size))
		return -ENOMEM;

	chunk = kmalloc(sizeof(*chunk), GFP_METADATA);
	if (!chunk)
		return -ENOMEM;

	ret = chunk_take(chunk, source, size, least, carve, gfp);
	if (ret) {
		kfree(chunk);
		return ret;
	}

	/* Cached memory comes cleared from the DMA API. */
	if (source->caching != BUFALLOC_CACHING_CACHED)
		ret = caching_clear(chunk->page, chunk->size, source->memtype);
	if (ret) {
		chunk_release(chunk, source);
		return ret;
	}

	list_add_tail(&chunk->node, &backing->chunks);
	backing->nr_chunks++;
	return chunk->size;
}

static int populate_contiguous(struct backing *backing)
{
	bool carve = caching_is_of_memory(backing->source.memtype) &&
		     backing->length <= CHUNK_MAX;
	size_t length = backing->length;
	ssize_t added;

	if (length > SEGMENT_MAX)
		return -ENOMEM;

	added = backing_add(backing, length, length, carve,
			    __GFP_RETRY_MAYFAIL);
	/* There may be room for less than a block. */
	if (added == -ENOMEM && carve && length < BLOCK_SIZE_MIN)
		added = backing_add(backing, length, length, false,
				    __GFP_RETRY_MAYFAIL);
	return added < 0 ? added : 0;
}

/*
 * Whole chunks of falling size, none smaller than @least. Returns the bytes
 * that are left: less than @least, or what no chunk could be had for.
 */
static ssize_t populate_chunks(struct backing *backing, size_t left,
			       size_t least)
{
	size_t size = CHUNK_MAX;
	ssize_t added;

	while (left >= least) {
		/* What was not to be had once is not asked for again. */
		size = min(size, rounddown_pow_of_two(left));
		added = backing_add(backing, size, size, false,
				    chunk_effort(&backing->source, size));
		if (added > 0)
			left -= added;
		else if (added != -ENOMEM)
			return added;
		else if (size > least)
			size >>= 1;
		else
			break;
	}
	return left;
}

/* Pieces of blocks. Returns the bytes that no block could be had for. */
static ssize_t populate_pieces(struct backing *backing, size_t left)
{
	size_t size;
	ssize_t added;

	while (left) {
		size = min_t(size_t, left, BLOCK_SIZE_MIN);
		added = backing_add(backing, size,
				    min_t(size_t, size, PIECE_MIN), true,
				    chunk_effort(&backing->source,
						 BLOCK_SIZE_MIN));
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
	ssize_t left = backing->length;

	if (caching_is_of_memory(backing->source.memtype)) {
		left = populate_chunks(backing, left, BLOCK_SIZE_MIN);
		if (left > 0)
			left = populate_pieces(backing, left);
	}
	if (left > 0)
		left = populate_chunks(backing, left, PAGE_SIZE);
	return left > 0 ? -ENOMEM : left;
}

static unsigned int count_segments(const struct backing *backing)
{
	unsigned int count = 0;
	struct segment seg;

	backing_for_each_segment(backing, &seg)
		count++;
	return count;
}

void backing_init(struct backing *backing, const struct source *source,
		  size_t length, bool contiguous)
{
	backing->source = *source;
	backing->length = length;
	backing->contiguous = contiguous;
	INIT_LIST_HEAD(&backing->chunks);
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
}

/**
 * backing_populate() - give a buffer its memory, cleared
 * @backing: as backing_init() left it.
 *
 * Return: 0, or -ENOMEM, -EINTR after a fatal signal, -EOPNOTSUPP where the
 * heap's memory cannot be used; then nothing is held.
 */
int backing_populate(struct backing *backing)
{
	int ret;

	if (backing->contiguous)
		ret = populate_contiguous(backing);
	else
		ret = populate_scattered(backing);
	if (ret) {
		backing_free(backing);
		return ret;
	}
	backing->nr_segments = count_segments(backing);
	return 0;
}

/* The memory goes back; nobody may look at it any more. */
void backing_free(struct backing *backing)
{
	struct chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &backing->chunks, node) {
		list_del(&chunk->node);
		chunk_release(chunk, &backing->source);
		cond_resched();
	}
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
}

void backing_first_segment(const struct backing *backing, struct segment *seg)
{
	seg->page = NULL;
	seg->size = 0;
	seg->next = backing->chunks.next;
}

static bool follows(const struct segment *seg, const struct chunk *chunk)
{
	return page_to_pfn(chunk->page) ==
	       page_to_pfn(seg->page) + (seg->size >> PAGE_SHIFT);
}

/* The next run of neighbouring chunks; false at the end. */
bool backing_next_segment(const struct backing *backing, struct segment *seg)
{
	struct chunk *chunk;

	if (seg->next == &backing->chunks)
		return false;

	chunk = list_entry(seg->next, struct chunk, node);
	seg->page = chunk->page;
	seg->size = chunk->size;
	for (seg->next = chunk->node.next; seg->next != &backing->chunks;
	     seg->next = chunk->node.next) {
		chunk = list_entry(seg->next, struct chunk, node);
		if (!follows(seg, chunk) ||
		    seg->size + chunk->size > SEGMENT_MAX)
			break;
		seg->size += chunk->size;
	}
	return true;
}

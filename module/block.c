// SPDX-License-Identifier: GPL-2.0
/*
 * Where a memory type belongs to the memory, changing it page by page splits
 * the kernel's mapping into small pages for good. So it is changed in aligned
 * blocks of the size of a large page, and small chunks are carved from them.
 *
 * A block belongs to the client whose memory it holds, and is charged to it
 * whole. It lives as long as a chunk of it does.
 */
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "block.h"
#include "client.h"

/* A client with many nearly full blocks is not searched for ever. */
#define SEARCH_MAX 16

/**
 * struct block - memory that chunks are carved from
 * @node: in its client's list while a page is free.
 * @source: what it was taken with.
 * @whole: the allocation.
 * @pages: in all.
 * @free: not carved.
 * @map: a bit for each page that is carved.
 *
 * All of it is guarded by &client.blocks_lock once a client has it.
 */
struct block {
	struct list_head node;
	struct source source;
	struct chunk whole;
	unsigned int pages;
	unsigned int free;
	unsigned long map[];
};

static struct block *block_create(const struct source *source, size_t size,
				  gfp_t gfp)
{
	unsigned int pages = size >> PAGE_SHIFT;
	struct block *block;
	int ret;

	block = kzalloc(struct_size(block, map, BITS_TO_LONGS(pages)),
			GFP_METADATA);
	if (!block)
		return ERR_PTR(-ENOMEM);

	block->source = *source;
	/* It is held by the buffer that the block is made for, and others follow. */
	block->source.memcg = NULL;
	block->pages = pages;
	block->free = pages;
	ret = chunk_alloc(&block->whole, source, size, CHUNK_ORDINARY, gfp);
	if (ret) {
		kfree(block);
		return ERR_PTR(ret);
	}
	return block;
}

static void block_destroy(struct block *block)
{
	chunk_free(&block->whole, &block->source);
	kfree(block);
}

static bool block_serves(const struct block *block, const struct source *source)
{
	return block->source.heap == source->heap &&
	       block->source.node == source->node &&
	       block->source.memtype == source->memtype;
}

/**
 * struct cut - what is to be carved
 * @pages: how many.
 * @least: how many will do.
 * @alignment: what the number of the first in its block is a multiple of.
 */
struct cut {
	unsigned int pages;
	unsigned int least;
	unsigned int alignment;
};

/*
 * The first free run that will do, cut to what is wanted, or to what leaves the next
 * one aligned. Returns its length and stores its start, or returns 0.
 */
static unsigned int block_find_run(const struct block *block,
				   const struct cut *cut, unsigned int *start)
{
	unsigned int begin, end;

	if (block->free < cut->least)
		return 0;

	for (begin = find_first_zero_bit(block->map, block->pages);
	     begin < block->pages;
	     begin = find_next_zero_bit(block->map, block->pages, end)) {
		end = find_next_bit(block->map, block->pages, begin);
		begin = min(round_up(begin, cut->alignment), end);
		if (end - begin >= cut->least) {
			*start = begin;
			if (end - begin >= cut->pages)
				return cut->pages;
			return round_down(end - begin, cut->alignment);
		}
	}
	return 0;
}

static void block_take(struct block *block, struct chunk *chunk,
		       unsigned int start, unsigned int pages)
{
	bitmap_set(block->map, start, pages);
	block->free -= pages;
	if (!block->free)
		list_del_init(&block->node);

	*chunk = (struct chunk) {
		.page = block->whole.page + start,
		.size = (size_t)pages << PAGE_SHIFT,
		.dma = block->whole.dma + ((dma_addr_t)start << PAGE_SHIFT),
		.block = block,
	};
}

static bool carve_from_blocks(struct chunk *chunk, const struct source *source,
			      const struct cut *cut)
{
	unsigned int seen = 0, start, found;
	struct block *block;

	list_for_each_entry(block, &source->client->blocks, node) {
		if (seen++ == SEARCH_MAX)
			break;
		if (!block_serves(block, source))
			continue;
		found = block_find_run(block, cut, &start);
		if (found) {
			block_take(block, chunk, start, found);
			return true;
		}
	}
	return false;
}

static struct block *block_for(const struct source *source, unsigned int pages,
			       gfp_t gfp)
{
	size_t size = roundup_pow_of_two((size_t)pages << PAGE_SHIFT);

	return block_create(source, max_t(size_t, size, BLOCK_SIZE_MIN), gfp);
}

static bool carve_from_old(struct chunk *chunk, const struct source *source,
			   const struct cut *cut)
{
	bool carved;

	mutex_lock(&source->client->blocks_lock);
	carved = carve_from_blocks(chunk, source, cut);
	mutex_unlock(&source->client->blocks_lock);
	return carved;
}

static void carve_from_new(struct chunk *chunk, struct block *block,
			   unsigned int pages)
{
	struct client *client = block->source.client;

	mutex_lock(&client->blocks_lock);
	/* The newest is looked at first: it has the most room. */
	list_add(&block->node, &client->blocks);
	block_take(block, chunk, 0, pages);
	mutex_unlock(&client->blocks_lock);
}

/**
 * block_carve() - take a piece of a block, of a new one if need be
 * @chunk: to be filled in.
 * @source: where from, for whom.
 * @size: bytes wanted, whole pages, at most CHUNK_MAX.
 * @least: bytes that will do, so that the rest of a block is of use.
 * @alignment: bytes that the address in its block is a multiple of.
 * @gfp: how hard to try for a new block.
 *
 * A new one is made without the lock, since whoever gives a chunk back, for whomever,
 * waits for that. Two who make one at once have one more: others find room in both.
 *
 * Return: 0, or what chunk_alloc() returned.
 */
int block_carve(struct chunk *chunk, const struct source *source, size_t size,
		size_t least, size_t alignment, gfp_t gfp)
{
	const struct cut cut = {
		.pages = size >> PAGE_SHIFT,
		.least = least >> PAGE_SHIFT,
		.alignment = alignment >> PAGE_SHIFT,
	};
	struct block *block;

	if (carve_from_old(chunk, source, &cut))
		return 0;
	block = block_for(source, cut.pages, gfp);
	if (IS_ERR(block))
		return PTR_ERR(block);
	carve_from_new(chunk, block, cut.pages);
	return 0;
}

/* The same, under the client's blocks_lock. */
void block_return_locked(struct chunk *chunk)
{
	struct block *block = chunk->block;
	struct client *client = block->source.client;
	unsigned int pages = chunk->size >> PAGE_SHIFT;

	lockdep_assert_held(&client->blocks_lock);
	bitmap_clear(block->map, chunk->page - block->whole.page, pages);
	if (!block->free)
		list_add(&block->node, &client->blocks);
	block->free += pages;
	if (block->free == block->pages) {
		list_del(&block->node);
		block_destroy(block);
	}
}

/* Give a carved chunk back, and the block with the last of them. */
void block_return(struct chunk *chunk)
{
	struct client *client = chunk->block->source.client;

	mutex_lock(&client->blocks_lock);
	block_return_locked(chunk);
	mutex_unlock(&client->blocks_lock);
}

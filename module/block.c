// SPDX-License-Identifier: GPL-2.0
/*
 * Carves small chunks from blocks of 2 MiB and more. Each block has one memory type. On x86 the
 * direct map has the type of each page, and a change of a single page splits a large page for good.
 * So the type is set for aligned blocks.
 *
 * Main object: struct ba_block. A block is charged whole to one client, and is freed with its last
 * chunk. Each free page can be carved again: a tree finds a free range in O(log n) steps.
 *
 * Lock: the blocks_lock of a client guards all blocks of the client.
 */
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>

#include "block.h"
#include "client.h"
#include "gfp.h"
#include "limits.h"

/* The number of alignments: one page, two pages, and so on, up to the longest chunk. */
#define ALIGNMENTS (const_ilog2(CHUNK_MAX) - PAGE_SHIFT + 1)

/**
 * struct room - the longest free range, for each alignment of its first page
 * @pages: the length in pages, if the index of the first page is a multiple of 1, 2, 4, and so on;
 *	0: no such page is free.
 */
struct room {
	u16 pages[ALIGNMENTS];
};

/**
 * struct block_tree - the blocks of a client that serve the same requests
 * @link: entry in &ba_client.block_trees, while the tree has a block.
 * @heap: the heap of the blocks.
 * @nid: the requested node of memory, or NUMA_NO_NODE.
 * @memtype: the memory type of the blocks.
 * @root: all &struct ba_block by address, full blocks included.
 *
 * Each block knows the longest free range of all blocks below it, so a search goes down one path.
 * A search takes the first block with enough free pages, so that the last blocks become empty and
 * are freed. Guarded by &ba_client.blocks_lock.
 */
struct block_tree {
	struct list_head link;
	struct ba_heap *heap;
	int nid;
	enum bufalloc_memtype memtype;
	struct rb_root root;
};

/**
 * struct ba_block - memory that chunks are carved from
 * @node: entry in @tree.
 * @tree: the tree, from the first carved chunk on.
 * @context: the context of the allocation.
 * @whole: the allocation.
 * @pages: number of all pages.
 * @free: number of pages that are not carved.
 * @room: the longest free ranges of this block.
 * @most: the longest free ranges of this block and of the blocks below it in the tree.
 * @used: a bit for each page that was carved at least once, and may not be zero.
 * @map: a bit for each page that is carved.
 *
 * Guarded by &ba_client.blocks_lock as soon as the block is in a tree.
 */
struct ba_block {
	struct rb_node node;
	struct block_tree *tree;
	struct ba_alloc_context context;
	struct ba_chunk whole;
	unsigned int pages;
	unsigned int free;
	struct room room;
	struct room most;
	unsigned long *used;
	unsigned long map[];
};

static void room_add_range(struct room *room, unsigned int begin,
			   unsigned int end)
{
	unsigned int i, first;

	for (i = 0; i < ALIGNMENTS; i++) {
		first = round_up(begin, 1U << i);
		if (first >= end)
			break;
		room->pages[i] = max_t(u16, room->pages[i], end - first);
	}
}

static void room_add(struct room *room, const struct rb_node *node)
{
	const struct ba_block *block = rb_entry_safe(node, struct ba_block, node);
	unsigned int i;

	if (!block)
		return;
	for (i = 0; i < ALIGNMENTS; i++)
		room->pages[i] = max(room->pages[i], block->most.pages[i]);
}

/* Update @most. Return: true if @exit is set and @most is unchanged: no block above changes. */
static bool block_sum_up(struct ba_block *block, bool exit)
{
	struct room most = block->room;

	room_add(&most, block->node.rb_left);
	room_add(&most, block->node.rb_right);
	if (exit && !memcmp(&most, &block->most, sizeof(most)))
		return true;
	block->most = most;
	return false;
}

RB_DECLARE_CALLBACKS(static, block_callbacks, struct ba_block, node, most,
		     block_sum_up);

/* Called after each change of the map. */
static void block_measure(struct ba_block *block)
{
	unsigned int begin, end;

	memset(&block->room, 0, sizeof(block->room));
	for (begin = find_first_zero_bit(block->map, block->pages);
	     begin < block->pages;
	     begin = find_next_zero_bit(block->map, block->pages, end)) {
		end = find_next_bit(block->map, block->pages, begin);
		room_add_range(&block->room, begin, end);
	}
	block_callbacks.propagate(&block->node, NULL);
}

static struct ba_block *block_create(const struct ba_alloc_context *context, size_t size,
				     gfp_t gfp)
{
	unsigned int pages = size >> PAGE_SHIFT;
	unsigned int longs = BITS_TO_LONGS(pages);
	struct ba_block *block;
	int ret;

	block = kzalloc(struct_size(block, map, 2 * longs), GFP_METADATA);
	if (!block)
		return ERR_PTR(-ENOMEM);

	block->used = block->map + longs;
	block->context = *context;
	/* The reference belongs to the first buffer. Later buffers have cgroups of their own. */
	block->context.memcg = NULL;
	block->pages = pages;
	block->free = pages;
	ret = ba_chunk_alloc(&block->whole, context, size, CHUNK_ORDINARY, gfp);
	if (ret) {
		kfree(block);
		return ERR_PTR(ret);
	}
	return block;
}

static void block_destroy(struct ba_block *block)
{
	ba_chunk_free(&block->whole, &block->context);
	kfree(block);
}

static struct block_tree *tree_create(const struct ba_alloc_context *context)
{
	struct block_tree *tree = kzalloc(sizeof(*tree), GFP_METADATA);

	if (!tree)
		return NULL;
	tree->heap = context->heap;
	tree->nid = context->nid;
	tree->memtype = context->memtype;
	tree->root = RB_ROOT;
	return tree;
}

/* A client has few trees: one for each heap, node and memory type that the client uses. */
static struct block_tree *tree_find(const struct ba_alloc_context *context)
{
	struct block_tree *tree;

	list_for_each_entry(tree, &context->client->block_trees, link)
		if (tree->heap == context->heap && tree->nid == context->nid &&
		    tree->memtype == context->memtype)
			return tree;
	return NULL;
}

static void tree_insert(struct block_tree *tree, struct ba_block *block)
{
	struct rb_node **link = &tree->root.rb_node, *above = NULL;
	unsigned long pfn = page_to_pfn(block->whole.page);

	while (*link) {
		above = *link;
		if (pfn < page_to_pfn(rb_entry(above, struct ba_block, node)->whole.page))
			link = &above->rb_left;
		else
			link = &above->rb_right;
	}
	block->tree = tree;
	rb_link_node(&block->node, above, link);
	block_measure(block);
	rb_insert_augmented(&block->node, &tree->root, &block_callbacks);
}

/* Free the tree with its last block. */
static void tree_erase(struct block_tree *tree, struct ba_block *block)
{
	rb_erase_augmented(&block->node, &tree->root, &block_callbacks);
	if (RB_EMPTY_ROOT(&tree->root)) {
		list_del(&tree->link);
		kfree(tree);
	}
}

/**
 * struct carve_request - a request for a free range
 * @pages: number of pages.
 * @least: the smallest number of pages that is enough.
 * @alignment: pages; the index of the first page in its block is a multiple of @alignment.
 */
struct carve_request {
	unsigned int pages;
	unsigned int least;
	unsigned int alignment;
};

/* The number of pages that one block can supply; 0: no block can supply @least pages. */
static unsigned int tree_most(const struct block_tree *tree,
			      const struct carve_request *request)
{
	const struct ba_block *top = rb_entry(tree->root.rb_node, struct ba_block, node);
	unsigned int most = top->most.pages[ilog2(request->alignment)];

	if (most < request->least)
		return 0;
	/* Supply whole alignments, so that the next carving can begin at the end of this one. */
	return most < request->pages ? round_down(most, request->alignment) : request->pages;
}

static bool has_most(const struct rb_node *node, unsigned int i,
		     unsigned int pages)
{
	return node && rb_entry(node, struct ba_block, node)->most.pages[i] >= pages;
}

/* Find the first block with a free range of @pages. The caller has checked that a block has one. */
static struct ba_block *tree_search(const struct block_tree *tree,
				    unsigned int alignment, unsigned int pages)
{
	struct rb_node *node = tree->root.rb_node;
	unsigned int i = ilog2(alignment);
	struct ba_block *block;

	do {
		block = rb_entry(node, struct ba_block, node);
		if (has_most(node->rb_left, i, pages))
			node = node->rb_left;
		else
			node = block->room.pages[i] >= pages ? NULL : node->rb_right;
	} while (node);
	return block;
}

/* Find the first page of a free range. The caller has checked that the block has such a range. */
static unsigned int block_find_range(const struct ba_block *block,
				     unsigned int alignment, unsigned int pages)
{
	unsigned int begin = 0, end = 0;

	do {
		begin = find_next_zero_bit(block->map, block->pages, end);
		end = find_next_bit(block->map, block->pages, begin);
		begin = round_up(begin, alignment);
	} while (end < begin + pages);
	return begin;
}

/* Called with the client's blocks_lock. */
static void count_room(const struct ba_block *block, long pages)
{
	struct ba_client *client = block->context.client;

	WRITE_ONCE(client->blocks_room,
		   client->blocks_room + pages * (long)PAGE_SIZE);
}

/* Whether the page allocator has cleared the pages, and no page was carved before. */
static bool is_range_zeroed(const struct ba_block *block, unsigned int start, unsigned int pages)
{
	return block->whole.zeroed &&
	       find_next_bit(block->used, start + pages, start) == start + pages;
}

static void block_take(struct ba_block *block, struct ba_chunk *chunk,
		       unsigned int start, unsigned int pages)
{
	bitmap_set(block->map, start, pages);
	block->free -= pages;
	block_measure(block);
	count_room(block, -(long)pages);

	*chunk = (struct ba_chunk) {
		.page = block->whole.page + start,
		.size = (size_t)pages << PAGE_SHIFT,
		.dma = block->whole.dma + ((dma_addr_t)start << PAGE_SHIFT),
		.zeroed = is_range_zeroed(block, start, pages),
		.block = block,
	};
	bitmap_set(block->used, start, pages);
}

static bool carve_from_tree(const struct block_tree *tree, struct ba_chunk *chunk,
			    const struct carve_request *request)
{
	unsigned int pages = tree_most(tree, request);
	struct ba_block *block;

	if (!pages)
		return false;
	block = tree_search(tree, request->alignment, pages);
	block_take(block, chunk, block_find_range(block, request->alignment, pages),
		   pages);
	return true;
}

static struct ba_block *block_for(const struct ba_alloc_context *context, unsigned int pages,
				  gfp_t gfp)
{
	size_t size = roundup_pow_of_two((size_t)pages << PAGE_SHIFT);

	return block_create(context, max_t(size_t, size, BLOCK_SIZE_MIN), gfp);
}

/* @fresh becomes the tree if no tree exists for such blocks. Otherwise @fresh is freed. */
static void carve_from_new(struct ba_chunk *chunk, struct ba_block *block,
			   struct block_tree *fresh, unsigned int pages)
{
	struct ba_client *client = block->context.client;
	struct block_tree *tree;

	mutex_lock(&client->blocks_lock);
	tree = tree_find(&block->context);
	if (!tree) {
		list_add(&fresh->link, &client->block_trees);
		tree = fresh;
		fresh = NULL;
	}
	tree_insert(tree, block);
	count_room(block, block->pages);
	block_take(block, chunk, 0, pages);
	mutex_unlock(&client->blocks_lock);
	kfree(fresh);
}

/**
 * ba_block_carve_free() - carve a free range of an existing block
 * @chunk: filled in.
 * @context: client, heap, node and memory type of the block.
 * @size: bytes wanted, whole pages, at most CHUNK_MAX.
 * @least: the smallest number of bytes that is enough.
 * @alignment: bytes; the offset in the block is a multiple of @alignment.
 *
 * Return: whether a block has such a range. The range is charged already, with the block.
 */
bool ba_block_carve_free(struct ba_chunk *chunk, const struct ba_alloc_context *context,
			 size_t size, size_t least, size_t alignment)
{
	const struct carve_request request = {
		.pages = size >> PAGE_SHIFT,
		.least = least >> PAGE_SHIFT,
		.alignment = alignment >> PAGE_SHIFT,
	};
	const struct block_tree *tree;
	bool carved;

	mutex_lock(&context->client->blocks_lock);
	tree = tree_find(context);
	carved = tree && carve_from_tree(tree, chunk, &request);
	mutex_unlock(&context->client->blocks_lock);
	return carved;
}

/**
 * ba_block_carve_new() - allocate a block, and carve its first range
 * @chunk: filled in.
 * @context: client, heap, node and memory type of the block.
 * @size: bytes wanted, whole pages, at most CHUNK_MAX.
 * @gfp: how hard to try, as for ba_chunk_alloc().
 *
 * The block is allocated without blocks_lock: a thread that frees a chunk of any block of the
 * client waits for blocks_lock. Two threads may allocate one block each at the same time. Later
 * requests use the free ranges of both blocks.
 *
 * Return: 0, -ENOMEM, or an error of ba_chunk_alloc().
 */
int ba_block_carve_new(struct ba_chunk *chunk, const struct ba_alloc_context *context,
		       size_t size, gfp_t gfp)
{
	unsigned int pages = size >> PAGE_SHIFT;
	struct block_tree *tree;
	struct ba_block *block;

	tree = tree_create(context);
	if (!tree)
		return -ENOMEM;
	block = block_for(context, pages, gfp);
	if (IS_ERR(block)) {
		kfree(tree);
		return PTR_ERR(block);
	}
	carve_from_new(chunk, block, tree, pages);
	return 0;
}

static void block_return_locked(struct ba_chunk *chunk)
{
	struct ba_block *block = chunk->block;
	unsigned int pages = chunk->size >> PAGE_SHIFT;

	lockdep_assert_held(&block->context.client->blocks_lock);
	bitmap_clear(block->map, chunk->page - block->whole.page, pages);
	block->free += pages;
	count_room(block, pages);
	if (block->free < block->pages) {
		block_measure(block);
		return;
	}
	count_room(block, -(long)block->pages);
	tree_erase(block->tree, block);
	block_destroy(block);
}

/* Give a carved chunk back. The last chunk of a block frees the block. */
void ba_block_return(struct ba_chunk *chunk)
{
	struct ba_client *client = chunk->block->context.client;

	mutex_lock(&client->blocks_lock);
	block_return_locked(chunk);
	mutex_unlock(&client->blocks_lock);
}

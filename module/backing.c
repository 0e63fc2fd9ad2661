// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of one buffer. populate.c adds the chunks; this file adopts, pins and frees them.
 *
 * Main object: struct ba_backing, a list of chunks or a shmem file. A backing is empty, fresh
 * (populated, and known to one thread), or adopted by a buffer. A backing has no lock of its own:
 * the buffer's lock guards an adopted backing.
 */
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "backing.h"
#include "block.h"
#include "client.h"
#include "gfp.h"
#include "hibernation.h"
#include "quota.h"
#include "shmem.h"
#include "user_pages.h"

void ba_backing_init(struct ba_backing *backing, const struct ba_alloc_context *context,
		     const struct ba_requirements *requirements)
{
	backing->context = *context;
	backing->requirements = *requirements;
	INIT_LIST_HEAD(&backing->chunks);
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
	backing->shmem = NULL;
	backing->blocks_hibernation = false;
	atomic_set(&backing->mappings, 0);
}

/* The allocator does not tell why it failed, so report the strictest requirement. */
enum bufalloc_reason ba_backing_why_not(const struct ba_backing *backing, int err)
{
	const struct ba_requirements *requirements = &backing->requirements;
	struct ba_use memory = { .bytes = requirements->length };

	switch (err) {
	case -EDQUOT:
		return ba_quota_limiting(backing->context.client->quota, memory);
	case -EINTR:
		return BUFALLOC_REASON_SIGNAL;
	case -ENFILE:
		return BUFALLOC_REASON_FDS;
	case -EBUSY:
		return BUFALLOC_REASON_HIBERNATION;
	case -EIO:
		return BUFALLOC_REASON_UNREADABLE;
	}
	if (requirements->max_segments == 1)
		return BUFALLOC_REASON_CONTIGUOUS;
	if (requirements->alignment > PAGE_SIZE)
		return BUFALLOC_REASON_ALIGNMENT;
	if (requirements->narrowed)
		return BUFALLOC_REASON_NARROW;
	return BUFALLOC_REASON_MEMORY;
}

/**
 * ba_backing_pin_user() - make memory of the calling process the memory of a buffer
 * @backing: empty, as after ba_backing_init().
 * @address: page-aligned address of the memory in the process.
 * @reason: set on error.
 *
 * Return: 0, -ENOMEM, or an error of ba_user_pages_pin().
 */
int ba_backing_pin_user(struct ba_backing *backing, u64 address,
			enum bufalloc_reason *reason)
{
	struct ba_chunk *chunk = kmalloc(sizeof(*chunk), GFP_METADATA);
	int ret;

	if (!chunk) {
		*reason = BUFALLOC_REASON_MEMORY;
		return -ENOMEM;
	}
	ret = ba_user_pages_pin(chunk, &backing->context, address,
				backing->requirements.length, reason);
	if (ret) {
		kfree(chunk);
		return ret;
	}
	list_add(&chunk->link, &backing->chunks);
	backing->nr_chunks = 1;
	backing->nr_segments = ba_segment_count(&backing->chunks);
	return 0;
}

/*
 * Take over the memory of @from, which is empty afterwards. @backing keeps its own client, memory
 * cgroup and requirements.
 */
void ba_backing_adopt(struct ba_backing *backing, struct ba_backing *from)
{
	backing->context.heap = from->context.heap;
	backing->context.nid = from->context.nid;
	backing->context.caching = from->context.caching;
	backing->context.memtype = from->context.memtype;
	list_splice_init(&from->chunks, &backing->chunks);
	backing->nr_chunks = from->nr_chunks;
	backing->nr_segments = from->nr_segments;
	backing->shmem = from->shmem;
	backing->blocks_hibernation = from->blocks_hibernation;
	from->nr_chunks = 0;
	from->nr_segments = 0;
	from->shmem = NULL;
	from->blocks_hibernation = false;
}

/* Give a chunk back to its origin: the process, the block, or the DMA API. */
void ba_backing_release_chunk(struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	if (chunk->pinned_for)
		ba_user_pages_unpin(chunk, context);
	else if (chunk->block)
		ba_block_return(chunk);
	else
		ba_chunk_free(chunk, context);
	kfree(chunk);
}

/* Free the memory. No other thread may use the backing any more. */
void ba_backing_free(struct ba_backing *backing)
{
	struct ba_chunk *chunk, *next;

	ba_shmem_destroy(backing->shmem);
	backing->shmem = NULL;
	list_for_each_entry_safe(chunk, next, &backing->chunks, link) {
		list_del(&chunk->link);
		ba_backing_release_chunk(chunk, &backing->context);
		cond_resched();
	}
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
	ba_hibernation_unblock(&backing->blocks_hibernation);
}

/* True also for a shmem file without pages: its pages are allocated at their first use. */
bool ba_backing_has_memory(const struct ba_backing *backing)
{
	return backing->nr_chunks || backing->shmem;
}

/* The number of bytes that are in memory, and not swapped out. */
size_t ba_backing_resident(const struct ba_backing *backing)
{
	if (backing->shmem)
		return ba_shmem_resident(backing->shmem);
	return backing->nr_chunks ? backing->requirements.length : 0;
}

/* Note which pages to pin. Called with the buffer's lock. */
void ba_backing_begin_pin(const struct ba_backing *backing, struct ba_shmem_pin *pin)
{
	ba_shmem_pin_begin(pin, backing->shmem);
}

/**
 * ba_backing_pin_pages() - read pages in and pin them, without the buffer's lock
 * @backing: of a buffer that is being pinned, so that it keeps its memory meanwhile.
 * @pin: as after ba_backing_begin_pin().
 * @reason: set on error.
 *
 * Return: 0, or an error of ba_shmem_pin_pages().
 */
int ba_backing_pin_pages(const struct ba_backing *backing, struct ba_shmem_pin *pin,
			 enum bufalloc_reason *reason)
{
	int ret = ba_shmem_pin_pages(pin);

	if (ret)
		*reason = ret == -EBUSY ? BUFALLOC_REASON_MOVABLE :
					  ba_backing_why_not(backing, ret);
	return ret;
}

/* Add the pinned pages as a chunk. Called with the buffer's lock. */
void ba_backing_end_pin(struct ba_backing *backing, struct ba_shmem_pin *pin)
{
	struct ba_shmem *shmem = backing->shmem;

	ba_shmem_pin_end(shmem, pin);
	list_add(&shmem->chunk.link, &backing->chunks);
	backing->nr_chunks = 1;
	backing->nr_segments = ba_segment_count(&backing->chunks);
}

/* Let the pages of a shmem file move again. Called with the buffer's lock. */
void ba_backing_unpin(struct ba_backing *backing)
{
	struct ba_shmem *shmem = backing->shmem;

	if (!shmem)
		return;
	list_del(&shmem->chunk.link);
	backing->nr_chunks = 0;
	backing->nr_segments = 0;
	ba_shmem_unpin(shmem);
}

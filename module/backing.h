/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BACKING_H
#define _BUFALLOC_BACKING_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm_types.h>

#include "chunk.h"

/* A segment fits the length field of a scatterlist entry. */
#define SEGMENT_MAX SZ_1G

struct shmem_pin;
struct shmem;

/**
 * struct requirements - what a buffer's memory must be
 * @length: bytes, a multiple of @alignment.
 * @alignment: what the address of each run is a multiple of, as the heap's device
 *	sees it: a power of two, at least a page.
 * @max_segments: physically contiguous runs; 0 for no limit.
 * @caching: of the buffer, where no device that is attached has a say.
 * @any_caching: COHERENT will do as well.
 * @prefer_contiguous: a single one is worth a try.
 * @heap_is_fixed: by who asked for it.
 * @narrowed: the heap is a smaller one than they were given, for the devices' sake.
 * @user_memory: it is memory of the caller, which no heap has.
 * @pageable: the kernel may swap it out.
 */
struct requirements {
	size_t length;
	size_t alignment;
	unsigned int max_segments;
	enum bufalloc_caching caching;
	bool any_caching;
	bool prefer_contiguous;
	bool heap_is_fixed;
	bool narrowed;
	bool user_memory;
	bool pageable;
};

/**
 * struct backing - a buffer's memory
 * @context: where it comes from, on whose account.
 * @requirements: what it must be.
 * @chunks: in the order of the buffer; empty until populated.
 * @nr_chunks: in @chunks.
 * @nr_segments: physically contiguous runs: neighbouring chunks are one.
 * @shmem: has the memory where that is pageable. Then there are chunks only while it
 *	is held: from backing_end_pin() to backing_unpin().
 * @blocks_hibernation: it is counted among those that hibernation would not copy.
 * @mappings: of userspace.
 *
 * But for the last, fixed from backing_populate() or backing_pin_user() to backing_free(),
 * or while it is held, so that it needs no lock.
 */
struct backing {
	struct alloc_context context;
	struct requirements requirements;
	struct list_head chunks;
	unsigned int nr_chunks;
	unsigned int nr_segments;
	struct shmem *shmem;
	bool blocks_hibernation;
	atomic_t mappings;
};

/**
 * struct segment - a physically contiguous run of a buffer
 * @page: the first page.
 * @size: bytes, whole pages.
 * @next: the chunk after it, or where it ends: private to
 *	backing_next_segment(), as is the next.
 * @sg: of that chunk; NULL for its first.
 */
struct segment {
	struct page *page;
	size_t size;
	struct list_head *next;
	struct scatterlist *sg;
};

void backing_init(struct backing *backing, const struct alloc_context *context,
		  const struct requirements *requirements);
int backing_populate(struct backing *backing, enum bufalloc_reason *reason);
int backing_pin_user(struct backing *backing, u64 address,
		     enum bufalloc_reason *reason);
void backing_adopt(struct backing *backing, struct backing *from);
void backing_free(struct backing *backing);

bool backing_has_memory(const struct backing *backing);
size_t backing_resident(const struct backing *backing);

void backing_begin_pin(const struct backing *backing, struct shmem_pin *pin);
int backing_pin_pages(const struct backing *backing, struct shmem_pin *pin,
		      enum bufalloc_reason *reason);
void backing_end_pin(struct backing *backing, struct shmem_pin *pin);
void backing_unpin(struct backing *backing);

void backing_first_segment(const struct backing *backing, struct segment *seg);
bool backing_next_segment(const struct backing *backing, struct segment *seg);
unsigned int backing_count_segments(const struct backing *backing);

#define backing_for_each_segment(backing, seg) \
	for (backing_first_segment(backing, seg); \
	     backing_next_segment(backing, seg);)

#endif /* _BUFALLOC_BACKING_H */

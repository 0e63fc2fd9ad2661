/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BACKING_H
#define _BUFALLOC_BACKING_H

#include <linux/list.h>
#include <linux/mm_types.h>

#include "chunk.h"

/* A segment fits the length field of a scatterlist entry. */
#define SEGMENT_MAX SZ_1G

/**
 * struct backing - a buffer's memory
 * @source: where it comes from, on whose account.
 * @length: bytes, whole pages.
 * @contiguous: it must be one physically contiguous run.
 * @chunks: in the order of the buffer; empty until populated.
 * @nr_chunks: in @chunks.
 * @nr_segments: physically contiguous runs: neighbouring chunks are one.
 *
 * Fixed from backing_populate() to backing_free(), so that it needs no lock.
 */
struct backing {
	struct source source;
	size_t length;
	bool contiguous;
	struct list_head chunks;
	unsigned int nr_chunks;
	unsigned int nr_segments;
};

/**
 * struct segment - a physically contiguous run of a buffer
 * @page: the first page.
 * @size: bytes, whole pages.
 * @next: the chunk after it, or where it ends: private to
 *	backing_next_segment(), as is the next.
 * @piece: of that chunk; NULL for its first.
 */
struct segment {
	struct page *page;
	size_t size;
	struct list_head *next;
	struct scatterlist *piece;
};

void backing_init(struct backing *backing, const struct source *source,
		  size_t length, bool contiguous);
int backing_populate(struct backing *backing);
void backing_free(struct backing *backing);

void backing_first_segment(const struct backing *backing, struct segment *seg);
bool backing_next_segment(const struct backing *backing, struct segment *seg);

#define backing_for_each_segment(backing, seg) \
	for (backing_first_segment(backing, seg); \
	     backing_next_segment(backing, seg);)

#endif /* _BUFALLOC_BACKING_H */

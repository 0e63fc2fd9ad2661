/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SEGMENT_H
#define _BUFALLOC_SEGMENT_H

#include <linux/types.h>

struct list_head;
struct page;
struct scatterlist;

/**
 * struct ba_segment - a physically contiguous range of a buffer
 * @page: the first page.
 * @size: bytes, whole pages.
 * @next: the chunk that contains the next range, or the end of the list. Private to segment.c.
 * @sg: the next entry of that chunk's pages_sgt; NULL: the first entry. Private to segment.c.
 */
struct ba_segment {
	struct page *page;
	size_t size;
	struct list_head *next;
	struct scatterlist *sg;
};

void ba_segment_first(const struct list_head *chunks, struct ba_segment *seg);
bool ba_segment_next(const struct list_head *chunks, struct ba_segment *seg);
unsigned int ba_segment_count(const struct list_head *chunks);

#endif /* _BUFALLOC_SEGMENT_H */

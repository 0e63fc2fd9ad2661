// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer's memory as devices and the CPU see it: physically contiguous runs, whatever
 * chunks, and pieces of chunks, they are made of.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "backing.h"
#include "limits.h"

void ba_backing_first_segment(const struct ba_backing *backing, struct ba_segment *seg)
{
	seg->page = NULL;
	seg->size = 0;
	seg->next = backing->chunks.next;
	seg->sg = NULL;
}

/* A chunk, or a piece of one: where it is and its length; 0 at the end. */
static size_t run_at(const struct ba_backing *backing, const struct ba_segment *seg,
		     struct page **page)
{
	const struct ba_chunk *chunk;
	struct scatterlist *sg;

	if (seg->next == &backing->chunks)
		return 0;

	chunk = list_entry(seg->next, struct ba_chunk, link);
	if (!chunk->pages_sgt) {
		*page = chunk->page;
		return chunk->size;
	}
	sg = seg->sg ?: chunk->pages_sgt->sgl;
	*page = sg_page(sg);
	return sg->length;
}

static void run_pass(struct ba_segment *seg)
{
	const struct ba_chunk *chunk = list_entry(seg->next, struct ba_chunk, link);

	if (chunk->pages_sgt)
		seg->sg = sg_next(seg->sg ?: chunk->pages_sgt->sgl);
	if (!seg->sg)
		seg->next = chunk->link.next;
}

static bool follows(const struct ba_segment *seg, const struct page *page)
{
	return page_to_pfn(page) ==
	       page_to_pfn(seg->page) + (seg->size >> PAGE_SHIFT);
}

/* The next run of neighbouring chunks and pieces; false at the end. */
bool ba_backing_next_segment(const struct ba_backing *backing, struct ba_segment *seg)
{
	struct page *page;
	size_t size = run_at(backing, seg, &page);

	if (!size)
		return false;

	seg->page = page;
	seg->size = 0;
	do {
		seg->size += size;
		run_pass(seg);
		size = run_at(backing, seg, &page);
	} while (size && follows(seg, page) && seg->size + size <= SEGMENT_MAX);
	return true;
}

unsigned int ba_backing_count_segments(const struct ba_backing *backing)
{
	unsigned int count = 0;
	struct ba_segment seg;

	backing_for_each_segment(backing, &seg)
		count++;
	return count;
}

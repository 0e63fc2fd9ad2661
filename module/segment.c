// SPDX-License-Identifier: GPL-2.0
/*
 * Walks the segments of a backing: its physically contiguous ranges, across the borders of chunks.
 *
 * Main object: struct ba_segment, the position in a list of chunks. No lock: the caller makes sure
 * that the list does not change.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "chunk.h"
#include "limits.h"
#include "segment.h"

void ba_segment_first(const struct list_head *chunks, struct ba_segment *seg)
{
	seg->page = NULL;
	seg->size = 0;
	seg->next = chunks->next;
	seg->sg = NULL;
}

/*
 * Find the chunk at the position @seg, or the entry of the chunk's pages_sgt. @page is set to the
 * first page. Return: the length in bytes; 0 at the end.
 */
static size_t range_at(const struct list_head *chunks, const struct ba_segment *seg,
		       struct page **page)
{
	const struct ba_chunk *chunk;
	struct scatterlist *sg;

	if (seg->next == chunks)
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

static void range_pass(struct ba_segment *seg)
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

/* Go to the next segment, of at most SEGMENT_MAX bytes. Return: false at the end. */
bool ba_segment_next(const struct list_head *chunks, struct ba_segment *seg)
{
	struct page *page;
	size_t size = range_at(chunks, seg, &page);

	if (!size)
		return false;

	seg->page = page;
	seg->size = 0;
	do {
		seg->size += size;
		range_pass(seg);
		size = range_at(chunks, seg, &page);
	} while (size && follows(seg, page) && seg->size + size <= SEGMENT_MAX);
	return true;
}

unsigned int ba_segment_count(const struct list_head *chunks)
{
	unsigned int count = 0;
	struct ba_segment seg;

	for (ba_segment_first(chunks, &seg); ba_segment_next(chunks, &seg);)
		count++;
	return count;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Checks that enough memory stays available for the rest of the machine when a buffer takes memory.
 * No object and no lock: the kernel's counters can change at any time.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include "compat/compat.h"
#include "headroom.h"

/*
 * Buffers are allocated without the OOM killer. But once the last page is gone, the next allocation
 * of any other program calls the OOM killer. So a part of the memory stays available.
 */
static long reserve_pages(void)
{
	return totalram_pages() / 32;
}

#ifdef CONFIG_HIGHMEM
/* Free pages, and pages of files that the kernel can free. */
static long zone_headroom(struct zone *zone)
{
	long files = zone_page_state(zone, NR_ZONE_INACTIVE_FILE) +
		     zone_page_state(zone, NR_ZONE_ACTIVE_FILE);

	return zone_page_state(zone, NR_FREE_PAGES) -
	       zone_page_state(zone, NR_FREE_CMA_PAGES) + files / 2;
}

/* Low memory that the kernel uses and can free, purgeable buffers included. */
static long low_reclaimable_pages(void)
{
	return global_node_page_state(NR_KERNEL_MISC_RECLAIMABLE) +
	       global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B) / 2;
}

/*
 * Low memory is in the direct map. Buffers and nearly all of the kernel's own memory come from low
 * memory, so free high memory does not help them.
 */
static long low_headroom_pages(void)
{
	struct zone *zone;
	long headroom = 0;
	int nid, i;

	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (populated_zone(zone) && !is_highmem(zone))
				headroom += zone_headroom(zone);
		}
	}
	return headroom + low_reclaimable_pages() - reserve_pages();
}
#else
/* All memory is low memory, so the limit for all memory is enough. */
static long low_headroom_pages(void)
{
	return LONG_MAX;
}
#endif

/* The number of pages that the kernel can free by swapping anonymous pages out. */
static long free_by_swapping(void)
{
	return min_t(long, get_nr_swap_pages(),
		     global_node_page_state(NR_INACTIVE_ANON) +
			     global_node_page_state(NR_ACTIVE_ANON));
}

static long headroom_pages(void)
{
	return si_mem_available() - reserve_pages();
}

/* An ordinary chunk comes neither from the CMA area nor from high memory. */
static long ordinary_headroom_pages(void)
{
	long headroom = headroom_pages() - global_zone_page_state(NR_FREE_CMA_PAGES);

	return min(headroom, low_headroom_pages());
}

/* If CMA has no room, a contiguous range comes from the page allocator. */
static bool is_left_to_pages(size_t size)
{
	return get_order(size) <= MAX_PAGE_ORDER &&
	       size >> PAGE_SHIFT > global_zone_page_state(NR_FREE_CMA_PAGES);
}

/* Whether unswappable memory can be taken. @ordinary: from neither CMA nor high memory. */
bool ba_headroom_allows(size_t size, bool ordinary)
{
	long headroom;

	if (ordinary || is_left_to_pages(size))
		headroom = ordinary_headroom_pages();
	else
		headroom = headroom_pages();

	return headroom > 0 && size >> PAGE_SHIFT <= headroom;
}

/*
 * Whether swappable memory can be taken: other memory may be swapped out to make room. A size of 0
 * always fits.
 */
bool ba_headroom_allows_with_swap(size_t size)
{
	long headroom = headroom_pages() + free_by_swapping();

	return !size || (headroom > 0 && size >> PAGE_SHIFT <= headroom);
}

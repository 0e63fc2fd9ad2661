// SPDX-License-Identifier: GPL-2.0
/* What can be taken of the machine's memory, and the machine goes on. */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include "spare.h"

/*
 * Pages that are free, but neither for us nor for most others: those of the CMA
 * area, and those that the kernel has no mapping of. The area may lie there.
 */
static long free_for_others(void)
{
	long cma = global_zone_page_state(NR_FREE_CMA_PAGES);
	struct sysinfo info = {};

	if (IS_ENABLED(CONFIG_HIGHMEM))
		si_meminfo(&info);
	return max_t(long, cma, info.freehigh);
}

/* Pages that the kernel can make room for by swapping others out. */
static long free_by_swapping(void)
{
	return min_t(long, get_nr_swap_pages(),
		     global_node_page_state(NR_INACTIVE_ANON) +
			     global_node_page_state(NR_ACTIVE_ANON));
}

/*
 * Taking memory here does not call the OOM killer, but once the last page is gone the
 * next allocation of anybody does, so a part of the memory is left alone.
 */
static long spare_pages(void)
{
	return si_mem_available() - (long)(totalram_pages() / 32);
}

/* Memory that stays. What is ordinary does not come from what is set aside. */
bool spare_suffices(size_t size, bool ordinary)
{
	long spare = spare_pages();

	if (ordinary)
		spare -= free_for_others();
	return spare > 0 && size >> PAGE_SHIFT <= spare;
}

/* Memory for which other memory may be swapped out. Nothing can always be had. */
bool spare_suffices_with_swap(size_t size)
{
	long spare = spare_pages() + free_by_swapping();

	return !size || (spare > 0 && size >> PAGE_SHIFT <= spare);
}

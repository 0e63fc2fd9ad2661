// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a buffer, listed as one device takes it: in entries that are no longer
 * than its driver allows, and cross no boundary that it cannot.
 */
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "backing.h"
#include "direct.h"
#include "gfp.h"
#include "limits.h"
#include "sgt.h"

/*
 * How long an entry may be for the device, in whole pages: what its driver has
 * said. 64 KiB is what the DMA API assumes, and the PCI core says, of drivers that
 * say nothing; it would only make tables long.
 */
static size_t entry_limit(struct device *dev)
{
	size_t limit = dma_get_max_seg_size(dev);

	if (limit == SZ_64K || limit > SEGMENT_MAX)
		return SEGMENT_MAX;
	return round_down(limit, PAGE_SIZE);
}

/*
 * The address of a page for the device, to find segment boundaries. An IOMMU assigns
 * addresses later, and keeps boundaries itself. A page outside of the bus has no address:
 * the map is refused later.
 */
static u64 entry_address(struct device *dev, struct page *page)
{
	phys_addr_t phys = page_to_phys(page);
	dma_addr_t dma = ba_dev_is_direct(dev) ? phys_to_dma(dev, phys) : phys;

	return dma == DMA_MAPPING_ERROR ? phys : dma;
}

/* Cut the next entry off the front of a segment. */
static size_t entry_take(struct device *dev, struct ba_segment *left, size_t limit)
{
	u64 boundary = dma_get_seg_boundary(dev);
	u64 room = boundary - (entry_address(dev, left->page) & boundary) + 1;
	size_t size = min_t(u64, min(left->size, limit), room ?: U64_MAX);

	/* There can be millions of entries. */
	cond_resched();

	left->size -= size;
	/* The page behind the last one may not exist. */
	if (left->size)
		left->page = pfn_to_page(page_to_pfn(left->page) +
					 (size >> PAGE_SHIFT));
	return size;
}

static unsigned int count_entries(struct device *dev,
				  const struct ba_backing *backing, size_t limit)
{
	unsigned int entries = 0;
	struct ba_segment seg;

	ba_for_each_segment(backing, &seg)
		for (; seg.size; entries++)
			entry_take(dev, &seg, limit);
	return entries;
}

/**
 * ba_sgt_create() - list memory as a device takes it
 * @sgt: to be filled in.
 * @dev: whose limits of entries are kept.
 * @backing: the memory, which is there.
 *
 * Return: 0, -EINVAL for a device whose segments are shorter than a page, or cross no
 * boundary of less than that, -ENOMEM.
 */
int ba_sgt_create(struct sg_table *sgt, struct device *dev,
		  const struct ba_backing *backing)
{
	size_t limit = entry_limit(dev);
	struct scatterlist *sg;
	struct ba_segment seg;
	struct page *page;
	int ret;

	if (!limit || dma_get_seg_boundary(dev) < PAGE_SIZE - 1)
		return -EINVAL;

	ret = sg_alloc_table(sgt, count_entries(dev, backing, limit),
			     GFP_METADATA);
	if (ret)
		return ret;

	sg = sgt->sgl;
	ba_for_each_segment(backing, &seg) {
		while (seg.size) {
			page = seg.page;
			sg_set_page(sg, page, entry_take(dev, &seg, limit), 0);
			sg = sg_next(sg);
		}
	}
	return 0;
}

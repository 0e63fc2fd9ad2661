// SPDX-License-Identifier: GPL-2.0
/*
 * Lists the memory of a buffer for one device. No entry is longer than the driver allows, and none
 * crosses a segment boundary of the device.
 *
 * Main object: the sg_table of an attachment, from ba_sgt_create() to ba_attachment_drop(). Lock:
 * the caller holds the buffer's lock.
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
 * The longest entry that the driver allows, in whole pages. 64 KiB is the default of the DMA API
 * and of the PCI core, not a choice of the driver. Such a limit would only make tables long.
 */
static size_t entry_limit(struct device *dev)
{
	size_t limit = dma_get_max_seg_size(dev);

	if (limit == SZ_64K || limit > SEGMENT_MAX)
		return SEGMENT_MAX;
	return round_down(limit, PAGE_SIZE);
}

/*
 * The device address of a page, to find segment boundaries. Behind an IOMMU the address is assigned
 * later, and the DMA API keeps the boundaries. A page that the bus does not reach has no device
 * address: the map is refused later.
 */
static u64 entry_address(struct device *dev, struct page *page)
{
	phys_addr_t phys = page_to_phys(page);
	dma_addr_t dma = ba_dev_is_direct(dev) ? phys_to_dma(dev, phys) : phys;

	return dma == DMA_MAPPING_ERROR ? phys : dma;
}

/* Cut the next entry off the front of a segment. Return: its length in bytes. */
static size_t entry_take(struct device *dev, struct ba_segment *left, size_t limit)
{
	u64 boundary = dma_get_seg_boundary(dev);
	u64 room = boundary - (entry_address(dev, left->page) & boundary) + 1;
	size_t size = min_t(u64, min(left->size, limit), room ?: U64_MAX);

	/* There can be millions of entries. */
	cond_resched();

	left->size -= size;
	/* Skip at the end: behind the last page of memory there is no struct page. */
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
 * ba_sgt_create() - list memory in entries that a device takes
 * @sgt: filled in.
 * @dev: the device that limits the entries.
 * @backing: populated, and pinned if it is pageable.
 *
 * Return: 0, or an error:
 * -EINVAL: the longest entry or the segment boundary of @dev is shorter than a page.
 * -ENOMEM: no memory for the table.
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

// SPDX-License-Identifier: GPL-2.0
/*
 * One importer's view of a buffer: its own sg_table and its own kept DMA mapping. Main object:
 * struct ba_attachment, guarded by the buffer's lock.
 *
 *               map                   map               unmap
 *   attached -------> listed (sgt) -------> mapped (dir) -----> kept
 *                                             ^                  | map
 *                                             +------------------+
 *
 * The mapping is kept after the last unmap, so that a queued frame costs nothing. detach ends
 * it. When the driver is unbound, a kept mapping ends at once, and a used one at its unmap.
 * Only the address mapping is kept: cached memory is synced for the device at each map, and
 * for the CPU at each unmap, as importers expect.
 */
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/ww_mutex.h>

#include "attachment.h"
#include "backing.h"
#include "direct.h"
#include "gfp.h"
#include "heap.h"
#include "sgt.h"

/* Bytes of the caches that one call of the DMA API cleans; other tasks run between two calls. */
#define SYNC_MAX SZ_16M

static bool is_cached(const struct ba_attachment *attachment)
{
	return attachment->backing->context.caching == BUFALLOC_CACHING_CACHED;
}

static bool needs_syncs(const struct ba_attachment *attachment)
{
	return is_cached(attachment) &&
	       !dev_is_dma_coherent(attachment->dev);
}

/* Memory that never needs a sync must not be given one: see chunk.c. */
static unsigned long map_attrs(const struct ba_attachment *attachment)
{
	unsigned long attrs = DMA_ATTR_NO_WARN;

	return is_cached(attachment) ? attrs : attrs | DMA_ATTR_SKIP_CPU_SYNC;
}

/* All of it, in one of the ranges that the device's bus passes on. */
static bool is_range_within_dma_mask(struct device *dev, phys_addr_t phys, size_t size)
{
	u64 limit = min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
	dma_addr_t start = phys_to_dma(dev, phys);
	dma_addr_t end = start + size - 1;

	return start != DMA_MAPPING_ERROR && end >= start && end <= limit &&
	       dma_to_phys(dev, end) == phys + size - 1;
}

/*
 * Without an IOMMU memory beyond the device's mask could only be bounced, and so
 * is all memory where that is forced. It is found out before the DMA API tries,
 * and complains in the log or copies what the kernel has no mapping of.
 */
static bool is_within_dma_mask(const struct ba_attachment *attachment)
{
	struct device *dev = attachment->dev;
	struct ba_segment seg;

	if (!ba_dev_is_direct(dev))
		return true;
	if (is_swiotlb_force_bounce(dev))
		return false;

	ba_for_each_segment(attachment->backing, &seg)
		if (!is_range_within_dma_mask(dev, page_to_phys(seg.page), seg.size))
			return false;
	return true;
}

/* Cacheable memory that gets no syncs, and a device that does not snoop. */
static bool misses_dirty_lines(const struct ba_attachment *attachment)
{
	const struct ba_alloc_context *context = &attachment->backing->context;

	return !is_cached(attachment) &&
	       context->memtype == BUFALLOC_MEMTYPE_WRITE_BACK &&
	       !dev_is_dma_coherent(attachment->dev);
}

/*
 * The opposite: memory that the CPU writes past the caches, while they may have old lines
 * of it that belong to the kernel's own mapping, and a device that snoops.
 */
static bool snoops_stale_lines(const struct ba_attachment *attachment)
{
	const struct ba_alloc_context *context = &attachment->backing->context;

	return ba_heap_has_cached_alias(context->heap, context->memtype) &&
	       dev_is_dma_coherent(attachment->dev);
}

/*
 * A bounced mapping points at a copy, which only syncs update
 * that this memory does not get: the device would see old data. Page-aligned
 * segments behind a translating IOMMU are never bounced.
 */
static bool is_bounced(const struct ba_attachment *attachment)
{
	struct device *dev = attachment->dev;
	struct scatterlist *sg;
	unsigned int i;

	if (!ba_dev_is_direct(dev))
		return false;

	for_each_sgtable_sg(&attachment->sgt, sg, i)
		if (dma_to_phys(dev, sg_dma_address(sg)) != sg_phys(sg))
			return true;
	return false;
}

/* A range of 4 GiB that an IOMMU has merged overflows the length of its entry. */
static bool is_whole(const struct ba_attachment *attachment)
{
	const struct sg_table *sgt = &attachment->sgt;
	struct scatterlist *sg;
	size_t length = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i)
		length += sg_dma_len(sg);
	return length == attachment->backing->requirements.length;
}

/**
 * struct ba_span - a physically contiguous range, up to the next span
 * @addr: where the device sees it.
 * @offset: where in the buffer it begins.
 */
struct ba_span {
	dma_addr_t addr;
	size_t offset;
};

/*
 * Syncs work on physically contiguous ranges, but an IOMMU merges entries, and
 * the importer's table may be disguised while it is mapped (CONFIG_DMABUF_DEBUG).
 * So note now where the device sees each entry.
 */
static int spans_create(struct ba_attachment *attachment)
{
	const struct sg_table *sgt = &attachment->sgt;
	struct scatterlist *mapped = sgt->sgl;
	size_t offset = 0, skip = 0;
	struct scatterlist *sg;
	struct ba_span *span;
	unsigned int i;

	if (!needs_syncs(attachment))
		return 0;

	span = kvmalloc_array(sgt->orig_nents + 1, sizeof(*span),
			      GFP_METADATA);
	if (!span)
		return -ENOMEM;
	attachment->spans = span;

	for_each_sgtable_sg(sgt, sg, i) {
		if (skip == sg_dma_len(mapped)) {
			mapped = sg_next(mapped);
			skip = 0;
		}
		span->addr = sg_dma_address(mapped) + skip;
		span->offset = offset;
		skip += sg->length;
		offset += sg->length;
		span++;
	}
	span->offset = offset;
	return 0;
}

static void spans_destroy(struct ba_attachment *attachment)
{
	kvfree(attachment->spans);
	attachment->spans = NULL;
}

/* The CPU may have written since the last sync: do not undo that by another. */
static void mapping_destroy(struct ba_attachment *attachment)
{
	if (attachment->dir == DMA_NONE)
		return;

	spans_destroy(attachment);
	dma_unmap_sgtable(attachment->dev, &attachment->sgt, attachment->dir,
			  DMA_ATTR_SKIP_CPU_SYNC);
	attachment->dir = DMA_NONE;
}

/* Refusals that need no mapping. */
static int check_device(const struct ba_attachment *attachment,
			enum bufalloc_reason *reason)
{
	/* Not every driver that imports is one of a device that does DMA. */
	if (!attachment->dev->dma_mask) {
		*reason = BUFALLOC_REASON_NO_DMA;
		return -ENODEV;
	}
	if (!is_within_dma_mask(attachment)) {
		*reason = is_swiotlb_force_bounce(attachment->dev) ?
				  BUFALLOC_REASON_BOUNCED :
				  BUFALLOC_REASON_UNREACHABLE;
		return -EIO;
	}
	if (misses_dirty_lines(attachment)) {
		*reason = BUFALLOC_REASON_NOT_SNOOPING;
		return -EIO;
	}
	if (snoops_stale_lines(attachment)) {
		*reason = BUFALLOC_REASON_SNOOPING;
		return -EIO;
	}
	return 0;
}

static int check_mapping(const struct ba_attachment *attachment,
			 enum bufalloc_reason *reason)
{
	if (is_bounced(attachment)) {
		*reason = BUFALLOC_REASON_BOUNCED;
		return -EIO;
	}
	if (!is_whole(attachment)) {
		*reason = BUFALLOC_REASON_TABLE;
		return -EIO;
	}
	return 0;
}

static int mapping_create(struct ba_attachment *attachment,
			  enum dma_data_direction dir,
			  enum bufalloc_reason *reason)
{
	int ret;

	ret = check_device(attachment, reason);
	if (ret)
		return ret;

	*reason = BUFALLOC_REASON_MAPPING;
	ret = dma_map_sgtable(attachment->dev, &attachment->sgt, dir,
			      map_attrs(attachment));
	if (ret)
		return ret;
	attachment->dir = dir;

	ret = check_mapping(attachment, reason);
	if (!ret)
		ret = spans_create(attachment);
	if (ret)
		mapping_destroy(attachment);
	return ret;
}

/**
 * ba_attachment_provide_sgt() - list the memory as the device takes it
 * @attachment: of a buffer that has its memory.
 *
 * Return: 0, -EINVAL for a device whose segments are shorter than a page, -ENOMEM.
 */
int ba_attachment_provide_sgt(struct ba_attachment *attachment)
{
	return attachment->sgt.sgl ? 0 :
				     ba_sgt_create(&attachment->sgt, attachment->dev,
						   attachment->backing);
}

static bool covers(enum dma_data_direction have, enum dma_data_direction want)
{
	return have == want || have == DMA_BIDIRECTIONAL;
}

/* Map in that direction, or widen a mapping that nobody uses. */
static int mapping_provide(struct ba_attachment *attachment,
			   enum dma_data_direction dir,
			   enum bufalloc_reason *reason)
{
	if (attachment->dir == DMA_NONE)
		return mapping_create(attachment, dir, reason);
	if (attachment->users) {
		*reason = BUFALLOC_REASON_DIRECTION;
		return -EBUSY;
	}

	mapping_destroy(attachment);
	return mapping_create(attachment, DMA_BIDIRECTIONAL, reason);
}

/* The span that has the byte at @offset: the last that begins no later. */
static const struct ba_span *span_at(const struct ba_attachment *attachment,
				     size_t offset)
{
	unsigned int first = 0, count = attachment->sgt.orig_nents;

	while (count > 1) {
		unsigned int half = count / 2;

		if (attachment->spans[first + half].offset <= offset)
			first += half;
		count -= half;
	}
	return &attachment->spans[first];
}

static void sync_span(const struct ba_attachment *attachment, dma_addr_t addr,
		      size_t size, enum ba_sync_target target, enum dma_data_direction dir)
{
	if (target == SYNC_FOR_CPU)
		dma_sync_single_for_cpu(attachment->dev, addr, size, dir);
	else
		dma_sync_single_for_device(attachment->dev, addr, size, dir);
}

/*
 * To the byte: of a cache line that lies in the part only in part, the architecture
 * sees to it that nothing is lost that the CPU has written beside it.
 */
static void sync_part(const struct ba_attachment *attachment,
		      const struct ba_part *part, enum ba_sync_target target,
		      enum dma_data_direction dir)
{
	size_t offset = part ? part->offset : 0;
	size_t end = part ? offset + part->length :
			    attachment->backing->requirements.length;
	const struct ba_span *span;
	size_t size;

	if (!attachment->spans)
		return;

	span = span_at(attachment, offset);
	while (offset < end) {
		size = min3(span[1].offset, end, offset + SYNC_MAX) - offset;
		sync_span(attachment, span->addr + (offset - span->offset),
			  size, target, dir);
		offset += size;
		if (offset == span[1].offset)
			span++;
		cond_resched();
	}
}

/*
 * Some processors take DMA_FROM_DEVICE for leave to drop what is in their caches: the
 * zeros of new memory, which then shows what its last owner left, or what the CPU has
 * written since. So what a device writes is mapped as if it read it as well.
 */
static enum dma_data_direction safe_direction(const struct ba_attachment *attachment,
					      enum dma_data_direction dir)
{
	if (dir == DMA_FROM_DEVICE && needs_syncs(attachment))
		return DMA_BIDIRECTIONAL;
	return dir;
}

/**
 * ba_attachment_map() - let the importer's device at the memory
 * @attachment: whose, with a table.
 * @dir: the direction of the DMA to come.
 * @reason: why not, where that fails.
 *
 * Return: the importer's table, or an ERR_PTR:
 * -EBUSY: the mapping is in use in another direction.
 * -EIO: the device would see a copy of the memory, or stale cache lines.
 * -ENODEV: the device does no DMA.
 * Else what dma_map_sgtable() returned.
 */
struct sg_table *ba_attachment_map(struct ba_attachment *attachment,
				   enum dma_data_direction dir,
				   enum bufalloc_reason *reason)
{
	int ret;

	if (WARN_ON(!valid_dma_direction(dir)))
		return ERR_PTR(-EINVAL);

	dir = safe_direction(attachment, dir);
	if (covers(attachment->dir, dir)) {
		sync_part(attachment, NULL, SYNC_FOR_DEVICE, dir);
	} else {
		ret = mapping_provide(attachment, dir, reason);
		if (ret)
			return ERR_PTR(ret);
	}
	attachment->users++;
	return &attachment->sgt;
}

/* The mapping stays for the next ba_attachment_map(), where its end would be told. */
void ba_attachment_unmap(struct ba_attachment *attachment,
			 enum dma_data_direction dir)
{
	sync_part(attachment, NULL, SYNC_FOR_CPU, safe_direction(attachment, dir));
	attachment->users--;
	if (attachment->users)
		return;
	if (attachment->unbound || !attachment->keeps_mapping)
		mapping_destroy(attachment);
}

/**
 * ba_attachment_sync() - sync memory for its next user, the CPU or the device
 * @attachment: whose device has it mapped.
 * @part: of the buffer; NULL for all of it.
 * @target: who uses it next.
 *
 * The DMA API is told the direction of the mapping, and not what the CPU does: who
 * writes a part of a cache line has the rest of it as well.
 */
void ba_attachment_sync(struct ba_attachment *attachment, const struct ba_part *part,
			enum ba_sync_target target)
{
	if (target == SYNC_FOR_CPU && attachment->dir == DMA_TO_DEVICE)
		return;
	sync_part(attachment, part, target, attachment->dir);
}

/* Return: an attachment without a table, or an ERR_PTR: -ENOMEM. */
struct ba_attachment *ba_attachment_create(struct device *dev,
					   const struct ba_backing *backing,
					   struct ww_mutex *lock)
{
	struct ba_attachment *attachment;

	attachment = kzalloc(sizeof(*attachment), GFP_METADATA);
	if (!attachment)
		return ERR_PTR(-ENOMEM);

	/* The mapping is undone at detach, when the driver may be gone. */
	attachment->dev = get_device(dev);
	attachment->lock = lock;
	attachment->backing = backing;
	attachment->dir = DMA_NONE;
	return attachment;
}

/* Nothing is kept for later: the memory goes where nobody knows. */
void ba_attachment_drop(struct ba_attachment *attachment)
{
	WARN_ON(attachment->users);
	mapping_destroy(attachment);
	sg_free_table(&attachment->sgt);
}

void ba_attachment_destroy(struct ba_attachment *attachment)
{
	ba_attachment_drop(attachment);
	put_device(attachment->dev);
	kfree(attachment);
}

/* The driver leaves the device: what is kept for it goes, now or when unmapped. */
void ba_attachment_driver_unbound(struct ba_attachment *attachment)
{
	ww_mutex_lock(attachment->lock, NULL);
	attachment->unbound = true;
	if (!attachment->users)
		mapping_destroy(attachment);
	ww_mutex_unlock(attachment->lock);
}

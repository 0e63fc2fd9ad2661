// SPDX-License-Identifier: GPL-2.0
/*
 * One importer's view of a buffer: its own sg_table and its own kept DMA mapping. Main object:
 * struct ba_attachment, guarded by the buffer's lock.
 *
 *             list           map            last unmap
 *   attached ------> listed -------> mapped ----------> kept
 *     |  ^            |  ^             ^                | | |
 *     |  +--- drop ---+  |             +----- map ------+ | |
 *     |  |               +------------ unbound -----------+ |
 *     |  +------------------------ drop --------------------+
 *     +--- destroy ---> detached
 *
 *   attached: @sgt is empty.
 *   listed:   @sgt lists the memory in entries that the device takes; no DMA mapping exists.
 *   mapped:   the DMA mapping is in use: @users is above 0, and @dir is its direction.
 *   kept:     the DMA mapping has no user. The next map can reuse the mapping.
 *   unbound:  a flag: the driver is unbound from the device. The last unmap then leads to listed.
 *             The same holds if the driver cannot be watched (@keeps_mapping is false).
 *
 * Only the address mapping is kept. CACHED memory is synced for the device at each map, and for
 * the CPU at each unmap, as importers expect.
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

/* Bytes that one call of the DMA API syncs. Other tasks can run between two calls. */
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

/* Memory that is not CACHED needs no sync, and must not be synced: see cached_alloc(). */
static unsigned long map_attrs(const struct ba_attachment *attachment)
{
	unsigned long attrs = DMA_ATTR_NO_WARN;

	return is_cached(attachment) ? attrs : attrs | DMA_ATTR_SKIP_CPU_SYNC;
}

/* Whether the device reaches the whole range, in one window of its bus. */
static bool is_range_within_dma_mask(struct device *dev, phys_addr_t phys, size_t size)
{
	u64 limit = min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
	dma_addr_t start = phys_to_dma(dev, phys);
	dma_addr_t end = start + size - 1;

	return start != DMA_MAPPING_ERROR && end >= start && end <= limit &&
	       dma_to_phys(dev, end) == phys + size - 1;
}

/*
 * Without an IOMMU the DMA API bounces memory beyond the device's mask, and all memory where
 * bouncing is forced. Refuse such a device before the DMA API is called: the DMA API would warn in
 * the log, or copy memory that the kernel has no mapping of.
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

/* The memory is cacheable and gets no syncs, but the device does not snoop. */
static bool misses_dirty_lines(const struct ba_attachment *attachment)
{
	const struct ba_alloc_context *context = &attachment->backing->context;

	return !is_cached(attachment) &&
	       context->memtype == BUFALLOC_MEMTYPE_WRITE_BACK &&
	       !dev_is_dma_coherent(attachment->dev);
}

/*
 * The opposite: the CPU writes past the caches, and the device snoops. The caches can have old
 * lines of the direct map, and the device would read these lines.
 */
static bool snoops_stale_lines(const struct ba_attachment *attachment)
{
	const struct ba_alloc_context *context = &attachment->backing->context;

	return ba_heap_has_cached_alias(context->heap, context->memtype) &&
	       dev_is_dma_coherent(attachment->dev);
}

/*
 * A bounced mapping points to a copy, and only syncs update the copy. Without syncs the device
 * would see old data. With syncs (CACHED) an old copy of one device could overwrite the data of
 * another. Behind an IOMMU page-aligned segments are never bounced.
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

/* An IOMMU can merge entries into a range of 4 GiB or more: the length of an entry overflows. */
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
 * @addr: device address of the first byte.
 * @offset: bytes from the start of the buffer.
 */
struct ba_span {
	dma_addr_t addr;
	size_t offset;
};

/*
 * A sync takes a physically contiguous range, but an IOMMU merges entries. With
 * CONFIG_DMABUF_DEBUG the table cannot be read while the importer has the table. So store the
 * device address of each entry now.
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

/* The last unmap has synced the memory. Another sync would discard later writes of the CPU. */
static void mapping_destroy(struct ba_attachment *attachment)
{
	if (attachment->dir == DMA_NONE)
		return;

	spans_destroy(attachment);
	dma_unmap_sgtable(attachment->dev, &attachment->sgt, attachment->dir,
			  DMA_ATTR_SKIP_CPU_SYNC);
	attachment->dir = DMA_NONE;
}

/* Refuse a device before it is mapped. */
static int check_device(const struct ba_attachment *attachment,
			enum bufalloc_reason *reason)
{
	/* Some importers are virtual devices, which do no DMA. */
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
 * ba_attachment_provide_sgt() - list the memory in entries that the device takes
 * @attachment: of a populated buffer. A table that exists is kept.
 *
 * Return: 0, or an error of ba_sgt_create().
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

/* Map in @dir, or replace an unused mapping of another direction by a bidirectional one. */
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

/* The span that contains the byte at @offset: the last span that begins at or before @offset. */
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
 * @part can begin or end inside a cache line. The architecture writes such a line back before it
 * invalidates the line, so CPU writes next to @part are not lost.
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
 * With DMA_FROM_DEVICE some architectures discard dirty cache lines. Writes of the CPU would be
 * lost. If these writes are the zeros of new memory, the content of the previous owner would show.
 * So map DMA_BIDIRECTIONAL for a device that only writes.
 */
static enum dma_data_direction safe_direction(const struct ba_attachment *attachment,
					      enum dma_data_direction dir)
{
	if (dir == DMA_FROM_DEVICE && needs_syncs(attachment))
		return DMA_BIDIRECTIONAL;
	return dir;
}

/**
 * ba_attachment_map() - map the memory for the importer's device
 * @attachment: in the listed, mapped or kept state.
 * @dir: direction of the DMA.
 * @reason: set on error.
 *
 * Return: the importer's table, or an ERR_PTR:
 * -EBUSY: the mapping is in use in another direction.
 * -EINVAL: @dir is not valid: the importer has a bug.
 * -EIO: the device does not reach the memory, or would see a copy or old cache lines.
 * -EIO: the IOMMU has merged entries into a range that is too long for an entry.
 * -ENODEV: the device does no DMA.
 * -ENOMEM: no memory for the list of spans.
 * Other errors are those of dma_map_sgtable().
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

/*
 * Sync for the CPU. The last unmap keeps the mapping for the next ba_attachment_map(), unless the
 * driver is unbound or cannot be watched.
 */
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
 * @attachment: in the mapped state.
 * @part: range of the buffer; NULL for the whole buffer.
 * @target: the next user.
 *
 * The direction is that of the mapping, not that of the CPU access: a CPU that writes a part of a
 * cache line also reads the rest of the line.
 */
void ba_attachment_sync(struct ba_attachment *attachment, const struct ba_part *part,
			enum ba_sync_target target)
{
	if (target == SYNC_FOR_CPU && attachment->dir == DMA_TO_DEVICE)
		return;
	sync_part(attachment, part, target, attachment->dir);
}

/* Return: an attachment in the attached state, or an ERR_PTR: -ENOMEM. */
struct ba_attachment *ba_attachment_create(struct device *dev,
					   const struct ba_backing *backing,
					   struct ww_mutex *lock)
{
	struct ba_attachment *attachment;

	attachment = kzalloc(sizeof(*attachment), GFP_METADATA);
	if (!attachment)
		return ERR_PTR(-ENOMEM);

	/* Hold the device: it may be removed before detach ends the mapping. */
	attachment->dev = get_device(dev);
	attachment->lock = lock;
	attachment->backing = backing;
	attachment->dir = DMA_NONE;
	return attachment;
}

/*
 * End the mapping and free the table: from now on the memory may move, be purged or be freed. The
 * importer has ended each of its maps.
 */
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

/* The driver is unbound. End a kept mapping now; the last unmap ends a mapping that is in use. */
void ba_attachment_driver_unbound(struct ba_attachment *attachment)
{
	ww_mutex_lock(attachment->lock, NULL);
	attachment->unbound = true;
	if (!attachment->users)
		mapping_destroy(attachment);
	ww_mutex_unlock(attachment->lock);
}

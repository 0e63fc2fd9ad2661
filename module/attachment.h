/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ATTACHMENT_H
#define _BUFALLOC_ATTACHMENT_H

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/scatterlist.h>

#include <linux/bufalloc.h>

struct ba_backing;
struct device;
struct ba_span;
struct ww_mutex;

/**
 * struct ba_part - of a buffer
 * @offset: bytes, less than the buffer has.
 * @length: bytes, more than none and no more than there are from there on.
 */
struct ba_part {
	size_t offset;
	size_t length;
};

/* The side that a sync makes memory ready for. */
enum ba_sync_target {
	SYNC_FOR_CPU,
	SYNC_FOR_DEVICE,
};

/**
 * struct ba_attachment - one importer's view of a buffer
 * @link: in the buffer's list.
 * @watched: in the list of unbind.c, which guards it.
 * @lock: the buffer's.
 * @dev: the importer's device; held.
 * @backing: the buffer's memory.
 * @sgt: the importer's own table, empty until there is memory; mapped for @dev
 *	while @dir is not DMA_NONE.
 * @dir: the direction of that mapping.
 * @users: maps that have not been unmapped.
 * @unbound: the driver leaves @dev: no mapping is kept any more.
 * @keeps_mapping: the mapping stays after the last unmap, for the next map.
 * @spans: where the device sees each entry of @sgt, where syncs are needed, and one
 *	more for the end.
 *
 * Guarded by @lock but where it is said.
 */
struct ba_attachment {
	struct list_head link;
	struct list_head watched;
	struct ww_mutex *lock;
	struct device *dev;
	const struct ba_backing *backing;
	struct sg_table sgt;
	enum dma_data_direction dir;
	unsigned int users;
	bool unbound;
	bool keeps_mapping;
	struct ba_span *spans;
};

struct ba_attachment *ba_attachment_create(struct device *dev,
					   const struct ba_backing *backing,
					   struct ww_mutex *lock);
void ba_attachment_drop(struct ba_attachment *attachment);
void ba_attachment_destroy(struct ba_attachment *attachment);
void ba_attachment_driver_unbound(struct ba_attachment *attachment);

int ba_attachment_provide_sgt(struct ba_attachment *attachment);
struct sg_table *ba_attachment_map(struct ba_attachment *attachment,
				   enum dma_data_direction dir,
				   enum bufalloc_reason *reason);
void ba_attachment_unmap(struct ba_attachment *attachment,
			 enum dma_data_direction dir);

void ba_attachment_sync(struct ba_attachment *attachment, const struct ba_part *part,
			enum ba_sync_target target);

#endif /* _BUFALLOC_ATTACHMENT_H */

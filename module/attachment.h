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
 * struct ba_part - a range of a buffer
 * @offset: bytes, less than the buffer's length.
 * @length: bytes, at least 1, and at most the rest of the buffer.
 */
struct ba_part {
	size_t offset;
	size_t length;
};

/* The side that uses the memory after a sync. */
enum ba_sync_target {
	SYNC_FOR_CPU,
	SYNC_FOR_DEVICE,
};

/**
 * struct ba_attachment - one importer's view of a buffer
 * @link: entry in the buffer's list of attachments.
 * @watched: entry in the list of unbind.c, guarded by the lock of that file.
 * @lock: the lock of the buffer.
 * @dev: the importer's device; the attachment holds a reference.
 * @backing: the memory of the buffer.
 * @sgt: the importer's own table, empty until the buffer is populated; mapped for @dev while
 *	@dir is not DMA_NONE.
 * @dir: direction of the mapping.
 * @users: number of maps that are not unmapped yet.
 * @unbound: the driver of @dev is unbound: no mapping is kept any more.
 * @keeps_mapping: the mapping is kept after the last unmap, until @unbound is set.
 * @spans: the device addresses of the entries of @sgt, and the end; NULL if no sync is needed.
 *
 * @lock guards all but @watched.
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

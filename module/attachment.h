/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ATTACHMENT_H
#define _BUFALLOC_ATTACHMENT_H

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/scatterlist.h>

#include <linux/bufalloc.h>

struct backing;
struct device;
struct span;
struct ww_mutex;

/**
 * struct part - of a buffer
 * @offset: bytes, less than the buffer has.
 * @length: bytes, more than none and no more than there are from there on.
 */
struct part {
	size_t offset;
	size_t length;
};

/* Who may touch memory that gets syncs. */
enum sync_target {
	SYNC_FOR_CPU,
	SYNC_FOR_DEVICE,
};

/**
 * struct attachment - one importer's view of a buffer
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
struct attachment {
	struct list_head link;
	struct list_head watched;
	struct ww_mutex *lock;
	struct device *dev;
	const struct backing *backing;
	struct sg_table sgt;
	enum dma_data_direction dir;
	unsigned int users;
	bool unbound;
	bool keeps_mapping;
	struct span *spans;
};

struct attachment *attachment_create(struct device *dev,
				     const struct backing *backing,
				     struct ww_mutex *lock);
void attachment_drop(struct attachment *attachment);
void attachment_destroy(struct attachment *attachment);
void attachment_driver_unbound(struct attachment *attachment);

int attachment_provide_sgt(struct attachment *attachment);
struct sg_table *attachment_map(struct attachment *attachment,
				enum dma_data_direction dir,
				enum bufalloc_reason *reason);
void attachment_unmap(struct attachment *attachment,
		      enum dma_data_direction dir);

void attachment_sync(struct attachment *attachment, const struct part *part,
		     enum sync_target target);

#endif /* _BUFALLOC_ATTACHMENT_H */

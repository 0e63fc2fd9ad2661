/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_RESIDENCY_H
#define _BUFALLOC_RESIDENCY_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/ww_mutex.h>

#include "backing.h"
#include "purge.h"

struct dma_buf;

/**
 * struct ba_buffer - a buffer
 * @populate_lock: held by who takes memory for its first use, or brings what was swapped out
 *	to hold it, so that only one does. Inside mmap_lock and the reservation, outside
 *	the turn of sets and @lock.
 * @lock: guards all that follows. Of one class, so that COMMIT can have many. Inside
 *	mmap_lock, the reservation, @populate_lock and the turn, outside reclaim.
 * @attachments: the importers, as &struct ba_attachment.
 * @heap: where its memory comes from without devices.
 * @backing: its memory; source.client is held, and source.memcg while memory can still
 *	come: before the first, while it may be purged, and for pageable memory.
 * @pin_count: maps of devices and of the kernel.
 * @pinning: pages are being brought for the first of them.
 * @dontneed: its users do not need it: nobody may use it.
 * @purgeable: its memory, for who may take it then.
 * @refusals: how often a device could not map it.
 * @refusal: why not, the last time.
 */
struct ba_buffer {
	struct mutex populate_lock;
	struct ww_mutex lock;
	struct list_head attachments;
	struct ba_heap *heap;
	struct ba_backing backing;
	unsigned int pin_count;
	bool pinning;
	bool dontneed;
	struct ba_purgeable purgeable;
	u32 refusals;
	enum bufalloc_reason refusal;
};

int ba_residency_populate(struct ba_buffer *buffer, enum bufalloc_reason *reason);
int ba_residency_populate_locked(struct ba_buffer *buffer, enum bufalloc_reason *reason);
int ba_residency_check_needed(const struct ba_buffer *buffer,
			      enum bufalloc_reason *reason);
int ba_residency_pin(struct ba_buffer *buffer, enum bufalloc_reason *reason);
void ba_residency_unpin(struct ba_buffer *buffer);

int ba_residency_prepare(struct dma_buf *dmabuf, struct ba_backing *fresh,
			 enum bufalloc_reason *reason);
void ba_residency_release_fresh(struct ba_backing *fresh);
bool ba_residency_accepts(const struct dma_buf *dmabuf, const struct ba_backing *fresh);
void ba_residency_adopt(struct dma_buf *dmabuf, struct ba_backing *fresh);
bool ba_residency_has_memory(struct dma_buf *dmabuf);
int ba_residency_dontneed(struct dma_buf *dmabuf, bool *retained);
void ba_residency_willneed(struct dma_buf *dmabuf, bool *retained);

#endif /* _BUFALLOC_RESIDENCY_H */

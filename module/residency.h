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
 * @populate_lock: held by the thread that populates the buffer at its first use, or that reads
 *	pages in to pin them. Inside of mmap_lock and the reservation, outside of the turn of
 *	contention.c and of @lock.
 * @lock: guards all fields below. All buffers have one ww_mutex class, so that COMMIT can lock many
 *	buffers. Inside of mmap_lock, the reservation, @populate_lock and the turn, outside of
 *	reclaim.
 * @attachments: the importers, as &struct ba_attachment.
 * @heap: the heap of the memory if no device is attached.
 * @backing: the memory. The buffer holds a reference to context.client. It holds a reference to
 *	context.memcg while memory can still be allocated: before the first populate, after
 *	DONTNEED, and always for pageable memory.
 * @pin_count: number of maps by devices and by the kernel.
 * @pinning: pages are being read in for the first pin.
 * @dontneed: ADVISE has said DONTNEED: the buffer cannot be used.
 * @purgeable: the state that purge.c keeps for the buffer.
 * @refusals: number of refused devices.
 * @refusal: the reason of the last refusal.
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

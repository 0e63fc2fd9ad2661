/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PURGE_H
#define _BUFALLOC_PURGE_H

#include <linux/list.h>
#include <linux/types.h>

struct backing;
struct dma_resv;
struct purged;
struct ww_mutex;

/**
 * struct offer - memory that may be taken from a buffer
 * @node: in the list of purge.c, while there is any.
 * @lock: the buffer's.
 * @backing: the memory.
 * @resv: the reservation of the buffer: its fences say whether a device is at work.
 * @purged: where the memory goes when it is taken.
 * @pages: of it, as long as it is in the list.
 * @returned: those of them that go back to the kernel when they are freed.
 * @made: it was in the list at some time.
 * @taken: it was; and the buffer has no other yet.
 *
 * Guarded by @lock; @node by a lock of purge.c.
 */
struct offer {
	struct list_head node;
	struct ww_mutex *lock;
	struct backing *backing;
	struct dma_resv *resv;
	struct purged *purged;
	unsigned long pages;
	unsigned long returned;
	bool made;
	bool taken;
};

int offer_init(struct offer *offer, struct ww_mutex *lock,
	       struct backing *backing);
void offer_destroy(struct offer *offer);
void offer_make(struct offer *offer, struct dma_resv *resv);
void offer_withdraw(struct offer *offer);

bool purge_helps(int err);

int purge_init(void);
void purge_exit(void);

#endif /* _BUFALLOC_PURGE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PURGE_H
#define _BUFALLOC_PURGE_H

#include <linux/list.h>
#include <linux/types.h>

struct ba_backing;
struct dma_resv;
struct ba_purge_record;
struct ww_mutex;

/**
 * struct ba_purgeable - memory that may be taken from a buffer
 * @link: in the list of purge.c, while there is any.
 * @lock: the buffer's.
 * @backing: the memory.
 * @resv: the reservation of the buffer: its fences say whether a device is at work.
 * @record: where the memory goes when it is taken.
 * @pages: of it, as long as it is in the list.
 * @returned: those of them that go back to the kernel when they are freed.
 * @was_listed: it was in the list at some time.
 * @purged: it was; and the buffer has no other yet.
 *
 * Guarded by @lock; @link by a lock of purge.c.
 */
struct ba_purgeable {
	struct list_head link;
	struct ww_mutex *lock;
	struct ba_backing *backing;
	struct dma_resv *resv;
	struct ba_purge_record *record;
	unsigned long pages;
	unsigned long returned;
	bool was_listed;
	bool purged;
};

int ba_purgeable_init(struct ba_purgeable *purgeable, struct ww_mutex *lock,
		      struct ba_backing *backing);
void ba_purgeable_destroy(struct ba_purgeable *purgeable);
void ba_purgeable_add(struct ba_purgeable *purgeable, struct dma_resv *resv);
void ba_purgeable_remove(struct ba_purgeable *purgeable);

bool ba_purge_helps(int err);

int ba_purge_init(void);
void ba_purge_exit(void);

#endif /* _BUFALLOC_PURGE_H */

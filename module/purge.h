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
 * struct ba_purgeable - the memory of a buffer that may be purged
 * @link: entry in the list of purgeable memory; empty if the memory is not purgeable.
 * @lock: the lock of the buffer.
 * @backing: the memory.
 * @resv: the reservation of the buffer; its fences tell whether a device is at work.
 * @record: receives the memory when it is purged.
 * @pages: number of pages while @link is in the list.
 * @returned: number of pages that the kernel gets back; 0 for a shmem file, which is counted later.
 * @was_listed: @link was in the list at some time.
 * @purged: the memory was purged, and the buffer has no new memory yet.
 *
 * @lock guards all but @link, which purge_lock guards. The shrinker reads @resv, @record and
 * @pages under purge_lock alone: they do not change while @link is in the list.
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

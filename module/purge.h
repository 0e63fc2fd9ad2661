/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PURGE_H
#define _BUFALLOC_PURGE_H

#include <linux/list.h>
#include <linux/types.h>

struct backing;
struct ww_mutex;

/**
 * struct offer - memory that may be taken from a buffer
 * @node: in the list of purge.c, while there is any.
 * @lock: the buffer's.
 * @backing: the memory.
 * @pages: of it, as long as it is in the list.
 * @made: it was in the list at some time.
 * @taken: it was; and the buffer has no other yet.
 *
 * Guarded by @lock; @node and @pages by a lock of purge.c.
 */
struct offer {
	struct list_head node;
	struct ww_mutex *lock;
	struct backing *backing;
	unsigned long pages;
	bool made;
	bool taken;
};

void offer_init(struct offer *offer, struct ww_mutex *lock,
		struct backing *backing);
void offer_make(struct offer *offer);
void offer_withdraw(struct offer *offer);

int purge_init(void);
void purge_exit(void);

#endif /* _BUFALLOC_PURGE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CLIENT_H
#define _BUFALLOC_CLIENT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>

/*
 * For the small allocations that go with memory: charged to whoever asks, and
 * failing, with no word in the log, where the OOM killer would be called otherwise.
 */
#define GFP_METADATA \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * struct client - who memory is held for
 * @ref: one for its open file, one for each of its buffers.
 * @bytes: memory charged to it, with what rounding costs.
 * @buffers: its live buffers.
 * @blocks_lock: guards @blocks and all that hangs on it.
 * @blocks: its &struct block with room left. Each is held by the chunks carved
 *	from it, so that the list is empty when the last buffer is gone.
 */
struct client {
	struct kref ref;
	atomic_long_t bytes;
	atomic_long_t buffers;
	struct mutex blocks_lock;
	struct list_head blocks;
};

struct client *client_create(void);
struct client *client_get(struct client *client);
void client_put(struct client *client);

void client_charge(struct client *client, size_t bytes);
void client_uncharge(struct client *client, size_t bytes);

#endif /* _BUFALLOC_CLIENT_H */

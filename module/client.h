/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CLIENT_H
#define _BUFALLOC_CLIENT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct cred;
struct ba_quota;

int ba_make_room_for_file(void);

/**
 * struct ba_client - who memory is held for
 * @ref: one for its open file, one for each of its buffers.
 * @quota: what its memory and its buffers count for.
 * @charged_only: it gets no memory that no memory cgroup is charged for.
 * @blocks_lock: guards @block_trees and all that hangs on it.
 * @block_trees: its &struct block_tree, one for each kind of blocks that it has. A
 *	block is held by the chunks carved from it, and the tree by its blocks, so that
 *	the list is empty when the last buffer is gone.
 * @blocks_room: bytes of its blocks that are charged and not carved. It is written under
 *	@blocks_lock, and read without.
 */
struct ba_client {
	struct kref ref;
	struct ba_quota *quota;
	bool charged_only;
	struct mutex blocks_lock;
	struct list_head block_trees;
	size_t blocks_room;
};

struct ba_client *ba_client_create(const struct cred *opener, bool charged_only);
struct ba_client *ba_client_get(struct ba_client *client);
void ba_client_put(struct ba_client *client);

#endif /* _BUFALLOC_CLIENT_H */

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
 * struct ba_client - an open file of the device
 * @ref: one reference for the open file, for each buffer, and for each busy purge record.
 * @quota: the quota that its memory and its buffers are charged to.
 * @charged_only: the client gets only memory that a memory cgroup is charged for.
 * @blocks_lock: guards @block_trees, their blocks, and @blocks_room.
 * @block_trees: &struct block_tree, one for each kind of blocks. A block is freed with its last
 *	chunk, and a tree with its last block. So the list is empty when the last reference is
 *	dropped.
 * @blocks_room: bytes of the blocks that are charged and not carved. Read without the lock.
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

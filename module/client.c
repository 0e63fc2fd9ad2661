// SPDX-License-Identifier: GPL-2.0
/*
 * Creates clients, and counts references to them. Main object: struct ba_client, one open file of
 * the device. A buffer holds its client and stays charged to the client. So a client lives until
 * its file is closed, its last buffer is released, and the purged memory of its buffers is free.
 *
 * Lock: the blocks_lock of a client guards the blocks of block.c.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "client.h"
#include "gfp.h"
#include "quota.h"

/* More bytes than a file, its inode and its directory entry take together. */
#define FILE_ROOM SZ_8K

/*
 * The kernel charges a new file and its inode with flags that call the OOM killer in a
 * memory cgroup at its limit. Allocate as much before with flags that fail instead, and
 * free it.
 */
int ba_make_room_for_file(void)
{
	void *room = kmalloc(FILE_ROOM, GFP_METADATA);

	kfree(room);
	return room ? 0 : -ENOMEM;
}

/* Return: a client for a new open file, or NULL: no memory. */
struct ba_client *ba_client_create(const struct cred *opener, bool charged_only)
{
	struct ba_client *client = kzalloc(sizeof(*client), GFP_METADATA);

	if (!client)
		return NULL;

	client->quota = ba_quota_create(opener);
	if (!client->quota) {
		kfree(client);
		return NULL;
	}
	client->charged_only = charged_only;
	kref_init(&client->ref);
	mutex_init(&client->blocks_lock);
	INIT_LIST_HEAD(&client->block_trees);
	return client;
}

static void client_destroy(struct kref *ref)
{
	struct ba_client *client = container_of(ref, struct ba_client, ref);

	WARN_ON(!list_empty(&client->block_trees));
	mutex_destroy(&client->blocks_lock);
	ba_quota_destroy(client->quota);
	kfree(client);
}

struct ba_client *ba_client_get(struct ba_client *client)
{
	kref_get(&client->ref);
	return client;
}

void ba_client_put(struct ba_client *client)
{
	if (client)
		kref_put(&client->ref, client_destroy);
}

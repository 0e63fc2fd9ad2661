// SPDX-License-Identifier: GPL-2.0
/*
 * A client is an open file of the device. Buffers outlive files, so it lives
 * as long as either: what a buffer costs stays on the account of the client
 * that asked for it, whoever touches or frees it last.
 */
#include <linux/slab.h>

#include "client.h"

void client_charge(struct client *client, size_t bytes)
{
	atomic_long_add(bytes, &client->bytes);
}

void client_uncharge(struct client *client, size_t bytes)
{
	long left = atomic_long_sub_return(bytes, &client->bytes);

	WARN_ON_ONCE(left < 0);
}

struct client *client_create(void)
{
	struct client *client = kzalloc(sizeof(*client), GFP_METADATA);

	if (!client)
		return NULL;

	kref_init(&client->ref);
	mutex_init(&client->blocks_lock);
	INIT_LIST_HEAD(&client->blocks);
	return client;
}

static void client_destroy(struct kref *ref)
{
	struct client *client = container_of(ref, struct client, ref);

	WARN_ON(!list_empty(&client->blocks));
	mutex_destroy(&client->blocks_lock);
	kfree(client);
}

struct client *client_get(struct client *client)
{
	kref_get(&client->ref);
	return client;
}

void client_put(struct client *client)
{
	if (client)
		kref_put(&client->ref, client_destroy);
}

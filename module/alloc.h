/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ALLOC_H
#define _BUFALLOC_ALLOC_H

#include <linux/types.h>

struct bufalloc_alloc;
struct ba_client;
struct ba_item;

/**
 * struct ba_batch - one ALLOC call
 * @client: the caller's client.
 * @alloc: the arguments.
 * @items: the requests, alloc->count of them.
 */
struct ba_batch {
	struct ba_client *client;
	struct bufalloc_alloc *alloc;
	struct ba_item *items;
};

int ba_alloc_prepare(struct ba_batch *batch, struct ba_client *client,
		     struct bufalloc_alloc *alloc);
void ba_alloc_undo(struct ba_batch *batch);
void ba_alloc_publish(struct ba_batch *batch);

#endif /* _BUFALLOC_ALLOC_H */

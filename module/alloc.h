/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ALLOC_H
#define _BUFALLOC_ALLOC_H

#include <linux/types.h>

struct bufalloc_alloc;
struct client;
struct item;

/**
 * struct batch - one ALLOC on its way
 * @client: who asks.
 * @alloc: the call.
 * @items: its requests, alloc->count of them.
 */
struct batch {
	struct client *client;
	struct bufalloc_alloc *alloc;
	struct item *items;
};

int alloc_prepare(struct batch *batch, struct client *client,
		  struct bufalloc_alloc *alloc);
void alloc_undo(struct batch *batch);
void alloc_publish(struct batch *batch);

#endif /* _BUFALLOC_ALLOC_H */

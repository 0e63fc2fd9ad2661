/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ESTIMATE_H
#define _BUFALLOC_ESTIMATE_H

#include <linux/list.h>
#include <linux/types.h>

#include "quota.h"

struct backing;
struct client;

/**
 * struct estimate - the least that a set of buffers will be charged
 * @asks: one &struct quota_ask for each buffer.
 * @client: of the last buffer.
 * @room: bytes of the blocks of @client that no buffer before can have used up.
 */
struct estimate {
	struct list_head asks;
	const struct client *client;
	size_t room;
};

void estimate_begin(struct estimate *estimate);
void estimate_add(struct estimate *estimate, struct quota_ask *ask,
		  const struct backing *backing);
const struct quota_ask *estimate_find_refused(struct estimate *estimate);
int estimate_check(const struct backing *backing);

#endif /* _BUFALLOC_ESTIMATE_H */

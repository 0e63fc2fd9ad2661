/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ESTIMATE_H
#define _BUFALLOC_ESTIMATE_H

#include <linux/list.h>
#include <linux/types.h>

#include "quota.h"

struct ba_backing;
struct ba_client;

/**
 * struct ba_estimate - the least charge of the buffers of one call
 * @asks: one &struct ba_quota_ask for each buffer.
 * @client: the client of the buffer that was added last.
 * @room: free bytes in the blocks of @client, less the bytes for the buffers that were added.
 */
struct ba_estimate {
	struct list_head asks;
	const struct ba_client *client;
	size_t room;
};

void ba_estimate_begin(struct ba_estimate *estimate);
void ba_estimate_add(struct ba_estimate *estimate, struct ba_quota_ask *ask,
		     const struct ba_backing *backing);
const struct ba_quota_ask *ba_estimate_find_refused(struct ba_estimate *estimate);
int ba_estimate_check(const struct ba_backing *backing);

#endif /* _BUFALLOC_ESTIMATE_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Compares the least charge of all buffers of a call with the quotas, before memory is taken.
 * Without this, a call past a quota would first take memory up to the quota, and other callers
 * would miss that memory for seconds.
 *
 * The sum is a lower bound: a call that could be charged is not refused here. ba_quota_charge()
 * still decides for each chunk.
 *
 * Main object: struct ba_estimate. It lives as long as the call, is known to one thread, and has no
 * lock.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include "backing.h"
#include "caching.h"
#include "client.h"
#include "estimate.h"

void ba_estimate_begin(struct ba_estimate *estimate)
{
	INIT_LIST_HEAD(&estimate->asks);
	estimate->client = NULL;
	estimate->room = 0;
}

/* Return: the bytes that carvings can supply at no cost: the blocks are charged already. */
static size_t take_room(struct ba_estimate *estimate, const struct ba_backing *backing)
{
	const struct ba_client *client = backing->context.client;
	size_t taken;

	if (backing->requirements.pageable ||
	    !ba_memtype_in_direct_map(backing->context.memtype))
		return 0;
	if (estimate->client != client) {
		estimate->client = client;
		estimate->room = READ_ONCE(client->blocks_room);
	}
	taken = min(estimate->room, backing->requirements.length);
	estimate->room -= taken;
	return taken;
}

/**
 * ba_estimate_add() - add the least charge of one buffer
 * @estimate: of the call.
 * @ask: filled in; must live as long as @estimate, because it stays in the list of @estimate.
 * @backing: of the buffer, without memory.
 */
void ba_estimate_add(struct ba_estimate *estimate, struct ba_quota_ask *ask,
		     const struct ba_backing *backing)
{
	size_t room = take_room(estimate, backing);

	*ask = (struct ba_quota_ask) {
		.quota = backing->context.client->quota,
		.use.bytes = backing->requirements.length - room,
	};
	list_add_tail(&ask->link, &estimate->asks);
}

/* Return: the first buffer that passes a quota together with the buffers before it, or NULL. */
const struct ba_quota_ask *ba_estimate_find_refused(struct ba_estimate *estimate)
{
	return ba_quota_find_refused(&estimate->asks);
}

/* Check a single buffer. Return: 0, or -EDQUOT: the buffer passes a quota. */
int ba_estimate_check(const struct ba_backing *backing)
{
	struct ba_estimate estimate;
	struct ba_quota_ask ask;

	ba_estimate_begin(&estimate);
	ba_estimate_add(&estimate, &ask, backing);
	return ba_estimate_find_refused(&estimate) ? -EDQUOT : 0;
}

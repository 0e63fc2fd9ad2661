// SPDX-License-Identifier: GPL-2.0
/*
 * The least that the buffers of a call will be charged, compared before memory is taken.
 * Without this, a call past a quota would take memory up to the quota, and other callers
 * would miss that memory for seconds.
 *
 * The sum is a lower bound: a call that could be charged is never refused here.
 * ba_quota_charge() still decides for each chunk.
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

/* Pieces of a block are not charged: the block was, when it was made. */
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
 * ba_estimate_add() - count one more buffer of the set
 * @estimate: of the set.
 * @ask: to be filled in; it stays in the set's list.
 * @backing: without memory.
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

/* Return: the first buffer that is past a quota with those before it, or NULL. */
const struct ba_quota_ask *ba_estimate_find_refused(struct ba_estimate *estimate)
{
	return ba_quota_find_refused(&estimate->asks);
}

/* A set of one. Return: 0, or -EDQUOT. */
int ba_estimate_check(const struct ba_backing *backing)
{
	struct ba_estimate estimate;
	struct ba_quota_ask ask;

	ba_estimate_begin(&estimate);
	ba_estimate_add(&estimate, &ask, backing);
	return ba_estimate_find_refused(&estimate) ? -EDQUOT : 0;
}

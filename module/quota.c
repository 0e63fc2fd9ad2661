// SPDX-License-Identifier: GPL-2.0
/*
 * Limits the bytes and buffers that one user and all users hold, and counts live buffers and bytes.
 *
 * Main objects: struct ba_quota, one for each client, and struct account, one for each user. An
 * account lives as long as the last quota that counts for it. Lock: quota_lock guards both.
 *
 * A client is charged to the account of its opener, and to the owner of each user namespace above
 * the opener. So the ids of a container do not multiply the quota. The first namespace has no
 * owner that is charged: the limit of the system bounds it.
 */
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "gfp.h"
#include "quota.h"

#define ACCOUNT_BITS 6

#define USER_BUFFERS 65536
#define SYSTEM_BUFFERS 262144

static unsigned long long user_bytes_max;
module_param(user_bytes_max, ullong, 0644);
MODULE_PARM_DESC(user_bytes_max,
		 "Bytes that one user may hold (0, the default: a quarter of RAM)");

static unsigned long long system_bytes_max;
module_param(system_bytes_max, ullong, 0644);
MODULE_PARM_DESC(system_bytes_max,
		 "Bytes that all users may hold (0, the default: half of RAM)");

static unsigned long long user_buffers_max = USER_BUFFERS;
module_param(user_buffers_max, ullong, 0644);
MODULE_PARM_DESC(user_buffers_max,
		 "Buffers that one user may hold (default: 65536)");

static unsigned long long system_buffers_max = SYSTEM_BUFFERS;
module_param(system_buffers_max, ullong, 0644);
MODULE_PARM_DESC(system_buffers_max,
		 "Buffers that all users may hold (default: 262144)");

/**
 * struct account - the charges of one user
 * @link: entry in the table of accounts.
 * @uid: the user.
 * @quotas: number of &struct ba_quota that count for this account.
 * @held: bytes and buffers of all these quotas.
 */
struct account {
	struct hlist_node link;
	kuid_t uid;
	unsigned long quotas;
	struct ba_use held;
};

/**
 * struct ba_quota - the accounts that a client is charged to
 * @held: bytes and buffers of the client.
 * @count: number of @accounts.
 * @accounts: of the opener, then of the owners of the namespaces above; each account once.
 */
struct ba_quota {
	struct ba_use held;
	unsigned int count;
	struct account *accounts[];
};

/* Guards the table, the accounts, and all counts. */
static DEFINE_SPINLOCK(quota_lock);
static DEFINE_HASHTABLE(accounts, ACCOUNT_BITS);
static struct ba_use system_held;

static u64 part_of_memory(unsigned int parts)
{
	return (u64)(totalram_pages() / parts) << PAGE_SHIFT;
}

/* A limit can change at any time. A lower limit frees nothing. */
static struct ba_use user_max(void)
{
	return (struct ba_use) {
		.bytes = READ_ONCE(user_bytes_max) ?: part_of_memory(4),
		.buffers = READ_ONCE(user_buffers_max),
	};
}

static struct ba_use system_max(void)
{
	return (struct ba_use) {
		.bytes = READ_ONCE(system_bytes_max) ?: part_of_memory(2),
		.buffers = READ_ONCE(system_buffers_max),
	};
}

static struct account *account_find(kuid_t uid)
{
	struct account *account;

	hash_for_each_possible(accounts, account, link, __kuid_val(uid))
		if (uid_eq(account->uid, uid))
			return account;
	return NULL;
}

static struct account *account_get(kuid_t uid)
{
	struct account *account, *fresh;

	fresh = kzalloc(sizeof(*fresh), GFP_METADATA);
	if (!fresh)
		return NULL;
	fresh->uid = uid;

	spin_lock(&quota_lock);
	account = account_find(uid);
	if (!account) {
		hash_add(accounts, &fresh->link, __kuid_val(uid));
		swap(account, fresh);
	}
	account->quotas++;
	spin_unlock(&quota_lock);

	kfree(fresh);
	return account;
}

static void account_put(struct account *account)
{
	bool last;

	spin_lock(&quota_lock);
	last = !--account->quotas;
	if (last)
		hash_del(&account->link);
	spin_unlock(&quota_lock);

	if (last)
		kfree(account);
}

static bool quota_has(const struct ba_quota *quota, kuid_t uid)
{
	unsigned int i;

	for (i = 0; i < quota->count; i++)
		if (uid_eq(quota->accounts[i]->uid, uid))
			return true;
	return false;
}

static int quota_add(struct ba_quota *quota, kuid_t uid)
{
	struct account *account;

	if (quota_has(quota, uid))
		return 0;
	account = account_get(uid);
	if (!account)
		return -ENOMEM;
	quota->accounts[quota->count++] = account;
	return 0;
}

/* Return: the quota of a client that @opener has opened, or NULL: no memory. */
struct ba_quota *ba_quota_create(const struct cred *opener)
{
	const struct user_namespace *ns = opener->user_ns;
	struct ba_quota *quota;
	int ret;

	quota = kzalloc(struct_size(quota, accounts, ns->level + 1), GFP_METADATA);
	if (!quota)
		return NULL;

	ret = quota_add(quota, opener->uid);
	for (; !ret && ns->parent; ns = ns->parent)
		ret = quota_add(quota, ns->owner);
	if (ret) {
		ba_quota_destroy(quota);
		return NULL;
	}
	return quota;
}

void ba_quota_destroy(struct ba_quota *quota)
{
	if (!quota)
		return;
	WARN_ON(quota->held.bytes || quota->held.buffers);
	while (quota->count)
		account_put(quota->accounts[--quota->count]);
	kfree(quota);
}

static u64 cost(struct ba_use use)
{
	return use.bytes + use.buffers * QUOTA_BUFFER_COST;
}

static u64 room(struct ba_use held, struct ba_use max)
{
	return max.bytes > cost(held) ? max.bytes - cost(held) : 0;
}

/* Whether @more buffers would pass the limit of buffers. */
static bool is_full(struct ba_use held, struct ba_use max, struct ba_use more)
{
	return more.buffers && held.buffers + more.buffers > max.buffers;
}

static bool fits(struct ba_use held, struct ba_use more, struct ba_use max)
{
	return !is_full(held, max, more) && cost(more) <= room(held, max);
}

static void add(struct ba_use *held, struct ba_use more)
{
	held->bytes += more.bytes;
	held->buffers += more.buffers;
}

static void take(struct ba_use *held, struct ba_use less)
{
	WARN_ON_ONCE(held->bytes < less.bytes || held->buffers < less.buffers);
	held->bytes -= less.bytes;
	held->buffers -= less.buffers;
}

static bool fits_all(const struct ba_quota *quota, struct ba_use more)
{
	unsigned int i;

	for (i = 0; i < quota->count; i++)
		if (!fits(quota->accounts[i]->held, more, user_max()))
			return false;
	return fits(system_held, more, system_max());
}

/* Called with quota_lock. */
static int charge(struct ba_quota *quota, struct ba_use more)
{
	unsigned int i;

	if (!fits_all(quota, more))
		return -EDQUOT;
	for (i = 0; i < quota->count; i++)
		add(&quota->accounts[i]->held, more);
	add(&quota->held, more);
	add(&system_held, more);
	return 0;
}

/* Called with quota_lock. */
static void uncharge(struct ba_quota *quota, struct ba_use less)
{
	unsigned int i;

	for (i = 0; i < quota->count; i++)
		take(&quota->accounts[i]->held, less);
	take(&quota->held, less);
	take(&system_held, less);
}

/**
 * ba_quota_charge() - charge memory before it is allocated
 * @quota: of the client.
 * @more: bytes and buffers.
 *
 * Return: 0, or -EDQUOT: a limit is passed, and nothing is charged. ba_quota_limiting() tells which
 * limit.
 */
int ba_quota_charge(struct ba_quota *quota, struct ba_use more)
{
	int ret;

	spin_lock(&quota_lock);
	ret = charge(quota, more);
	spin_unlock(&quota_lock);
	return ret;
}

/* Called after the memory is free. @less is exactly the amount that was charged. */
void ba_quota_uncharge(struct ba_quota *quota, struct ba_use less)
{
	spin_lock(&quota_lock);
	uncharge(quota, less);
	spin_unlock(&quota_lock);
}

/**
 * ba_quota_find_refused() - compare several charges with the limits, and charge nothing
 * @asks: the charges, as &struct ba_quota_ask.
 *
 * The charges can count for the same users. So add each charge to the charges before, and then
 * uncharge all of them under the same lock: no other caller sees them.
 *
 * Return: the first charge that passes a limit, or NULL.
 */
const struct ba_quota_ask *ba_quota_find_refused(struct list_head *asks)
{
	const struct ba_quota_ask *refused = NULL;
	struct ba_quota_ask *ask;

	spin_lock(&quota_lock);
	list_for_each_entry(ask, asks, link) {
		if (charge(ask->quota, ask->use)) {
			refused = ask;
			break;
		}
	}
	list_for_each_entry_continue_reverse(ask, asks, link)
		uncharge(ask->quota, ask->use);
	spin_unlock(&quota_lock);
	return refused;
}

static bool is_tighter(struct ba_use held, struct ba_use than, struct ba_use more)
{
	struct ba_use max = user_max();

	if (is_full(held, max, more) != is_full(than, max, more))
		return is_full(held, max, more);
	return room(held, max) < room(than, max);
}

/* The account with the least room for @more. */
static struct ba_use limiting_account(const struct ba_quota *quota, struct ba_use more)
{
	struct ba_use held = quota->accounts[0]->held;
	unsigned int i;

	for (i = 1; i < quota->count; i++)
		if (is_tighter(quota->accounts[i]->held, held, more))
			held = quota->accounts[i]->held;
	return held;
}

static void tell(const struct ba_quota *quota, struct ba_use more,
		 struct ba_quota_report *report)
{
	spin_lock(&quota_lock);
	report->client = quota->held;
	report->user = limiting_account(quota, more);
	report->system = system_held;
	spin_unlock(&quota_lock);

	report->user_max = user_max();
	report->system_max = system_max();
}

/**
 * ba_quota_limiting() - tell which limit refused a charge
 * @quota: as for ba_quota_charge().
 * @more: the charge that was refused.
 *
 * Return: the limit with the least room. This limit has refused the charge, unless limits or
 * charges have changed since.
 */
enum bufalloc_reason ba_quota_limiting(const struct ba_quota *quota, struct ba_use more)
{
	struct ba_quota_report now;

	tell(quota, more, &now);
	if (is_full(now.user, now.user_max, more))
		return BUFALLOC_REASON_USER_BUFFERS;
	if (is_full(now.system, now.system_max, more))
		return BUFALLOC_REASON_SYSTEM_BUFFERS;
	if (room(now.user, now.user_max) <= room(now.system, now.system_max))
		return BUFALLOC_REASON_USER_BYTES;
	return BUFALLOC_REASON_SYSTEM_BYTES;
}

/* Report the account that would refuse a buffer first. */
void ba_quota_tell(const struct ba_quota *quota, struct ba_quota_report *report)
{
	struct ba_use buffer = { .buffers = 1 };

	tell(quota, buffer, report);
}

/* Bytes and buffers of all clients together. */
struct ba_use ba_quota_in_use(void)
{
	struct ba_use held;

	spin_lock(&quota_lock);
	held = system_held;
	spin_unlock(&quota_lock);
	return held;
}

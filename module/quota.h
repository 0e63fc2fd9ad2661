/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_QUOTA_H
#define _BUFALLOC_QUOTA_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include <linux/bufalloc.h>

struct cred;
struct ba_quota;

/*
 * The charge of a buffer besides its memory: a file, an inode, a dma-buf, and records of the
 * module, rounded up. So a limit of bytes also bounds the number of empty buffers.
 */
#define QUOTA_BUFFER_COST SZ_4K

/**
 * struct ba_use - an amount of memory and of buffers, held or allowed
 * @bytes: of memory, rounding included.
 * @buffers: number of live buffers.
 */
struct ba_use {
	u64 bytes;
	u64 buffers;
};

/**
 * struct ba_quota_report - the amounts that are held, and the amounts that are allowed
 * @client: held by the client.
 * @user: held by the account with the least room, among the accounts of the client.
 * @system: held by all users.
 * @user_max: allowed for each account.
 * @system_max: allowed for all users.
 */
struct ba_quota_report {
	struct ba_use client;
	struct ba_use user;
	struct ba_use system;
	struct ba_use user_max;
	struct ba_use system_max;
};

/**
 * struct ba_quota_ask - the least charge of one buffer of a call
 * @link: entry in the list of the call.
 * @quota: the quota that will be charged.
 * @use: the least charge.
 */
struct ba_quota_ask {
	struct list_head link;
	struct ba_quota *quota;
	struct ba_use use;
};

struct ba_quota *ba_quota_create(const struct cred *opener);
void ba_quota_destroy(struct ba_quota *quota);

int ba_quota_charge(struct ba_quota *quota, struct ba_use more);
void ba_quota_uncharge(struct ba_quota *quota, struct ba_use less);
const struct ba_quota_ask *ba_quota_find_refused(struct list_head *asks);

enum bufalloc_reason ba_quota_limiting(const struct ba_quota *quota, struct ba_use more);
void ba_quota_tell(const struct ba_quota *quota, struct ba_quota_report *report);
struct ba_use ba_quota_in_use(void);

#endif /* _BUFALLOC_QUOTA_H */

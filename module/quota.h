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
 * A buffer needs a file, an inode, a dma-buf and our own records beside its memory. This
 * charge is rounded up, so that a limit of bytes also bounds empty buffers.
 */
#define QUOTA_BUFFER_COST SZ_4K

/**
 * struct ba_use - what is held, or limited
 * @bytes: of memory, with what rounding costs.
 * @buffers: live ones.
 */
struct ba_use {
	u64 bytes;
	u64 buffers;
};

/**
 * struct ba_quota_report - what is held, and how much may be
 * @client: by the client itself.
 * @user: by whoever of its users has the least room.
 * @system: by all.
 * @user_max: for each user.
 * @system_max: for all.
 */
struct ba_quota_report {
	struct ba_use client;
	struct ba_use user;
	struct ba_use system;
	struct ba_use user_max;
	struct ba_use system_max;
};

/**
 * struct ba_quota_ask - what a part of a set of buffers will be charged
 * @link: in the list of the set.
 * @quota: what it will be charged to.
 * @use: the least that it will be.
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

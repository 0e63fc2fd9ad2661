/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_QUOTA_H
#define _BUFALLOC_QUOTA_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include <linux/bufalloc.h>

struct cred;
struct quota;

/*
 * What a buffer costs beside its memory: a file, an inode, a dma-buf and our own
 * records, rounded up generously, so that limits of bytes bound empty buffers too.
 */
#define QUOTA_BUFFER_COST SZ_4K

/**
 * struct use - what is held, or limited
 * @bytes: of memory, with what rounding costs.
 * @buffers: live ones.
 */
struct use {
	u64 bytes;
	u64 buffers;
};

/**
 * struct quota_report - what is held, and how much may be
 * @client: by the client itself.
 * @user: by whoever of its users has the least room.
 * @system: by all.
 * @user_max: for each user.
 * @system_max: for all.
 */
struct quota_report {
	struct use client;
	struct use user;
	struct use system;
	struct use user_max;
	struct use system_max;
};

/**
 * struct quota_ask - what a part of a set of buffers will be charged
 * @link: in the list of the set.
 * @quota: what it will be charged to.
 * @use: the least that it will be.
 */
struct quota_ask {
	struct list_head link;
	struct quota *quota;
	struct use use;
};

struct quota *quota_create(const struct cred *opener);
void quota_destroy(struct quota *quota);

int quota_charge(struct quota *quota, struct use more);
void quota_uncharge(struct quota *quota, struct use less);
const struct quota_ask *quota_find_refused(struct list_head *asks);

enum bufalloc_reason quota_limiting(const struct quota *quota, struct use more);
void quota_tell(const struct quota *quota, struct quota_report *report);
struct use quota_in_use(void);

#endif /* _BUFALLOC_QUOTA_H */

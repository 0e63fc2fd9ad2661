// SPDX-License-Identifier: GPL-2.0
/*
 * One COMMIT call: populates many buffers, all or none.
 *
 * Main object: struct commit, of one thread. First lock all buffers, and note which of them need
 * memory. Then, with no lock held, populate a fresh backing for each of these buffers. Then lock
 * all buffers again. If the attached devices still allow the memory, the buffers adopt the memory,
 * which cannot fail. Otherwise free all fresh memory and start again, a few times at most.
 *
 * Lock: lock_all() takes the locks of all buffers with one acquire context.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/ww_mutex.h>

#include "backing.h"
#include "buffer.h"
#include "commit.h"
#include "contention.h"
#include "estimate.h"
#include "gfp.h"
#include "placement.h"
#include "populate.h"
#include "quota.h"
#include "residency.h"

/**
 * struct commit_entry - one buffer of a COMMIT
 * @dmabuf: the buffer; the entry holds a reference.
 * @fresh: memory that the buffer will adopt.
 * @needs: the buffer had no memory when all buffers were locked first.
 * @ask: the least charge of @fresh.
 */
struct commit_entry {
	struct dma_buf *dmabuf;
	struct ba_backing fresh;
	bool needs;
	struct ba_quota_ask ask;
};

/**
 * struct commit - one COMMIT call
 * @arg: the kernel's copy of the caller's structure.
 * @entries: @arg->count buffers.
 */
struct commit {
	struct bufalloc_commit *arg;
	struct commit_entry *entries;
};

static int refuse(struct commit *commit, u32 index, enum bufalloc_reason reason,
		  int err)
{
	commit->arg->out_failed = index;
	commit->arg->out_reason = reason;
	return err;
}

static int entry_find(struct commit *commit, u32 index, int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return refuse(commit, index, BUFALLOC_REASON_FD, PTR_ERR(dmabuf));
	if (!ba_buffer_is(dmabuf)) {
		dma_buf_put(dmabuf);
		return refuse(commit, index, BUFALLOC_REASON_FD, -EINVAL);
	}
	commit->entries[index].dmabuf = dmabuf;
	return 0;
}

static int find_entries(struct commit *commit)
{
	const struct bufalloc_commit *arg = commit->arg;
	int ret = 0;
	int *fds;
	u32 i;

	fds = vmemdup_user(u64_to_user_ptr(arg->fds),
			   array_size(arg->count, sizeof(*fds)));
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	for (i = 0; !ret && i < arg->count; i++)
		ret = entry_find(commit, i, fds[i]);
	kvfree(fds);
	return ret;
}

static void put_entries(struct commit *commit)
{
	u32 i;

	for (i = 0; i < commit->arg->count; i++)
		if (commit->entries[i].dmabuf)
			dma_buf_put(commit->entries[i].dmabuf);
}

static void unlock_first(struct commit *commit, u32 count)
{
	while (count--)
		ww_mutex_unlock(ba_buffer_lock(commit->entries[count].dmabuf));
}

/*
 * Lock all buffers. The buffer with index @locked is locked already, if there is such a buffer.
 * Return: the index of the first buffer that could not be locked, with its error in @ret; or the
 * number of buffers.
 */
static u32 lock_others(struct commit *commit, u32 locked,
		       struct ww_acquire_ctx *context, int *ret)
{
	u32 i;

	*ret = 0;
	for (i = 0; i < commit->arg->count; i++) {
		if (i == locked)
			continue;
		*ret = ww_mutex_lock(ba_buffer_lock(commit->entries[i].dmabuf),
				     context);
		if (*ret)
			break;
	}
	return i;
}

static void unlock_all(struct commit *commit, struct ww_acquire_ctx *context)
{
	unlock_first(commit, commit->arg->count);
	ww_acquire_fini(context);
}

/*
 * This is drm_exec's ww_mutex loop. The older caller keeps its locks. A younger caller
 * drops all its locks, and waits for the contended one first.
 *
 * Return: 0, or -EALREADY: a buffer is in the array twice.
 */
static int lock_all(struct commit *commit, struct ww_acquire_ctx *context)
{
	u32 count = commit->arg->count, locked = count, failed;
	int ret;

	ba_buffer_lock_begin(context);
	for (;;) {
		failed = lock_others(commit, locked, context, &ret);
		if (failed == count)
			break;
		unlock_first(commit, failed);
		if (locked > failed && locked < count)
			ww_mutex_unlock(ba_buffer_lock(commit->entries[locked].dmabuf));
		if (ret != -EDEADLK)
			break;
		locked = failed;
		ww_mutex_lock_slow(ba_buffer_lock(commit->entries[locked].dmabuf),
				   context);
	}
	if (ret) {
		ww_acquire_fini(context);
		return ret;
	}
	ww_acquire_done(context);
	return 0;
}

/* Called after lock_all() has returned -EALREADY: compares all pairs. */
static int refuse_twice(struct commit *commit)
{
	u32 i, j;

	for (i = 1; i < commit->arg->count; i++)
		for (j = 0; j < i; j++)
			if (commit->entries[i].dmabuf == commit->entries[j].dmabuf)
				return refuse(commit, i, BUFALLOC_REASON_TWICE, -EINVAL);
	return -EINVAL;
}

/* Note which buffers need memory now. */
static int ask_all(struct commit *commit)
{
	enum bufalloc_reason reason;
	struct ww_acquire_ctx context;
	struct commit_entry *entry;
	int ret;
	u32 i;

	ret = lock_all(commit, &context);
	if (ret)
		return refuse_twice(commit);
	for (i = 0; i < commit->arg->count; i++)
		commit->entries[i].needs = false;
	for (i = 0; i < commit->arg->count; i++) {
		entry = &commit->entries[i];
		ret = ba_residency_prepare(entry->dmabuf, &entry->fresh, &reason);
		if (ret < 0) {
			refuse(commit, i, reason, ret);
			break;
		}
		entry->needs = ret;
	}
	unlock_all(commit, &context);
	return min(ret, 0);
}

static void give_back(struct commit *commit, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (commit->entries[i].needs)
			ba_backing_free(&commit->entries[i].fresh);
}

/* Compare the least charges with the quotas first: a refused call then takes no memory. */
static int check_quotas(struct commit *commit)
{
	const struct ba_quota_ask *refused;
	struct ba_estimate estimate;
	struct commit_entry *entry;
	u32 i;

	ba_estimate_begin(&estimate);
	for (i = 0; i < commit->arg->count; i++) {
		entry = &commit->entries[i];
		if (entry->needs)
			ba_estimate_add(&estimate, &entry->ask, &entry->fresh);
	}
	refused = ba_estimate_find_refused(&estimate);
	if (!refused)
		return 0;
	entry = container_of(refused, struct commit_entry, ask);
	return refuse(commit, entry - commit->entries,
		      ba_quota_limiting(refused->quota, refused->use), -EDQUOT);
}

/* Populate all fresh backings or none. Called by ba_contention_take(). */
static int take_all(void *data)
{
	enum bufalloc_reason reason;
	struct commit *commit = data;
	int ret;
	u32 i;

	ret = check_quotas(commit);
	if (ret)
		return ret;
	for (i = 0; i < commit->arg->count; i++) {
		if (!commit->entries[i].needs)
			continue;
		ret = ba_populate(&commit->entries[i].fresh, &reason);
		if (ret) {
			give_back(commit, i);
			return refuse(commit, i, reason, ret);
		}
	}
	return 0;
}

static bool is_accepted(const struct commit *commit)
{
	const struct commit_entry *entry;
	u32 i;

	for (i = 0; i < commit->arg->count; i++) {
		entry = &commit->entries[i];
		if (entry->needs &&
		    !ba_residency_accepts(entry->dmabuf, &entry->fresh))
			return false;
	}
	return true;
}

static void adopt_all(struct commit *commit)
{
	struct commit_entry *entry;
	u32 i;

	for (i = 0; i < commit->arg->count; i++) {
		entry = &commit->entries[i];
		if (entry->needs)
			ba_residency_adopt(entry->dmabuf, &entry->fresh);
	}
}

static int publish_all(struct commit *commit)
{
	struct ww_acquire_ctx context;
	bool accepted;
	int ret;

	ret = lock_all(commit, &context);
	if (!ret) {
		accepted = is_accepted(commit);
		if (accepted)
			adopt_all(commit);
		unlock_all(commit, &context);
		if (!accepted)
			ret = -EAGAIN;
	}
	return ret;
}

/*
 * Whether another thread has populated one of the buffers meanwhile: less memory is needed now.
 */
static bool is_served_by_another(const struct commit *commit)
{
	const struct commit_entry *entry;
	u32 i;

	for (i = 0; i < commit->arg->count; i++) {
		entry = &commit->entries[i];
		if (entry->needs && ba_residency_has_memory(entry->dmabuf))
			return true;
	}
	return false;
}

static bool is_worth_another_try(const struct commit *commit, int err)
{
	if (err == -ENOMEM || err == -EDQUOT)
		return is_served_by_another(commit);
	return err == -EAGAIN;
}

/* Free memory that no buffer adopted: another thread was first, or the call failed. */
static void release_all(struct commit *commit)
{
	u32 i;

	for (i = 0; i < commit->arg->count; i++)
		if (commit->entries[i].needs)
			ba_residency_release_fresh(&commit->entries[i].fresh);
}

static int commit_once(struct commit *commit)
{
	int ret;

	ret = ask_all(commit);
	if (!ret)
		ret = ba_contention_take(take_all, commit, NULL);
	if (!ret)
		ret = publish_all(commit);
	release_all(commit);
	return ret;
}

static int commit_with_retries(struct commit *commit)
{
	unsigned int tries;
	int ret;

	for (tries = 0; tries < PLACEMENT_TRIES; tries++) {
		ret = commit_once(commit);
		if (!is_worth_another_try(commit, ret))
			return ret;
	}
	if (ret == -EAGAIN)
		refuse(commit, commit->arg->count, BUFALLOC_REASON_CHANGED, ret);
	return ret;
}

/* Check in the order that <linux/bufalloc.h> lists (DOC: Errors). */
int ba_commit_check(const struct bufalloc_commit *arg)
{
	if (arg->fds != (uintptr_t)arg->fds)
		return -EFAULT;
	if (arg->count > BUFALLOC_MAX_BATCH)
		return -E2BIG;
	if (arg->flags || arg->__reserved || !arg->count)
		return -EINVAL;
	return 0;
}

/**
 * ba_commit_run() - populate all buffers of a call, or none
 * @arg: the call; ba_commit_check() has checked it. out_failed and out_reason are set on error.
 *
 * Return: 0, or an error that <linux/bufalloc.h> lists. After an error no buffer has changed.
 */
int ba_commit_run(struct bufalloc_commit *arg)
{
	struct commit commit = { .arg = arg };
	int ret;

	commit.entries = kvcalloc(arg->count, sizeof(*commit.entries), GFP_METADATA);
	if (!commit.entries)
		return -ENOMEM;
	ret = find_entries(&commit);
	if (!ret)
		ret = commit_with_retries(&commit);
	put_entries(&commit);
	kvfree(commit.entries);
	return ret;
}

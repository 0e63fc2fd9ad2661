// SPDX-License-Identifier: GPL-2.0
/*
 * One COMMIT: many buffers get their memory, all or nothing.
 *
 * First all are locked and asked what they need. Then, with nothing locked, memory is
 * taken for each that nobody else knows of. Then all are locked again, and if it is
 * still where their devices reach it, it becomes theirs, which cannot fail. Else all
 * is given back, and done again a few times.
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
#include "client.h"
#include "commit.h"
#include "contention.h"
#include "estimate.h"
#include "place.h"
#include "quota.h"

/**
 * struct member - one buffer of a set
 * @dmabuf: held.
 * @fresh: memory that is to become its own.
 * @needs: it had none when it was asked.
 * @ask: the least that its memory will be charged.
 */
struct member {
	struct dma_buf *dmabuf;
	struct backing fresh;
	bool needs;
	struct quota_ask ask;
};

/**
 * struct set - one COMMIT on its way
 * @arg: the call.
 * @members: its buffers, arg->count of them.
 */
struct set {
	struct bufalloc_commit *arg;
	struct member *members;
};

static int refuse(struct set *set, u32 index, enum bufalloc_reason reason,
		  int err)
{
	set->arg->out_failed = index;
	set->arg->out_reason = reason;
	return err;
}

static int member_find(struct set *set, u32 index, int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	u32 i;

	if (IS_ERR(dmabuf))
		return refuse(set, index, BUFALLOC_REASON_FD, PTR_ERR(dmabuf));
	if (!buffer_is(dmabuf)) {
		dma_buf_put(dmabuf);
		return refuse(set, index, BUFALLOC_REASON_FD, -EINVAL);
	}
	set->members[index].dmabuf = dmabuf;
	for (i = 0; i < index; i++)
		if (set->members[i].dmabuf == dmabuf)
			return refuse(set, index, BUFALLOC_REASON_TWICE,
				      -EINVAL);
	return 0;
}

static int find_members(struct set *set)
{
	const struct bufalloc_commit *arg = set->arg;
	int ret = 0;
	int *fds;
	u32 i;

	fds = vmemdup_user(u64_to_user_ptr(arg->fds),
			   array_size(arg->count, sizeof(*fds)));
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	for (i = 0; !ret && i < arg->count; i++)
		ret = member_find(set, i, fds[i]);
	kvfree(fds);
	return ret;
}

static void lose_members(struct set *set)
{
	u32 i;

	for (i = 0; i < set->arg->count; i++)
		if (set->members[i].dmabuf)
			dma_buf_put(set->members[i].dmabuf);
}

static void unlock_first(struct set *set, u32 count)
{
	while (count--)
		ww_mutex_unlock(buffer_lock(set->members[count].dmabuf));
}

/*
 * Lock all, but for one that is locked already (or @count). Returns the index of the
 * first that cannot be, or @count, and why.
 */
static u32 lock_others(struct set *set, u32 locked,
		       struct ww_acquire_ctx *context, int *ret)
{
	u32 i;

	*ret = 0;
	for (i = 0; i < set->arg->count; i++) {
		if (i == locked)
			continue;
		*ret = ww_mutex_lock(buffer_lock(set->members[i].dmabuf),
				     context);
		if (*ret)
			break;
	}
	return i;
}

static void unlock_all(struct set *set, struct ww_acquire_ctx *context)
{
	unlock_first(set, set->arg->count);
	ww_acquire_fini(context);
}

/*
 * Whoever came first keeps what he has, others let all go and wait for what was in
 * their way: so two that lock the same buffers do not wait for each other.
 */
static int lock_all(struct set *set, struct ww_acquire_ctx *context)
{
	u32 count = set->arg->count, locked = count, failed;
	int ret;

	buffer_lock_begin(context);
	for (;;) {
		failed = lock_others(set, locked, context, &ret);
		if (failed == count)
			break;
		unlock_first(set, failed);
		if (locked > failed && locked < count)
			ww_mutex_unlock(buffer_lock(set->members[locked].dmabuf));
		if (ret != -EDEADLK)
			break;
		locked = failed;
		ww_mutex_lock_slow(buffer_lock(set->members[locked].dmabuf),
				   context);
	}
	if (WARN_ON(ret)) {
		/* None is there twice, so that nothing else can be wrong. */
		ww_acquire_fini(context);
		return ret;
	}
	ww_acquire_done(context);
	return 0;
}

/* What each needs now. */
static int ask_all(struct set *set)
{
	enum bufalloc_reason reason;
	struct ww_acquire_ctx context;
	struct member *member;
	int ret;
	u32 i;

	ret = lock_all(set, &context);
	if (ret)
		return ret;
	for (i = 0; i < set->arg->count; i++)
		set->members[i].needs = false;
	for (i = 0; i < set->arg->count; i++) {
		member = &set->members[i];
		ret = buffer_prepare(member->dmabuf, &member->fresh, &reason);
		if (ret < 0) {
			refuse(set, i, reason, ret);
			break;
		}
		member->needs = ret;
	}
	unlock_all(set, &context);
	return min(ret, 0);
}

static void give_back(struct set *set, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (set->members[i].needs)
			backing_free(&set->members[i].fresh);
}

/* Before any memory is taken: a refusal then takes none from anybody. */
static int check_quotas(struct set *set)
{
	const struct quota_ask *refused;
	struct estimate estimate;
	struct member *member;
	u32 i;

	estimate_begin(&estimate);
	for (i = 0; i < set->arg->count; i++) {
		member = &set->members[i];
		if (member->needs)
			estimate_add(&estimate, &member->ask, &member->fresh);
	}
	refused = estimate_find_refused(&estimate);
	if (!refused)
		return 0;
	member = container_of(refused, struct member, ask);
	return refuse(set, member - set->members,
		      quota_tightest(refused->quota, refused->use), -EDQUOT);
}

/* All that is needed, or nothing: for contention_take(). */
static int take_all(void *data)
{
	enum bufalloc_reason reason;
	struct set *set = data;
	int ret;
	u32 i;

	ret = check_quotas(set);
	if (ret)
		return ret;
	for (i = 0; i < set->arg->count; i++) {
		if (!set->members[i].needs)
			continue;
		ret = backing_populate(&set->members[i].fresh, &reason);
		if (ret) {
			give_back(set, i);
			return refuse(set, i, reason, ret);
		}
	}
	return 0;
}

static bool is_accepted(const struct set *set)
{
	const struct member *member;
	u32 i;

	for (i = 0; i < set->arg->count; i++) {
		member = &set->members[i];
		if (member->needs &&
		    !buffer_accepts(member->dmabuf, &member->fresh))
			return false;
	}
	return true;
}

static void adopt_all(struct set *set)
{
	struct member *member;
	u32 i;

	for (i = 0; i < set->arg->count; i++) {
		member = &set->members[i];
		if (member->needs)
			buffer_adopt(member->dmabuf, &member->fresh);
	}
}

static int publish_all(struct set *set)
{
	struct ww_acquire_ctx context;
	bool accepted;
	int ret;

	ret = lock_all(set, &context);
	if (!ret) {
		accepted = is_accepted(set);
		if (accepted)
			adopt_all(set);
		unlock_all(set, &context);
		if (!accepted)
			ret = -EAGAIN;
	}
	return ret;
}

/*
 * Whether one of them has its memory now and had not when it was asked: then there
 * may be enough for the others, or nothing left to do.
 */
static bool is_served_by_another(const struct set *set)
{
	const struct member *member;
	u32 i;

	for (i = 0; i < set->arg->count; i++) {
		member = &set->members[i];
		if (member->needs && buffer_has_memory(member->dmabuf))
			return true;
	}
	return false;
}

static bool is_worth_another_try(const struct set *set, int err)
{
	if (err == -ENOMEM || err == -EDQUOT)
		return is_served_by_another(set);
	return err == -EAGAIN;
}

/* Free the memory that no buffer has adopted: another thread was first, or the set failed. */
static void release_all(struct set *set)
{
	u32 i;

	for (i = 0; i < set->arg->count; i++)
		if (set->members[i].needs)
			buffer_release_fresh(&set->members[i].fresh);
}

static int commit_once(struct set *set)
{
	int ret;

	ret = ask_all(set);
	if (!ret)
		ret = contention_take(take_all, set);
	if (!ret)
		ret = publish_all(set);
	release_all(set);
	return ret;
}

static int commit_set(struct set *set)
{
	unsigned int tries;
	int ret;

	for (tries = 0; tries < PLACE_TRIES; tries++) {
		ret = commit_once(set);
		if (!is_worth_another_try(set, ret))
			return ret;
	}
	if (ret == -EAGAIN)
		refuse(set, set->arg->count, BUFALLOC_REASON_CHANGED, ret);
	return ret;
}

/* In the order that the ABI states. */
int commit_check(const struct bufalloc_commit *arg)
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
 * commit_run() - have all buffers of a call get their memory, or none
 * @arg: the call, checked; out_failed and out_reason are filled in on failure.
 *
 * Return: 0 or what <linux/bufalloc.h> lists; then each is as it was.
 */
int commit_run(struct bufalloc_commit *arg)
{
	struct set set = { .arg = arg };
	int ret;

	set.members = kvcalloc(arg->count, sizeof(*set.members), GFP_METADATA);
	if (!set.members)
		return -ENOMEM;
	ret = find_members(&set);
	if (!ret)
		ret = commit_set(&set);
	lose_members(&set);
	kvfree(set.members);
	return ret;
}

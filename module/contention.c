// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that compete for memory. Each call takes the memory of its buffers one by one. So
 * two calls, with room for one, can both fail because the other holds a part, and could
 * fail again for ever. A call that failed while others ran is repeated, one call at a time.
 * The last of them fails only for memory that is held for good, or for a later call; and
 * succeeds if there is room. First attempts wait for nobody, since their owner decides how
 * long one takes.
 *
 * Past memory.high or memory.swap.high of its cgroup the kernel delays a thread for seconds
 * in each allocation. No other call waits for such a thread: it loses its turn, and goes
 * on. Such a thread and the next one can both fail then, though there is room for one.
 *
 * Main object: struct retry, the call that is repeated now, guarded by retry_lock.
 * docs/models/commit.pml is a model: a call takes all or nothing (kept), each call ends
 * (finish), and one call wins if there is room for one (wins).
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "contention.h"
#include "purge.h"

/* How often a waiting call checks whether the repeated one is throttled. */
#define RETRY_LOOK (HZ / 10)

/**
 * struct retry - a call that tries again
 * @mm: of the thread, which is inside of the call; NULL for a kernel thread.
 * @memcg: the memory cgroup by which the kernel delays a kernel thread; NULL: it does not.
 */
struct retry {
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
};

/* Its place among the locks: docs/design.md. */
static DEFINE_SPINLOCK(retry_lock);
static const struct retry *retry;
static DECLARE_WAIT_QUEUE_HEAD(retry_free);

/* Attempts that run now, and attempts that ever began. */
static atomic_t taking = ATOMIC_INIT(0);
static atomic_t begun = ATOMIC_INIT(0);

/*
 * @uncontended: no other attempt ran meanwhile. An attempt that runs already shows in the
 * first number, a later one in the second. The order and the barriers of
 * atomic_inc_return() make one of two attempts see the other.
 */
static int take_concurrently(int (*take)(void *arg), void *arg, bool *uncontended)
{
	int mark, ret;

	atomic_inc_return(&taking);
	mark = atomic_inc_return(&begun);
	*uncontended = atomic_read(&taking) == 1;
	ret = take(arg);
	atomic_dec_return(&taking);
	*uncontended &= atomic_read(&begun) == mark;
	return ret;
}

#ifdef CONFIG_MEMCG
static bool is_counter_past_high(struct page_counter *counter)
{
	return page_counter_read(counter) > READ_ONCE(counter->high);
}

/* The kernel delays a charge for both of these limits. */
static bool is_past_high(struct mem_cgroup *memcg)
{
	for (; memcg; memcg = parent_mem_cgroup(memcg))
		if (is_counter_past_high(&memcg->memory) ||
		    is_counter_past_high(&memcg->swap))
			return true;
	return false;
}

/* The thread can move to another cgroup meanwhile, so look its cgroup up each time. */
static bool is_throttled(const struct retry *retry)
{
	struct mem_cgroup *memcg;
	bool throttled;

	if (!retry->mm)
		return is_past_high(retry->memcg);
	memcg = get_mem_cgroup_from_mm(retry->mm);
	throttled = is_past_high(memcg);
	mem_cgroup_put(memcg);
	return throttled;
}
#else
static bool is_throttled(const struct retry *retry)
{
	return false;
}
#endif

static bool retry_begin(const struct retry *mine)
{
	bool was_free;

	spin_lock(&retry_lock);
	was_free = !retry;
	if (was_free)
		retry = mine;
	spin_unlock(&retry_lock);
	return was_free;
}

static void retry_end(const struct retry *mine)
{
	spin_lock(&retry_lock);
	if (retry == mine)
		retry = NULL;
	spin_unlock(&retry_lock);
	wake_up(&retry_free);
}

/* A throttled thread goes on without its turn. */
static void retry_end_throttled(void)
{
	spin_lock(&retry_lock);
	if (retry && is_throttled(retry))
		retry = NULL;
	spin_unlock(&retry_lock);
}

static int retry_wait(const struct retry *mine)
{
	long left;

	do {
		left = wait_event_killable_timeout(retry_free, retry_begin(mine),
						   RETRY_LOOK);
		if (left < 0)
			return -EINTR;
		if (!left)
			retry_end_throttled();
	} while (!left);
	return 0;
}

static int take_again(int (*take)(void *arg), void *arg, struct mem_cgroup *memcg)
{
	struct retry mine = { .mm = current->mm, .memcg = memcg };
	bool uncontended;
	int ret;

	ret = retry_wait(&mine);
	if (!ret) {
		ret = take_concurrently(take, arg, &uncontended);
		retry_end(&mine);
	}
	return ret;
}

/**
 * ba_contention_take() - take memory concurrently, and again in turn if that fails
 * @take: takes all of it or nothing.
 * @arg: for @take.
 * @memcg: the memory cgroup that @take makes the active one, or NULL; the caller holds it.
 *
 * Return: what the last call of @take returned, or -EINTR after a fatal signal.
 */
int ba_contention_take(int (*take)(void *arg), void *arg, struct mem_cgroup *memcg)
{
	bool uncontended;
	int ret;

	ret = take_concurrently(take, arg, &uncontended);
	/* Purged memory may not be free yet. */
	if (ba_purge_helps(ret))
		ret = take_concurrently(take, arg, &uncontended);
	if ((ret == -ENOMEM || ret == -EDQUOT) && !uncontended)
		ret = take_again(take, arg, memcg);
	return ret;
}

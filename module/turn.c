// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of buffers that compete for memory. Each is taken piece by piece, so that two
 * of them, with room for one, can both fail because the other has a part; and would,
 * again and again, if they went on trying. So those that failed beside others are tried
 * once more, one after the other: the last of them fails because of what is held
 * for good, or of one that has come since, and succeeds where there is room. Who comes
 * first waits for nobody: how long a set takes is up to its owner.
 *
 * Past memory.high or memory.swap.high of its cgroup a thread sleeps seconds for each
 * chunk, inside the kernel's allocation. No other set waits for such a thread to end its turn.
 *
 * docs/models/commit.pml is a model of it. Its invariants: a set is taken whole or not
 * at all (whole), all end (finish), and where there is room for one, one has it (wins).
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "purge.h"
#include "turn.h"

/* How often a set that waits looks whether the one in turn is throttled. */
#define TURN_LOOK (HZ / 10)

/**
 * struct turn - who tries once more
 * @memcg: held; the one that decides how long the thread in turn sleeps.
 */
struct turn {
	struct mem_cgroup *memcg;
};

/* Its place among the locks: docs/design.md. */
static DEFINE_SPINLOCK(turn_lock);
static const struct turn *turn;
static DECLARE_WAIT_QUEUE_HEAD(turn_free);

/* Sets being taken, and sets that ever were begun. */
static atomic_t taking = ATOMIC_INIT(0);
static atomic_t begun = ATOMIC_INIT(0);

/*
 * @alone: whether no other was being taken meanwhile. One that is there already is
 * seen in the first number, one that comes later in the second, in this order and with
 * the barriers of what returns a number: one of two that meet sees the other.
 */
static int take_beside(int (*take)(void *set), void *set, bool *alone)
{
	int mark, ret;

	atomic_inc_return(&taking);
	mark = atomic_inc_return(&begun);
	*alone = atomic_read(&taking) == 1;
	ret = take(set);
	atomic_dec_return(&taking);
	*alone &= atomic_read(&begun) == mark;
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
#else
static bool is_past_high(struct mem_cgroup *memcg)
{
	return false;
}
#endif

static bool turn_begin(const struct turn *mine)
{
	bool was_free;

	spin_lock(&turn_lock);
	was_free = !turn;
	if (was_free)
		turn = mine;
	spin_unlock(&turn_lock);
	return was_free;
}

static void turn_end(const struct turn *mine)
{
	spin_lock(&turn_lock);
	if (turn == mine)
		turn = NULL;
	spin_unlock(&turn_lock);
	wake_up(&turn_free);
}

/* The thread in turn goes on without its turn, if it is throttled. */
static void turn_end_throttled(void)
{
	spin_lock(&turn_lock);
	if (turn && is_past_high(turn->memcg))
		turn = NULL;
	spin_unlock(&turn_lock);
}

static int turn_wait(const struct turn *mine)
{
	long left;

	do {
		left = wait_event_killable_timeout(turn_free, turn_begin(mine),
						   TURN_LOOK);
		if (left < 0)
			return -EINTR;
		if (!left)
			turn_end_throttled();
	} while (!left);
	return 0;
}

static int take_in_turn(int (*take)(void *set), void *set)
{
	struct turn mine = { .memcg = get_mem_cgroup_from_mm(current->mm) };
	bool alone;
	int ret;

	ret = turn_wait(&mine);
	if (!ret) {
		ret = take_beside(take, set, &alone);
		turn_end(&mine);
	}
	mem_cgroup_put(mine.memcg);
	return ret;
}

/**
 * turn_take() - take a set, beside others or at last in turn
 * @take: takes all of it or nothing.
 * @set: for @take.
 *
 * Return: what the last call of @take returned, or -EINTR after a fatal signal.
 */
int turn_take(int (*take)(void *set), void *set)
{
	bool alone;
	int ret;

	ret = take_beside(take, set, &alone);
	/* What the kernel took from others may just not be free yet. */
	if (purge_helps(ret))
		ret = take_beside(take, set, &alone);
	if ((ret == -ENOMEM || ret == -EDQUOT) && !alone)
		ret = take_in_turn(take, set);
	return ret;
}

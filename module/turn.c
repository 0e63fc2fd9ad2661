// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of buffers that compete for memory. Each is taken piece by piece, so that two
 * of them, with room for one, can both fail because the other has a part; and would,
 * again and again, if they went on trying. So a set that failed beside others is tried
 * once more when no other is being taken: it fails then because of what is held for
 * good, or it succeeds. Nobody waits while he holds anything.
 *
 * docs/models/commit.pml is a model of it. Its invariants: a set is taken whole or not
 * at all (whole), all end (finish), and where there is room for one, one has it (wins).
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/rwsem.h>

#include "turn.h"

/* Held for reading beside others, for writing alone; outside of all other locks. */
static DECLARE_RWSEM(turns);

/* Sets being taken, and sets that ever were begun. */
static atomic_t taking = ATOMIC_INIT(0);
static atomic_t begun = ATOMIC_INIT(0);

static int take_beside(int (*take)(void *set), void *set, bool *alone)
{
	int mark, ret;

	if (down_read_killable(&turns))
		return -EINTR;
	mark = atomic_inc_return(&begun);
	*alone = atomic_inc_return(&taking) == 1;
	ret = take(set);
	atomic_dec(&taking);
	*alone &= atomic_read(&begun) == mark;
	up_read(&turns);
	return ret;
}

static int take_alone(int (*take)(void *set), void *set)
{
	int ret;

	if (down_write_killable(&turns))
		return -EINTR;
	ret = take(set);
	up_write(&turns);
	return ret;
}

/**
 * turn_take() - take a set, beside others or at last alone
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
	if ((ret == -ENOMEM || ret == -EDQUOT) && !alone)
		ret = take_alone(take, set);
	return ret;
}

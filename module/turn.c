// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of buffers that compete for memory. Each is taken piece by piece, so that two
 * of them, with room for one, can both fail because the other has a part; and would,
 * again and again, if they went on trying. So those that failed beside others are tried
 * once more, one after the other: the last of them fails because of what is held
 * for good, or of one that has come since, and succeeds where there is room. Who comes
 * first waits for nobody: how long a set takes is up to its owner.
 *
 * docs/models/commit.pml is a model of it. Its invariants: a set is taken whole or not
 * at all (whole), all end (finish), and where there is room for one, one has it (wins).
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/mutex.h>

#include "turn.h"

/* Held by who tries once more. Its place among the locks: docs/design.md. */
static DEFINE_MUTEX(turn);

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

static int take_in_turn(int (*take)(void *set), void *set)
{
	bool alone;
	int ret;

	if (mutex_lock_killable(&turn))
		return -EINTR;
	ret = take_beside(take, set, &alone);
	mutex_unlock(&turn);
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
	if ((ret == -ENOMEM || ret == -EDQUOT) && !alone)
		ret = take_in_turn(take, set);
	return ret;
}

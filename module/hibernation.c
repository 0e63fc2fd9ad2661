// SPDX-License-Identifier: GPL-2.0
/*
 * Hibernation copies memory through the direct map, which is cacheable, and restores memory
 * the same way without cleaning the caches. On architectures where each mapping has its own
 * type, a buffer that is not write-back bypasses the caches: the copy may miss its content,
 * and the restored content may stay in the caches. So hibernation is refused while such a
 * buffer has memory, and no such buffer gets memory during hibernation.
 *
 * Main object: the count of such buffers, which is atomic.
 */
#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "caching.h"
#include "hibernation.h"

/* Buffers whose memory must not be copied; or HIBERNATING, and then there are none. */
static atomic_t blockers = ATOMIC_INIT(0);

#define HIBERNATING INT_MIN

/**
 * ba_hibernation_block() - keep the machine from hibernating, if that would not save memory
 * @memtype: of the memory.
 * @blocks: whether ba_hibernation_unblock() has something to do.
 *
 * Return: 0, or -EBUSY while the machine hibernates.
 */
int ba_hibernation_block(enum bufalloc_memtype memtype, bool *blocks)
{
	*blocks = false;
	if (memtype == BUFALLOC_MEMTYPE_WRITE_BACK ||
	    ba_memtype_in_direct_map(memtype))
		return 0;
	if (!atomic_inc_unless_negative(&blockers))
		return -EBUSY;
	*blocks = true;
	return 0;
}

void ba_hibernation_unblock(bool *blocks)
{
	if (*blocks)
		atomic_dec(&blockers);
	*blocks = false;
}

/*
 * A kernel that restores an image loses what it has itself: only the one that makes the
 * image is asked.
 */
static int hibernation_notify(struct notifier_block *block, unsigned long event,
			      void *unused)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
		if (atomic_cmpxchg(&blockers, 0, HIBERNATING))
			return notifier_from_errno(-EBUSY);
		return NOTIFY_OK;
	case PM_POST_HIBERNATION:
		/* A module that was loaded meanwhile has not seen the start. */
		atomic_cmpxchg(&blockers, HIBERNATING, 0);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block hibernation_notifier = {
	.notifier_call = hibernation_notify,
};

void ba_hibernation_init(void)
{
	/* It fails for one that is registered already, and for no other reason. */
	register_pm_notifier(&hibernation_notifier);
}

void ba_hibernation_exit(void)
{
	unregister_pm_notifier(&hibernation_notifier);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Hibernation copies memory through the direct map, which is cacheable, and restores memory
 * the same way without cleaning the caches. On architectures where each mapping has its own
 * type, a buffer that is not write-back bypasses the caches: the copy may miss its content,
 * and the restored content may stay in the caches. So hibernation is refused while such a
 * buffer has memory, and no such buffer gets memory during hibernation.
 *
 * Main object: the number of such buffers. It is an atomic counter, so there is no lock.
 */
#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "caching.h"
#include "hibernation.h"

/* The number of buffers that hibernation would not save; HIBERNATING: the machine hibernates. */
static atomic_t blockers = ATOMIC_INIT(0);

#define HIBERNATING INT_MIN

/**
 * ba_hibernation_block() - refuse hibernation while a buffer has memory that would not be saved
 * @memtype: the type of CPU mappings of the memory.
 * @blocks: set to true if the memory is counted; for ba_hibernation_unblock().
 *
 * Return: 0, or -EBUSY: the machine hibernates.
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
 * Refuse only in the kernel that makes the image. A kernel that restores an image loses its own
 * memory anyway.
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
		/* A module that was loaded meanwhile has not seen PM_HIBERNATION_PREPARE. */
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
	/* This fails only for a notifier that is already registered. */
	register_pm_notifier(&hibernation_notifier);
}

void ba_hibernation_exit(void)
{
	unregister_pm_notifier(&hibernation_notifier);
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_GFP_H
#define _BUFALLOC_GFP_H

#include <linux/gfp.h>

/*
 * For small allocations other than the memory of a buffer. The memory cgroup of the current task is
 * charged. Without memory the allocation fails without a message: no OOM killer runs.
 */
#define GFP_METADATA \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#endif /* _BUFALLOC_GFP_H */

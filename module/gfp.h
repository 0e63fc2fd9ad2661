/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_GFP_H
#define _BUFALLOC_GFP_H

#include <linux/gfp.h>

/*
 * For small allocations beside the memory of a buffer. They are charged to the current task, and
 * fail without a message where the OOM killer would run otherwise.
 */
#define GFP_METADATA \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#endif /* _BUFALLOC_GFP_H */

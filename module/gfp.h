/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_GFP_H
#define _BUFALLOC_GFP_H

#include <linux/gfp.h>

/*
 * For the small allocations that go with memory: charged to whoever asks, and
 * failing, with no word in the log, where the OOM killer would be called otherwise.
 */
#define GFP_METADATA \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#endif /* _BUFALLOC_GFP_H */

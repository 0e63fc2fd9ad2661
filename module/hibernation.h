/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_HIBERNATION_H
#define _BUFALLOC_HIBERNATION_H

#include <linux/types.h>

#include <linux/bufalloc.h>

#ifdef CONFIG_HIBERNATION
int ba_hibernation_block(enum bufalloc_memtype memtype, bool *blocks);
void ba_hibernation_unblock(bool *blocks);

void ba_hibernation_init(void);
void ba_hibernation_exit(void);
#else
static inline int ba_hibernation_block(enum bufalloc_memtype memtype,
				       bool *blocks)
{
	return 0;
}

static inline void ba_hibernation_unblock(bool *blocks)
{
}

static inline void ba_hibernation_init(void)
{
}

static inline void ba_hibernation_exit(void)
{
}
#endif

#endif /* _BUFALLOC_HIBERNATION_H */

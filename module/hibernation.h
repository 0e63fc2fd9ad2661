/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_HIBERNATION_H
#define _BUFALLOC_HIBERNATION_H

#ifdef CONFIG_HIBERNATION
int hibernation_block(void);
void hibernation_unblock(void);

void hibernation_init(void);
void hibernation_exit(void);
#else
static inline int hibernation_block(void)
{
	return 0;
}

static inline void hibernation_unblock(void)
{
}

static inline void hibernation_init(void)
{
}

static inline void hibernation_exit(void)
{
}
#endif

#endif /* _BUFALLOC_HIBERNATION_H */

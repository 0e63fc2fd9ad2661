/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_OF_HEAP_H
#define _BUFALLOC_OF_HEAP_H

#ifdef CONFIG_OF
int ba_of_heap_init(void);
void ba_of_heap_exit(void);
#else
static inline int ba_of_heap_init(void)
{
	return 0;
}

static inline void ba_of_heap_exit(void)
{
}
#endif

#endif /* _BUFALLOC_OF_HEAP_H */

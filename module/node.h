/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_NODE_H
#define _BUFALLOC_NODE_H

#ifdef CONFIG_OF
int node_init(void);
void node_exit(void);
#else
static inline int node_init(void)
{
	return 0;
}

static inline void node_exit(void)
{
}
#endif

#endif /* _BUFALLOC_NODE_H */

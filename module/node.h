/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_NODE_H
#define _BUFALLOC_NODE_H

int node_init(void);
void node_exit(void);

#endif /* _BUFALLOC_NODE_H */

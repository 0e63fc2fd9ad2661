/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CONTENTION_H
#define _BUFALLOC_CONTENTION_H

struct mem_cgroup;

int ba_contention_take(int (*take)(void *arg), void *arg, struct mem_cgroup *memcg);

#endif /* _BUFALLOC_CONTENTION_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CONTENTION_H
#define _BUFALLOC_CONTENTION_H

int ba_contention_take(int (*take)(void *arg), void *arg);

#endif /* _BUFALLOC_CONTENTION_H */

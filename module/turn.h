/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_TURN_H
#define _BUFALLOC_TURN_H

int turn_take(int (*take)(void *set), void *set);

#endif /* _BUFALLOC_TURN_H */

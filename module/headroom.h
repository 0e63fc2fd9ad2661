/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_HEADROOM_H
#define _BUFALLOC_HEADROOM_H

#include <linux/types.h>

bool ba_headroom_allows(size_t size, bool ordinary);
bool ba_headroom_allows_with_swap(size_t size);

#endif /* _BUFALLOC_HEADROOM_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SPARE_H
#define _BUFALLOC_SPARE_H

#include <linux/types.h>

bool spare_suffices(size_t size, bool ordinary);
bool spare_suffices_with_swap(size_t size);

#endif /* _BUFALLOC_SPARE_H */

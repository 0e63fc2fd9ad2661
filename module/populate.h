/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_POPULATE_H
#define _BUFALLOC_POPULATE_H

#include <linux/bufalloc.h>

struct ba_backing;

int ba_populate(struct ba_backing *backing, enum bufalloc_reason *reason);

#endif /* _BUFALLOC_POPULATE_H */

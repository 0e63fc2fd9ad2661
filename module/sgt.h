/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SGT_H
#define _BUFALLOC_SGT_H

struct backing;
struct device;
struct sg_table;

int sgt_create(struct sg_table *sgt, struct device *dev,
	       const struct backing *backing);

#endif /* _BUFALLOC_SGT_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SGT_H
#define _BUFALLOC_SGT_H

struct ba_backing;
struct device;
struct sg_table;

int ba_sgt_create(struct sg_table *sgt, struct device *dev,
		  const struct ba_backing *backing);

#endif /* _BUFALLOC_SGT_H */

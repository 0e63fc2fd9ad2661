/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_TABLE_H
#define _BUFALLOC_TABLE_H

struct backing;
struct device;
struct sg_table;

int table_create(struct sg_table *sgt, struct device *dev,
		 const struct backing *backing);

#endif /* _BUFALLOC_TABLE_H */

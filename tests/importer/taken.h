/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_TAKEN_H
#define _IMPORTER_TAKEN_H

#include <linux/types.h>

struct device;
struct list_head;

int taken_add(struct list_head *taken, struct device *dev, size_t bytes);
void taken_free(struct list_head *taken, struct device *dev);

#endif /* _IMPORTER_TAKEN_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_UNBIND_H
#define _BUFALLOC_UNBIND_H

#include <linux/types.h>

struct ba_attachment;
struct device;

bool ba_unbind_is_told(const struct device *dev);
void ba_unbind_watch(struct ba_attachment *attachment);
void ba_unbind_forget(struct ba_attachment *attachment);

int ba_unbind_init(void);
void ba_unbind_exit(void);

#endif /* _BUFALLOC_UNBIND_H */

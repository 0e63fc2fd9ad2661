/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_UNBIND_H
#define _BUFALLOC_UNBIND_H

#include <linux/types.h>

struct attachment;
struct device;

bool unbind_is_told(const struct device *dev);
void unbind_watch(struct attachment *attachment);
void unbind_forget(struct attachment *attachment);

int unbind_init(void);
void unbind_exit(void);

#endif /* _BUFALLOC_UNBIND_H */

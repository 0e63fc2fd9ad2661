/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_UNBIND_H
#define _BUFALLOC_UNBIND_H

struct attachment;

void unbind_watch(struct attachment *attachment);
void unbind_forget(struct attachment *attachment);

int unbind_init(void);
void unbind_exit(void);

#endif /* _BUFALLOC_UNBIND_H */

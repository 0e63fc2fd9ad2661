/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_UNBIND_H
#define _BUFALLOC_UNBIND_H

struct attachment;

int unbind_watch(struct attachment *attachment);
void unbind_forget(struct attachment *attachment);

#endif /* _BUFALLOC_UNBIND_H */

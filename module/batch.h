/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BATCH_H
#define _BUFALLOC_BATCH_H

#include <linux/types.h>

struct bufalloc_alloc;
struct client;

u64 batch_max_length(void);
int batch_run(struct client *client, struct bufalloc_alloc *alloc,
	      int (*commit)(void *context), void *context);

#endif /* _BUFALLOC_BATCH_H */

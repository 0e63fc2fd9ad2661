/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_PINNED_H
#define _BUFALLOC_PINNED_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct chunk;
struct alloc_context;

bool pinned_allowed(void);

int pinned_take(struct chunk *chunk, const struct alloc_context *context, u64 address,
		size_t size, enum bufalloc_reason *reason);
void pinned_release(const struct chunk *chunk, const struct alloc_context *context);

#endif /* _BUFALLOC_PINNED_H */

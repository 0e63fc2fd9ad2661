/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_USER_PAGES_H
#define _BUFALLOC_USER_PAGES_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct chunk;
struct alloc_context;

bool user_pages_allowed(void);

int user_pages_pin(struct chunk *chunk, const struct alloc_context *context, u64 address,
		   size_t size, enum bufalloc_reason *reason);
void user_pages_unpin(const struct chunk *chunk, const struct alloc_context *context);

#endif /* _BUFALLOC_USER_PAGES_H */

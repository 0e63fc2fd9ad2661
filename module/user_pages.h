/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_USER_PAGES_H
#define _BUFALLOC_USER_PAGES_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct ba_chunk;
struct ba_alloc_context;

bool ba_user_pages_allowed(void);

int ba_user_pages_pin(struct ba_chunk *chunk, const struct ba_alloc_context *context, u64 address,
		      size_t size, enum bufalloc_reason *reason);
void ba_user_pages_unpin(const struct ba_chunk *chunk, const struct ba_alloc_context *context);

#endif /* _BUFALLOC_USER_PAGES_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_REQUEST_H
#define _BUFALLOC_REQUEST_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct requirements;
struct alloc_context;

u64 request_max_length(void);
int request_check(const struct bufalloc_request *request, struct alloc_context *context,
		  struct requirements *requirements, enum bufalloc_reason *reason);

#endif /* _BUFALLOC_REQUEST_H */

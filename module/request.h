/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_REQUEST_H
#define _BUFALLOC_REQUEST_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct ba_requirements;
struct ba_alloc_context;

u64 ba_request_max_length(void);
int ba_request_check(const struct bufalloc_request *request, struct ba_alloc_context *context,
		     struct ba_requirements *requirements, enum bufalloc_reason *reason);

#endif /* _BUFALLOC_REQUEST_H */

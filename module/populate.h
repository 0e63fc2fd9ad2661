/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_POPULATE_H
#define _BUFALLOC_POPULATE_H

struct backing;
struct chunk;
struct alloc_context;

int populate_allocated(struct backing *backing);
void populate_release(struct chunk *chunk, const struct alloc_context *context);

#endif /* _BUFALLOC_POPULATE_H */

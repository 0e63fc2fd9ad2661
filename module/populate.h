/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_POPULATE_H
#define _BUFALLOC_POPULATE_H

struct ba_backing;
struct ba_chunk;
struct ba_alloc_context;

int ba_populate_allocated(struct ba_backing *backing);
void ba_populate_release(struct ba_chunk *chunk, const struct ba_alloc_context *context);

#endif /* _BUFALLOC_POPULATE_H */

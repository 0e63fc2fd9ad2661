/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_POPULATE_H
#define _BUFALLOC_POPULATE_H

struct backing;
struct chunk;
struct source;

int populate_allocated(struct backing *backing);
void populate_release(struct chunk *chunk, const struct source *source);

#endif /* _BUFALLOC_POPULATE_H */

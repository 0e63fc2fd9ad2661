/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BLOCK_H
#define _BUFALLOC_BLOCK_H

#include "chunk.h"

/* Which keeps the large pages of the kernel's own mapping whole. */
#define BLOCK_SIZE_MIN LARGE_PAGE

int block_carve(struct chunk *chunk, const struct alloc_context *context, size_t size,
		size_t least, size_t alignment, gfp_t gfp);
void block_return(struct chunk *chunk);

#endif /* _BUFALLOC_BLOCK_H */

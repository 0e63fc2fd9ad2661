/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BLOCK_H
#define _BUFALLOC_BLOCK_H

#include "chunk.h"
#include "limits.h"

/* A block of this size keeps the large pages of the direct map whole. */
#define BLOCK_SIZE_MIN LARGE_PAGE

bool ba_block_carve_free(struct ba_chunk *chunk, const struct ba_alloc_context *context,
			 size_t size, size_t least, size_t alignment);
int ba_block_carve_new(struct ba_chunk *chunk, const struct ba_alloc_context *context,
		       size_t size, gfp_t gfp);
void ba_block_return(struct ba_chunk *chunk);

#endif /* _BUFALLOC_BLOCK_H */

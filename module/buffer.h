/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BUFFER_H
#define _BUFALLOC_BUFFER_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct dma_buf;
struct source;

/**
 * struct buffer_facts - what there is to say of a buffer
 */
struct buffer_facts {
	size_t length;
	enum bufalloc_caching caching;
	enum bufalloc_memtype memtype;
	u32 heap;
	u32 state;
	u32 chunks;
	u32 segments;
	u32 attachments;
};

struct dma_buf *buffer_create(const struct source *source, size_t length,
			      bool contiguous, int fd_flags);
bool buffer_is(const struct dma_buf *dmabuf);
void buffer_describe(struct dma_buf *dmabuf, struct buffer_facts *facts);

#endif /* _BUFALLOC_BUFFER_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BUFFER_H
#define _BUFALLOC_BUFFER_H

#include <linux/dma-direction.h>
#include <linux/types.h>

#include <linux/bufalloc.h>

#include "attachment.h"

struct backing;
struct requirements;
struct dma_buf;
struct estimate;
struct quota_ask;
struct alloc_context;
struct ww_acquire_ctx;
struct ww_mutex;

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
	u32 refusals;
	enum bufalloc_reason refusal;
	size_t resident;
};

struct dma_buf *buffer_create(const struct alloc_context *context,
			      const struct requirements *requirements, int fd_flags);
int buffer_pin_user_unpublished(struct dma_buf *dmabuf, u64 address,
				enum bufalloc_reason *reason);
void buffer_estimate_unpublished(struct dma_buf *dmabuf, struct estimate *estimate,
				 struct quota_ask *ask);
int buffer_populate_unpublished(struct dma_buf *dmabuf, enum bufalloc_reason *reason);
void buffer_depopulate_unpublished(struct dma_buf *dmabuf);
bool buffer_is(const struct dma_buf *dmabuf);
void buffer_describe(struct dma_buf *dmabuf, struct buffer_facts *facts);

int buffer_wait(struct dma_buf *dmabuf, bool write);
void buffer_sync(struct dma_buf *dmabuf, const struct part *part,
		 enum sync_target target);

void buffer_lock_begin(struct ww_acquire_ctx *context);
struct ww_mutex *buffer_lock(struct dma_buf *dmabuf);

int buffer_prepare(struct dma_buf *dmabuf, struct backing *fresh,
		   enum bufalloc_reason *reason);
void buffer_release_fresh(struct backing *fresh);
bool buffer_accepts(const struct dma_buf *dmabuf, const struct backing *fresh);
void buffer_adopt(struct dma_buf *dmabuf, struct backing *fresh);
bool buffer_has_memory(struct dma_buf *dmabuf);

int buffer_dontneed(struct dma_buf *dmabuf, bool *retained);
void buffer_willneed(struct dma_buf *dmabuf, bool *retained);

#endif /* _BUFALLOC_BUFFER_H */

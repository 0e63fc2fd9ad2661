/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BUFFER_H
#define _BUFALLOC_BUFFER_H

#include <linux/dma-direction.h>
#include <linux/types.h>

#include <linux/bufalloc.h>

#include "attachment.h"

struct ba_backing;
struct ba_requirements;
struct dma_buf;
struct ba_estimate;
struct ba_quota_ask;
struct ba_alloc_context;
struct ww_acquire_ctx;
struct ww_mutex;

/**
 * struct ba_buffer_facts - the state of a buffer, as ALLOC and QUERY report it
 */
struct ba_buffer_facts {
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
	size_t largest_page;
};

struct dma_buf *ba_buffer_create(const struct ba_alloc_context *context,
				 const struct ba_requirements *requirements, int fd_flags);
int ba_buffer_pin_user_unpublished(struct dma_buf *dmabuf, u64 address,
				   enum bufalloc_reason *reason);
void ba_buffer_estimate_unpublished(struct dma_buf *dmabuf, struct ba_estimate *estimate,
				    struct ba_quota_ask *ask);
int ba_buffer_populate_unpublished(struct dma_buf *dmabuf, enum bufalloc_reason *reason);
void ba_buffer_depopulate_unpublished(struct dma_buf *dmabuf);
bool ba_buffer_is(const struct dma_buf *dmabuf);
void ba_buffer_describe(struct dma_buf *dmabuf, struct ba_buffer_facts *facts);

int ba_buffer_wait(struct dma_buf *dmabuf, bool write);
void ba_buffer_sync(struct dma_buf *dmabuf, const struct ba_part *part,
		    enum ba_sync_target target);

void ba_buffer_lock_begin(struct ww_acquire_ctx *context);
struct ww_mutex *ba_buffer_lock(struct dma_buf *dmabuf);

#endif /* _BUFALLOC_BUFFER_H */

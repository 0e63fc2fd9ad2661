// SPDX-License-Identifier: GPL-2.0
/*
 * One ALLOC call: makes a buffer for each request of an array, or makes no buffer.
 *
 * Main object: struct ba_item, one request. States: checked, file descriptor reserved, buffer
 * created, memory pinned or populated, result written, published. ba_alloc_publish() installs the
 * file descriptors last, when nothing can fail any more.
 *
 * No lock: all items belong to one thread, and no other thread sees an unpublished buffer.
 */
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "alloc.h"
#include "alloc_context.h"
#include "buffer.h"
#include "chunk.h"
#include "client.h"
#include "compat/compat.h"
#include "contention.h"
#include "estimate.h"
#include "gfp.h"
#include "purge.h"
#include "quota.h"
#include "request.h"

#define REQUEST_SIZE_MIN 48 /* of the first version of struct bufalloc_request */
#define RESULT_SIZE_MIN 32 /* of the first version of struct bufalloc_result */

/**
 * struct ba_item - one request of a call, until its buffer is published
 * @request: the caller's request.
 * @context: where the memory comes from.
 * @requirements: the properties that the memory must have.
 * @dmabuf: the buffer, or NULL.
 * @fd: the reserved file descriptor; negative: none.
 * @ask: the least charge of the memory.
 */
struct ba_item {
	struct bufalloc_request request;
	struct ba_alloc_context context;
	struct ba_requirements requirements;
	struct dma_buf *dmabuf;
	int fd;
	struct ba_quota_ask ask;
};

static bool is_user_memory(const struct ba_item *item)
{
	return item->request.flags & BUFALLOC_ALLOC_USER_MEMORY;
}

static int refuse(struct ba_batch *batch, const struct ba_item *item,
		  enum bufalloc_reason reason, int err)
{
	batch->alloc->out_failed = item - batch->items;
	batch->alloc->out_reason = reason;
	return err;
}

static int item_check(struct ba_batch *batch, struct ba_item *item)
{
	enum bufalloc_reason reason;
	int ret;

	item->context.client = batch->client;
	ret = ba_request_check(&item->request, &item->context, &item->requirements, &reason);
	return ret ? refuse(batch, item, reason, ret) : 0;
}

static int item_read(struct ba_batch *batch, struct ba_item *item)
{
	const struct bufalloc_alloc *alloc = batch->alloc;
	u32 index = item - batch->items;
	const void __user *from = u64_to_user_ptr(alloc->requests) +
				  (size_t)index * alloc->request_size;
	int ret;

	ret = copy_struct_from_user(&item->request, sizeof(item->request),
				    from, alloc->request_size);
	if (ret)
		return refuse(batch, item, BUFALLOC_REASON_NONE, ret);
	return item_check(batch, item);
}

static int item_reserve_fd(struct ba_batch *batch, struct ba_item *item)
{
	enum bufalloc_reason reason;

	item->fd = get_unused_fd_flags(item->request.fd_flags & O_CLOEXEC);
	if (item->fd >= 0)
		return 0;

	/* -ENOMEM: there is no memory to grow the table of file descriptors. */
	reason = item->fd == -ENOMEM ? BUFALLOC_REASON_MEMORY :
				       BUFALLOC_REASON_FDS;
	return refuse(batch, item, reason, item->fd);
}

static enum bufalloc_reason why_not_made(const struct ba_item *item, int err)
{
	struct ba_use buffer = { .buffers = 1 };

	if (err == -EDQUOT)
		return ba_quota_limiting(item->context.client->quota, buffer);
	return err == -ENFILE ? BUFALLOC_REASON_FDS : BUFALLOC_REASON_MEMORY;
}

static struct dma_buf *create_buffer(const struct ba_item *item)
{
	return ba_buffer_create(&item->context, &item->requirements,
				item->request.fd_flags & O_ACCMODE);
}

static int item_make(struct ba_batch *batch, struct ba_item *item)
{
	struct dma_buf *dmabuf;
	int err;

	dmabuf = create_buffer(item);
	if (IS_ERR(dmabuf) && ba_purge_helps(PTR_ERR(dmabuf)))
		dmabuf = create_buffer(item);
	if (IS_ERR(dmabuf)) {
		err = PTR_ERR(dmabuf);
		return refuse(batch, item, why_not_made(item, err), err);
	}
	item->dmabuf = dmabuf;
	return 0;
}

/* Pin before any lock is taken: pinning can fault in pages of the process. */
static int item_pin(struct ba_batch *batch, struct ba_item *item)
{
	enum bufalloc_reason reason;
	int ret;

	if (!is_user_memory(item))
		return 0;
	ret = ba_buffer_pin_user_unpublished(item->dmabuf, item->request.address, &reason);
	if (ba_purge_helps(ret))
		ret = ba_buffer_pin_user_unpublished(item->dmabuf, item->request.address,
						     &reason);
	return ret ? refuse(batch, item, reason, ret) : 0;
}

/* Memory of the process is charged already. Deferred memory is charged later. */
static bool gets_memory_now(const struct ba_item *item)
{
	return !is_user_memory(item) &&
	       !(item->request.flags & BUFALLOC_ALLOC_DEFERRED);
}

/* Compare the least charges with the quotas first: a refused call then takes no memory. */
static int check_quota(struct ba_batch *batch)
{
	const struct ba_quota_ask *refused;
	struct ba_estimate estimate;
	struct ba_item *item;
	u32 i;

	ba_estimate_begin(&estimate);
	for (i = 0; i < batch->alloc->count; i++) {
		item = &batch->items[i];
		if (gets_memory_now(item))
			ba_buffer_estimate_unpublished(item->dmabuf, &estimate, &item->ask);
	}
	refused = ba_estimate_find_refused(&estimate);
	if (!refused)
		return 0;
	return refuse(batch, container_of(refused, struct ba_item, ask),
		      ba_quota_limiting(refused->quota, refused->use), -EDQUOT);
}

static int item_populate(struct ba_batch *batch, struct ba_item *item)
{
	enum bufalloc_reason reason;
	int ret;

	if (!gets_memory_now(item))
		return 0;
	ret = ba_buffer_populate_unpublished(item->dmabuf, &reason);
	return ret ? refuse(batch, item, reason, ret) : 0;
}

static int item_depopulate(struct ba_batch *batch, struct ba_item *item)
{
	/* Keep pinned memory of the process for the second attempt. */
	if (!is_user_memory(item))
		ba_buffer_depopulate_unpublished(item->dmabuf);
	return 0;
}

static int item_write(struct ba_batch *batch, struct ba_item *item)
{
	const struct bufalloc_alloc *alloc = batch->alloc;
	u32 index = item - batch->items;
	void __user *to = u64_to_user_ptr(alloc->results) +
			  (size_t)index * alloc->result_size;
	struct bufalloc_result result = { .fd = item->fd };
	size_t known = min_t(size_t, sizeof(result), alloc->result_size);
	struct ba_buffer_facts facts;

	ba_buffer_describe(item->dmabuf, &facts);
	result.caching = facts.caching;
	result.memtype = facts.memtype;
	result.heap = facts.heap;
	result.length = facts.length;
	result.chunks = facts.chunks;
	result.state = facts.state;

	if (copy_to_user(to, &result, known) ||
	    clear_user(to + known, alloc->result_size - known))
		return refuse(batch, item, BUFALLOC_REASON_NONE, -EFAULT);
	return 0;
}

static int batch_each(struct ba_batch *batch,
		      int (*step)(struct ba_batch *batch, struct ba_item *item))
{
	u32 i;
	int ret;

	for (i = 0; i < batch->alloc->count; i++) {
		ret = step(batch, &batch->items[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Populate all buffers or none. Called by ba_contention_take(). */
static int populate_all(void *data)
{
	struct ba_batch *batch = data;
	int ret;

	/* Forget the refusal of an earlier attempt. */
	batch->alloc->out_failed = batch->alloc->count;
	batch->alloc->out_reason = BUFALLOC_REASON_NONE;
	ret = check_quota(batch);
	if (!ret)
		ret = batch_each(batch, item_populate);
	if (ret)
		batch_each(batch, item_depopulate);
	return ret;
}

/* Check in the order that <linux/bufalloc.h> lists (DOC: Errors). */
static int check_call(const struct bufalloc_alloc *alloc)
{
	if (alloc->requests != (uintptr_t)alloc->requests ||
	    alloc->results != (uintptr_t)alloc->results)
		return -EFAULT;
	if (alloc->request_size < REQUEST_SIZE_MIN ||
	    alloc->result_size < RESULT_SIZE_MIN)
		return -EINVAL;
	if (alloc->request_size > PAGE_SIZE || alloc->result_size > PAGE_SIZE ||
	    alloc->count > BUFALLOC_MAX_BATCH)
		return -E2BIG;
	if (alloc->flags || alloc->__reserved || !alloc->count)
		return -EINVAL;
	return 0;
}

/**
 * ba_alloc_prepare() - make all buffers of a call ready, or none
 * @batch: filled in.
 * @client: the client that is charged.
 * @alloc: the call; out_failed and out_reason are filled in.
 *
 * After a success the caller calls ba_alloc_publish() or ba_alloc_undo().
 *
 * Return: 0, or an error that <linux/bufalloc.h> lists. After an error there is nothing to undo.
 */
int ba_alloc_prepare(struct ba_batch *batch, struct ba_client *client,
		     struct bufalloc_alloc *alloc)
{
	u32 i;
	int ret;

	alloc->out_failed = alloc->count;
	alloc->out_reason = BUFALLOC_REASON_NONE;
	ret = check_call(alloc);
	if (ret)
		return ret;

	batch->client = client;
	batch->alloc = alloc;
	batch->items = kvcalloc(alloc->count, sizeof(*batch->items),
				GFP_METADATA);
	if (!batch->items)
		return -ENOMEM;
	for (i = 0; i < alloc->count; i++)
		batch->items[i].fd = -1;

	ret = batch_each(batch, item_read);
	if (!ret)
		ret = batch_each(batch, item_reserve_fd);
	if (!ret)
		ret = batch_each(batch, item_make);
	if (!ret)
		ret = batch_each(batch, item_pin);
	if (!ret)
		ret = ba_contention_take(populate_all, batch, NULL);
	if (!ret)
		ret = batch_each(batch, item_write);
	if (ret)
		ba_alloc_undo(batch);
	return ret;
}

/* Free all buffers and file descriptors: no process has seen them. */
void ba_alloc_undo(struct ba_batch *batch)
{
	struct ba_item *item;
	u32 i;

	for (i = batch->alloc->count; i-- > 0;) {
		item = &batch->items[i];
		if (item->dmabuf)
			dma_buf_put(item->dmabuf);
		if (item->fd >= 0)
			put_unused_fd(item->fd);
	}
	kvfree(batch->items);
}

/* From here on the process can see the buffers, and close them. */
void ba_alloc_publish(struct ba_batch *batch)
{
	u32 i;

	for (i = 0; i < batch->alloc->count; i++)
		dma_buf_fd_install(batch->items[i].dmabuf, batch->items[i].fd);
	kvfree(batch->items);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One buffer, from export to release: the dma_buf_ops. Main object: struct ba_buffer, guarded by
 * its lock; residency.c describes the states. File descriptors, CPU mappings and attachments keep
 * a buffer. When the last of them ends, the memory is freed.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/iosys-map.h>
#include <linux/memcontrol.h>
#include <linux/slab.h>
#include <linux/ww_mutex.h>

#include "attachment.h"
#include "backing.h"
#include "buffer.h"
#include "client.h"
#include "compat/compat.h"
#include "estimate.h"
#include "gfp.h"
#include "heap.h"
#include "mmap.h"
#include "quota.h"
#include "residency.h"
#include "unbind.h"

static const struct ba_use one_buffer = { .buffers = 1 };

static DEFINE_WW_CLASS(buffer_class);

static void note_refusal(struct ba_buffer *buffer, enum bufalloc_reason reason)
{
	buffer->refusals++;
	buffer->refusal = reason;
}

static struct ba_buffer *buffer_alloc(const struct ba_alloc_context *context,
				      const struct ba_requirements *requirements)
{
	struct ba_quota *quota = context->client->quota;
	struct ba_buffer *buffer;
	int ret;

	ret = ba_quota_charge(quota, one_buffer);
	if (ret)
		return ERR_PTR(ret);

	buffer = kzalloc(sizeof(*buffer), GFP_METADATA);
	ret = buffer ? ba_purgeable_init(&buffer->purgeable, &buffer->lock,
					 &buffer->backing) :
		       -ENOMEM;
	if (ret) {
		kfree(buffer);
		ba_quota_uncharge(quota, one_buffer);
		return ERR_PTR(ret);
	}

	mutex_init(&buffer->populate_lock);
	ww_mutex_init(&buffer->lock, &buffer_class);
	INIT_LIST_HEAD(&buffer->attachments);
	buffer->heap = context->heap;
	ba_backing_init(&buffer->backing, context, requirements);
	/* Charge ALLOC's caller: the first use can come from another cgroup or a kernel thread. */
	if (!requirements->user_memory)
		buffer->backing.context.memcg =
			get_mem_cgroup_from_mm(current->mm);
	ba_client_get(context->client);
	return buffer;
}

static void buffer_free(struct ba_buffer *buffer)
{
	const struct ba_alloc_context *context = &buffer->backing.context;
	struct ba_client *client = context->client;

	WARN_ON(!list_empty(&buffer->attachments));
	WARN_ON(buffer->pin_count || atomic_read(&buffer->backing.mappings));
	ba_purgeable_destroy(&buffer->purgeable);
	ba_backing_free(&buffer->backing);
	mem_cgroup_put(context->memcg);
	ww_mutex_destroy(&buffer->lock);
	mutex_destroy(&buffer->populate_lock);
	kfree(buffer);

	ba_quota_uncharge(client->quota, one_buffer);
	ba_client_put(client);
}

static enum bufalloc_reason sgt_refusal(int err)
{
	return err == -EINVAL ? BUFALLOC_REASON_TABLE : BUFALLOC_REASON_MAPPING;
}

/*
 * Refuse in attach if the buffer is in the dontneed state, or if the device cannot take the entries
 * of the memory: not every importer handles a later error.
 */
static int add_attachment(struct ba_buffer *buffer, struct ba_attachment *attachment)
{
	enum bufalloc_reason reason = BUFALLOC_REASON_NONE;
	int ret;

	ww_mutex_lock(&buffer->lock, NULL);
	ret = ba_residency_check_needed(buffer, &reason);
	if (!ret && buffer->backing.nr_chunks) {
		ret = ba_attachment_provide_sgt(attachment);
		reason = sgt_refusal(ret);
	}
	if (!ret)
		list_add(&attachment->link, &buffer->attachments);
	else
		note_refusal(buffer, reason);
	ww_mutex_unlock(&buffer->lock);
	return ret;
}

/*
 * Register for unbind notification last: nothing is mapped before attach returns.
 */
static int buffer_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach)
{
	struct ba_buffer *buffer = dmabuf->priv;
	struct ba_attachment *attachment;
	int ret;

	attachment = ba_attachment_create(attach->dev, &buffer->backing,
					  &buffer->lock);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);

	attachment->keeps_mapping = ba_unbind_is_told(attach->dev);
	ret = add_attachment(buffer, attachment);
	if (ret) {
		ba_attachment_destroy(attachment);
		return ret;
	}

	ba_unbind_watch(attachment);
	attach->priv = attachment;
	return 0;
}

static void buffer_detach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attach)
{
	struct ba_attachment *attachment = attach->priv;
	struct ba_buffer *buffer = dmabuf->priv;

	ba_unbind_forget(attachment);
	ww_mutex_lock(&buffer->lock, NULL);
	list_del(&attachment->link);
	/* End the mapping now: the shrinker may purge the buffer as soon as the lock is free. */
	ba_attachment_drop(attachment);
	ww_mutex_unlock(&buffer->lock);
	ba_attachment_destroy(attachment);
}

static struct sg_table *map_pinned(struct ba_attachment *attachment,
				   enum dma_data_direction dir,
				   enum bufalloc_reason *reason)
{
	int ret;

	ret = ba_attachment_provide_sgt(attachment);
	if (ret) {
		*reason = sgt_refusal(ret);
		return ERR_PTR(ret);
	}
	return ba_attachment_map(attachment, dir, reason);
}

static struct sg_table *buffer_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	enum bufalloc_reason reason = BUFALLOC_REASON_NONE;
	struct ba_buffer *buffer = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	ret = ba_residency_pin(buffer, &reason);
	ww_mutex_lock(&buffer->lock, NULL);
	sgt = ret ? ERR_PTR(ret) : map_pinned(attach->priv, dir, &reason);
	if (IS_ERR(sgt)) {
		note_refusal(buffer, reason);
		if (!ret)
			ba_residency_unpin(buffer);
	}
	ww_mutex_unlock(&buffer->lock);
	return sgt;
}

static void buffer_unmap(struct dma_buf_attachment *attach,
			 struct sg_table *sgt, enum dma_data_direction dir)
{
	struct ba_buffer *buffer = attach->dmabuf->priv;

	ww_mutex_lock(&buffer->lock, NULL);
	ba_attachment_unmap(attach->priv, dir);
	ba_residency_unpin(buffer);
	ww_mutex_unlock(&buffer->lock);
}

/* Skip a kept mapping without a user: the last unmap has synced the memory. */
void ba_buffer_sync(struct dma_buf *dmabuf, const struct ba_part *part,
		    enum ba_sync_target target)
{
	struct ba_buffer *buffer = dmabuf->priv;
	struct ba_attachment *attachment;

	ww_mutex_lock(&buffer->lock, NULL);
	list_for_each_entry(attachment, &buffer->attachments, link)
		if (attachment->users)
			ba_attachment_sync(attachment, part, target);
	ww_mutex_unlock(&buffer->lock);
}

/* Wait until devices have written. If the CPU will write, wait until devices have read, too. */
int ba_buffer_wait(struct dma_buf *dmabuf, bool write)
{
	long ret;

	ret = dma_resv_wait_timeout(dmabuf->resv, dma_resv_usage_rw(write),
				    true, MAX_SCHEDULE_TIMEOUT);
	return ret < 0 ? ret : 0;
}

/*
 * dma_buf_begin_cpu_access() waits for fences after this callback. Wait before the sync as well:
 * cache lines that are filled before the device has written would be old.
 */
static int buffer_begin_cpu_access(struct dma_buf *dmabuf,
				   enum dma_data_direction dir)
{
	int ret = ba_buffer_wait(dmabuf, dir != DMA_FROM_DEVICE);

	if (!ret)
		ba_buffer_sync(dmabuf, NULL, SYNC_FOR_CPU);
	return ret;
}

static int buffer_end_cpu_access(struct dma_buf *dmabuf,
				 enum dma_data_direction dir)
{
	ba_buffer_sync(dmabuf, NULL, SYNC_FOR_DEVICE);
	return 0;
}

/* Count the mapping before it exists, so that the buffer cannot be purged meanwhile. */
static int begin_mmap(struct ba_buffer *buffer)
{
	enum bufalloc_reason reason;
	int ret;

	ret = ba_residency_populate(buffer, &reason);
	if (ret && ret != -EAGAIN)
		return ret;

	ww_mutex_lock(&buffer->lock, NULL);
	ret = ba_residency_check_needed(buffer, &reason);
	if (!ret)
		ret = ba_residency_populate_locked(buffer, &reason);
	if (!ret)
		atomic_inc(&buffer->backing.mappings);
	ww_mutex_unlock(&buffer->lock);
	return ret;
}

static int make_mapping(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct ba_buffer *buffer = dmabuf->priv;

	if (!buffer->backing.shmem)
		return ba_mmap_user(&buffer->backing, vma);
	ba_mmap_pageable(&buffer->backing, dmabuf, vma);
	return 0;
}

static int buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct ba_buffer *buffer = dmabuf->priv;
	int ret;

	ret = ba_mmap_check(&buffer->backing, vma);
	if (!ret)
		ret = begin_mmap(buffer);
	if (ret)
		return ret;

	ret = make_mapping(dmabuf, vma);
	if (ret)
		atomic_dec_return_release(&buffer->backing.mappings);
	return ret;
}

static void unpin_for_kernel(struct ba_buffer *buffer)
{
	ww_mutex_lock(&buffer->lock, NULL);
	ba_residency_unpin(buffer);
	ww_mutex_unlock(&buffer->lock);
}

static int buffer_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct ba_buffer *buffer = dmabuf->priv;
	enum bufalloc_reason reason;
	void *vaddr;
	int ret;

	ret = ba_residency_pin(buffer, &reason);
	if (ret)
		return ret;
	vaddr = ba_mmap_kernel(&buffer->backing);
	if (!vaddr) {
		unpin_for_kernel(buffer);
		return -ENOMEM;
	}
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void buffer_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	ba_munmap_kernel(map->vaddr);
	unpin_for_kernel(dmabuf->priv);
}

static void buffer_release(struct dma_buf *dmabuf)
{
	buffer_free(dmabuf->priv);
}

static const struct dma_buf_ops buffer_ops = {
	.attach = buffer_attach,
	.detach = buffer_detach,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.begin_cpu_access = buffer_begin_cpu_access,
	.end_cpu_access = buffer_end_cpu_access,
	.mmap = buffer_mmap,
	.vmap = buffer_vmap,
	.vunmap = buffer_vunmap,
	.release = buffer_release,
};

/* Without mmap and vmap: memory of a process is mapped in that process only. */
static const struct dma_buf_ops user_memory_ops = {
	.attach = buffer_attach,
	.detach = buffer_detach,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.begin_cpu_access = buffer_begin_cpu_access,
	.end_cpu_access = buffer_end_cpu_access,
	.release = buffer_release,
};

/**
 * ba_buffer_create() - make a buffer without memory
 * @context: where the memory will come from, and the client that is charged.
 * @requirements: the properties that the memory must have.
 * @fd_flags: O_RDONLY or O_RDWR, for the dma-buf's file.
 *
 * Return: a dma-buf without a file descriptor, or an ERR_PTR:
 * -EDQUOT: the buffer passes a quota.
 * -ENOMEM, or another error of dma_buf_export().
 */
struct dma_buf *ba_buffer_create(const struct ba_alloc_context *context,
				 const struct ba_requirements *requirements, int fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct ba_buffer *buffer;
	int ret;

	buffer = buffer_alloc(context, requirements);
	if (IS_ERR(buffer))
		return ERR_CAST(buffer);

	info.ops = requirements->user_memory ? &user_memory_ops : &buffer_ops;
	info.size = requirements->length;
	info.flags = fd_flags;
	info.priv = buffer;
	ret = ba_make_room_for_file();
	dmabuf = ret ? ERR_PTR(ret) : dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		buffer_free(buffer);
	return dmabuf;
}

/* No file descriptor exists yet when a function named _unpublished runs, so no lock is needed. */
int ba_buffer_pin_user_unpublished(struct dma_buf *dmabuf, u64 address,
				   enum bufalloc_reason *reason)
{
	struct ba_buffer *buffer = dmabuf->priv;

	return ba_backing_pin_user(&buffer->backing, address, reason);
}

void ba_buffer_estimate_unpublished(struct dma_buf *dmabuf, struct ba_estimate *estimate,
				    struct ba_quota_ask *ask)
{
	const struct ba_buffer *buffer = dmabuf->priv;

	ba_estimate_add(estimate, ask, &buffer->backing);
}

int ba_buffer_populate_unpublished(struct dma_buf *dmabuf, enum bufalloc_reason *reason)
{
	return ba_residency_populate_locked(dmabuf->priv, reason);
}

void ba_buffer_depopulate_unpublished(struct dma_buf *dmabuf)
{
	struct ba_buffer *buffer = dmabuf->priv;

	ba_backing_free(&buffer->backing);
}

bool ba_buffer_is(const struct dma_buf *dmabuf)
{
	return dmabuf->ops == &buffer_ops || dmabuf->ops == &user_memory_ops;
}

/* The heap of the memory. Without memory: the heap that applies if no device attaches. */
static u32 heap_of(const struct ba_buffer *buffer)
{
	const struct ba_backing *backing = &buffer->backing;

	if (backing->requirements.user_memory)
		return BUFALLOC_HEAP_ANY;
	return ba_backing_has_memory(backing) ? backing->context.heap->index :
						buffer->heap->index;
}

/* Caching and memory type of the memory. Without memory: as they are if no device attaches. */
static void describe_caching(const struct ba_buffer *buffer,
			     struct ba_buffer_facts *facts)
{
	const struct ba_backing *backing = &buffer->backing;

	facts->caching = backing->context.caching;
	facts->memtype = backing->context.memtype;
	if (ba_backing_has_memory(backing))
		return;
	facts->caching = backing->requirements.caching;
	facts->memtype = ba_heap_memtype(buffer->heap, facts->caching);
}

void ba_buffer_describe(struct dma_buf *dmabuf, struct ba_buffer_facts *facts)
{
	struct ba_buffer *buffer = dmabuf->priv;
	const struct ba_backing *backing = &buffer->backing;
	struct ba_attachment *attachment;

	*facts = (struct ba_buffer_facts) {
		.length = backing->requirements.length,
	};

	ww_mutex_lock(&buffer->lock, NULL);
	facts->heap = heap_of(buffer);
	describe_caching(buffer, facts);
	facts->chunks = backing->nr_chunks;
	facts->segments = backing->nr_segments;
	facts->refusals = buffer->refusals;
	facts->refusal = buffer->refusal;
	facts->resident = ba_backing_resident(backing);
	facts->largest_page = ba_mmap_largest_page(backing);
	if (ba_backing_has_memory(&buffer->backing))
		facts->state |= BUFALLOC_STATE_BACKED;
	if (backing->requirements.user_memory)
		facts->state |= BUFALLOC_STATE_USER_MEMORY;
	if (backing->requirements.pageable)
		facts->state |= BUFALLOC_STATE_PAGEABLE;
	if (buffer->dontneed)
		facts->state |= BUFALLOC_STATE_DONTNEED;
	if (buffer->purgeable.purged)
		facts->state |= BUFALLOC_STATE_PURGED;
	if (backing->nr_segments == 1)
		facts->state |= BUFALLOC_STATE_CONTIGUOUS;
	list_for_each_entry(attachment, &buffer->attachments, link)
		facts->attachments++;
	ww_mutex_unlock(&buffer->lock);
}

/* For callers that lock many buffers with one acquire context. */
struct ww_mutex *ba_buffer_lock(struct dma_buf *dmabuf)
{
	struct ba_buffer *buffer = dmabuf->priv;

	return &buffer->lock;
}

void ba_buffer_lock_begin(struct ww_acquire_ctx *context)
{
	ww_acquire_init(context, &buffer_class);
}

MODULE_IMPORT_NS("DMA_BUF");

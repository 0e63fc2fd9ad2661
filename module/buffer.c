// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer is a dma-buf. File descriptors, CPU mappings and attachments keep
 * it; when the last is gone, so is its memory, and not before.
 */
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "attachment.h"
#include "backing.h"
#include "buffer.h"
#include "client.h"
#include "compat/compat.h"
#include "heap.h"
#include "mmap.h"
#include "quota.h"
#include "unbind.h"

/**
 * struct buffer - a buffer
 * @lock: guards @attachments and what hangs on it, and the backing's coming.
 *	Inside mmap_lock and the reservation, outside reclaim.
 * @attachments: the importers, as &struct attachment.
 * @backing: its memory; source.client is held.
 */
struct buffer {
	struct mutex lock;
	struct list_head attachments;
	struct backing backing;
};

/* More than the file, its inode and its directory entry take. */
#define EXPORT_ROOM SZ_8K

static const struct use one_buffer = { .buffers = 1 };

/*
 * The one place where a buffer gets its memory. Callers hold the lock, but for
 * buffer_create(), which nobody else knows of yet.
 */
static int buffer_populate(struct buffer *buffer)
{
	if (buffer->backing.nr_chunks)
		return 0;
	return backing_populate(&buffer->backing);
}

static struct buffer *buffer_alloc(const struct source *source, size_t length,
				   bool contiguous)
{
	struct quota *quota = source->client->quota;
	struct buffer *buffer;
	int ret;

	ret = quota_charge(quota, one_buffer);
	if (ret)
		return ERR_PTR(ret);

	buffer = kzalloc(sizeof(*buffer), GFP_METADATA);
	if (!buffer) {
		ret = -ENOMEM;
		goto uncharge;
	}

	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->attachments);
	backing_init(&buffer->backing, source, length, contiguous);
	ret = buffer_populate(buffer);
	if (ret)
		goto free_buffer;

	client_get(source->client);
	return buffer;

free_buffer:
	mutex_destroy(&buffer->lock);
	kfree(buffer);
uncharge:
	quota_uncharge(quota, one_buffer);
	return ERR_PTR(ret);
}

static void buffer_free(struct buffer *buffer)
{
	struct client *client = buffer->backing.source.client;

	WARN_ON(!list_empty(&buffer->attachments));
	backing_free(&buffer->backing);
	mutex_destroy(&buffer->lock);
	kfree(buffer);

	quota_uncharge(client->quota, one_buffer);
	client_put(client);
}

static int buffer_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach)
{
	struct buffer *buffer = dmabuf->priv;
	struct attachment *attachment;

	attachment = attachment_create(attach->dev, &buffer->backing,
				       &buffer->lock);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	unbind_watch(attachment);

	mutex_lock(&buffer->lock);
	list_add(&attachment->node, &buffer->attachments);
	mutex_unlock(&buffer->lock);
	attach->priv = attachment;
	return 0;
}

static void buffer_detach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attach)
{
	struct attachment *attachment = attach->priv;
	struct buffer *buffer = dmabuf->priv;

	unbind_forget(attachment);
	mutex_lock(&buffer->lock);
	list_del(&attachment->node);
	mutex_unlock(&buffer->lock);
	attachment_destroy(attachment);
}

static struct sg_table *buffer_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	struct buffer *buffer = attach->dmabuf->priv;
	struct sg_table *sgt;

	mutex_lock(&buffer->lock);
	sgt = attachment_map(attach->priv, dir);
	mutex_unlock(&buffer->lock);
	return sgt;
}

static void buffer_unmap(struct dma_buf_attachment *attach,
			 struct sg_table *sgt, enum dma_data_direction dir)
{
	struct buffer *buffer = attach->dmabuf->priv;

	mutex_lock(&buffer->lock);
	attachment_unmap(attach->priv, dir);
	mutex_unlock(&buffer->lock);
}

/* A mapping that is only kept was synced when it was last unmapped. */
static int buffer_begin_cpu_access(struct dma_buf *dmabuf,
				   enum dma_data_direction dir)
{
	struct buffer *buffer = dmabuf->priv;
	struct attachment *attachment;

	mutex_lock(&buffer->lock);
	list_for_each_entry(attachment, &buffer->attachments, node)
		if (attachment->users)
			attachment_sync_for_cpu(attachment, dir);
	mutex_unlock(&buffer->lock);
	return 0;
}

static int buffer_end_cpu_access(struct dma_buf *dmabuf,
				 enum dma_data_direction dir)
{
	struct buffer *buffer = dmabuf->priv;
	struct attachment *attachment;

	mutex_lock(&buffer->lock);
	list_for_each_entry(attachment, &buffer->attachments, node)
		if (attachment->users)
			attachment_sync_for_device(attachment, dir);
	mutex_unlock(&buffer->lock);
	return 0;
}

static int buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct buffer *buffer = dmabuf->priv;

	return mmap_user(&buffer->backing, vma);
}

static int buffer_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct buffer *buffer = dmabuf->priv;
	void *vaddr = mmap_kernel(&buffer->backing);

	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void buffer_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	munmap_kernel(map->vaddr);
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

/*
 * dma_buf_export() charges a file and an inode in a way that has the OOM killer
 * called in a memory cgroup at its limit. So the limit is met by an allocation that
 * fails instead, and the room it took is left for them.
 */
static int make_room_for_export(void)
{
	void *room = kmalloc(EXPORT_ROOM, GFP_METADATA);

	kfree(room);
	return room ? 0 : -ENOMEM;
}

/**
 * buffer_create() - make a buffer with its memory
 * @source: where the memory comes from, on whose account.
 * @length: bytes, whole pages.
 * @contiguous: it must be one physically contiguous run.
 * @fd_flags: O_RDONLY or O_RDWR, for the dma-buf's file.
 *
 * Return: a dma-buf that no process has a file descriptor of, or an ERR_PTR:
 * -EDQUOT, or what backing_populate() or dma_buf_export() returned.
 */
struct dma_buf *buffer_create(const struct source *source, size_t length,
			      bool contiguous, int fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct buffer *buffer;
	int ret;

	buffer = buffer_alloc(source, length, contiguous);
	if (IS_ERR(buffer))
		return ERR_CAST(buffer);

	info.ops = &buffer_ops;
	info.size = length;
	info.flags = fd_flags;
	info.priv = buffer;
	ret = make_room_for_export();
	dmabuf = ret ? ERR_PTR(ret) : dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		buffer_free(buffer);
	return dmabuf;
}

bool buffer_is(const struct dma_buf *dmabuf)
{
	return dmabuf->ops == &buffer_ops;
}

void buffer_describe(struct dma_buf *dmabuf, struct buffer_facts *facts)
{
	struct buffer *buffer = dmabuf->priv;
	const struct backing *backing = &buffer->backing;
	struct attachment *attachment;

	*facts = (struct buffer_facts) {
		.length = backing->length,
		.caching = backing->source.caching,
		.memtype = backing->source.memtype,
		.heap = backing->source.heap->index,
	};

	mutex_lock(&buffer->lock);
	facts->chunks = backing->nr_chunks;
	facts->segments = backing->nr_segments;
	if (backing->nr_chunks)
		facts->state |= BUFALLOC_STATE_BACKED;
	if (backing->nr_segments == 1)
		facts->state |= BUFALLOC_STATE_CONTIGUOUS;
	list_for_each_entry(attachment, &buffer->attachments, node)
		facts->attachments++;
	mutex_unlock(&buffer->lock);
}

MODULE_IMPORT_NS("DMA_BUF");

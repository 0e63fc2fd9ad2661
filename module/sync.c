// SPDX-License-Identifier: GPL-2.0
/*
 * One SYNC call: syncs a part of a buffer, as DMA_BUF_IOCTL_SYNC syncs a whole buffer. A CPU that
 * draws one line of text into an image does not pay for a sync of the whole image.
 *
 * Main object: the dma-buf. ba_sync_run() holds a reference to it until the call returns.
 *
 * Lock: ba_buffer_sync() takes the buffer's lock. ba_buffer_wait() waits for fences before, without
 * a lock.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>

#include <uapi/linux/dma-buf.h>

#include "buffer.h"
#include "sync.h"

/* If no mapping of the buffer needs syncs, the call only waits for fences. */
static int sync_buffer(struct dma_buf *dmabuf, const struct bufalloc_sync *arg)
{
	struct ba_part part;
	int ret;

	if (arg->offset >= dmabuf->size ||
	    arg->length > dmabuf->size - arg->offset)
		return -EINVAL;
	part.offset = arg->offset;
	part.length = arg->length;

	if (arg->flags & DMA_BUF_SYNC_END) {
		ba_buffer_sync(dmabuf, &part, SYNC_FOR_DEVICE);
		return 0;
	}
	ret = ba_buffer_wait(dmabuf, arg->flags & DMA_BUF_SYNC_WRITE);
	if (!ret)
		ba_buffer_sync(dmabuf, &part, SYNC_FOR_CPU);
	return ret;
}

/* Check in the order that <linux/bufalloc.h> lists (DOC: Errors). */
int ba_sync_check(const struct bufalloc_sync *arg)
{
	if (arg->flags & ~DMA_BUF_SYNC_VALID_FLAGS_MASK || arg->__reserved)
		return -EINVAL;
	return arg->flags & DMA_BUF_SYNC_RW && arg->length ? 0 : -EINVAL;
}

/**
 * ba_sync_run() - sync a part of a buffer for the CPU or for the devices
 * @arg: the call; ba_sync_check() has checked it.
 *
 * Return: 0, or an error:
 * -EBADF: the file descriptor is not open.
 * -EINVAL: the file descriptor is not of a buffer of bufalloc, or the part passes the end of the
 * buffer.
 * -ERESTARTSYS: a signal came before all fences were signalled.
 */
int ba_sync_run(const struct bufalloc_sync *arg)
{
	struct dma_buf *dmabuf = dma_buf_get(arg->fd);
	int ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	ret = ba_buffer_is(dmabuf) ? sync_buffer(dmabuf, arg) : -EINVAL;
	dma_buf_put(dmabuf);
	return ret;
}

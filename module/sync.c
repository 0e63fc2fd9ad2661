// SPDX-License-Identifier: GPL-2.0
/*
 * One SYNC: does for a part of a buffer what DMA_BUF_IOCTL_SYNC does for a whole one. So a line of
 * text that the CPU draws costs no sync of the whole image.
 *
 * Main object: the dma-buf. The buffer's lock is taken in ba_buffer_sync(); the wait for fences
 * comes before, without a lock.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>

#include <uapi/linux/dma-buf.h>

#include "buffer.h"
#include "sync.h"

/* Memory that needs no sync has no attachment to sync: the call only waits for fences. */
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

/* In the order that the ABI states. */
int ba_sync_check(const struct bufalloc_sync *arg)
{
	if (arg->flags & ~DMA_BUF_SYNC_VALID_FLAGS_MASK || arg->__reserved)
		return -EINVAL;
	return arg->flags & DMA_BUF_SYNC_RW && arg->length ? 0 : -EINVAL;
}

/**
 * ba_sync_run() - hand a part of a buffer to the CPU, or back to the devices
 * @arg: the call, checked.
 *
 * Return: 0, or an error:
 * -EBADF: the file descriptor is not open, or is not a dma-buf's.
 * -EINVAL: the dma-buf is another exporter's, or the part passes its end.
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

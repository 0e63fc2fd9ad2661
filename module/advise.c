// SPDX-License-Identifier: GPL-2.0
/*
 * One ADVISE call: checks the caller's advice whether the content of a buffer is needed, and fills
 * in the answer. residency.c changes the state of the buffer.
 *
 * Main object: struct bufalloc_advise, the kernel's copy of the caller's structure. It is on the
 * stack of one thread until the call returns.
 *
 * No lock here: residency.c takes the buffer's lock.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>

#include "advise.h"
#include "buffer.h"
#include "residency.h"

static int refuse(struct bufalloc_advise *arg, enum bufalloc_reason reason, int err)
{
	arg->out_reason = reason;
	return err;
}

static int dontneed(struct bufalloc_advise *arg, struct dma_buf *dmabuf, bool *retained)
{
	int ret;

	/* DONTNEED can discard the content of the buffer, so it needs the right to write. */
	if (!(dmabuf->file->f_mode & FMODE_WRITE))
		return -EACCES;
	ret = ba_residency_dontneed(dmabuf, retained);
	if (ret == -EBUSY)
		return refuse(arg, BUFALLOC_REASON_BUSY, ret);
	return ret;
}

static int advise(struct bufalloc_advise *arg, struct dma_buf *dmabuf)
{
	bool retained;
	int ret = 0;

	if (!ba_buffer_is(dmabuf))
		return refuse(arg, BUFALLOC_REASON_FD, -EINVAL);
	if (arg->advice == BUFALLOC_ADVICE_DONTNEED)
		ret = dontneed(arg, dmabuf, &retained);
	else
		ba_residency_willneed(dmabuf, &retained);
	if (!ret)
		arg->out_retained = retained;
	return ret;
}

/* Check in the order that <linux/bufalloc.h> lists (DOC: Errors). */
int ba_advise_check(const struct bufalloc_advise *arg)
{
	if (arg->__reserved || arg->advice > BUFALLOC_ADVICE_DONTNEED)
		return -EINVAL;
	return 0;
}

/**
 * ba_advise_run() - tell a buffer whether its content is needed
 * @arg: the call; ba_advise_check() has checked it. The output fields are filled in.
 *
 * Return: 0, or an error that <linux/bufalloc.h> lists.
 */
int ba_advise_run(struct bufalloc_advise *arg)
{
	struct dma_buf *dmabuf = dma_buf_get(arg->fd);
	int ret;

	if (IS_ERR(dmabuf))
		return refuse(arg, BUFALLOC_REASON_FD, PTR_ERR(dmabuf));
	ret = advise(arg, dmabuf);
	dma_buf_put(dmabuf);
	return ret;
}

// SPDX-License-Identifier: MIT
/* Buffers: making them, giving them memory, asking what they are, naming them. */
#include <errno.h>
#include <string.h>

#include "bufalloc.h"
#include "ioctl.h"

int bufalloc_alloc_sized(int device, const struct bufalloc_request *requests,
			 size_t request_size, struct bufalloc_result *results,
			 size_t result_size, uint32_t count, uint32_t *failed,
			 uint32_t *reason)
{
	struct bufalloc_alloc alloc = {
		.size = sizeof(alloc),
		.requests = (uintptr_t)requests,
		.results = (uintptr_t)results,
		.request_size = request_size,
		.result_size = result_size,
		.count = count,
		/* For a kernel that could not even read this. */
		.out_failed = count,
	};
	size_t length;
	int ret;

	if (request_size > UINT32_MAX || result_size > UINT32_MAX ||
	    __builtin_mul_overflow(result_size, count, &length))
		return -E2BIG;
	/* A result's tail that the kernel does not know must be zero. */
	memset(results, 0, length);
	ret = bufalloc_ioctl(device, BUFALLOC_IOCTL_ALLOC, &alloc);
	if (failed)
		*failed = alloc.out_failed;
	if (reason)
		*reason = alloc.out_reason;
	return ret;
}

int bufalloc_commit(int device, const int *fds, uint32_t count,
		    uint32_t *failed, uint32_t *reason)
{
	struct bufalloc_commit commit = {
		.size = sizeof(commit),
		.fds = (uintptr_t)fds,
		.count = count,
		/* For a kernel that does not know this call. */
		.out_failed = count,
	};
	int ret;

	ret = bufalloc_ioctl(device, BUFALLOC_IOCTL_COMMIT, &commit);
	if (failed)
		*failed = commit.out_failed;
	if (reason)
		*reason = commit.out_reason;
	return ret;
}

int bufalloc_advise(int device, int fd, uint32_t advice, uint32_t *retained)
{
	struct bufalloc_advise advise = {
		.size = sizeof(advise),
		.fd = fd,
		.advice = advice,
	};
	int ret;

	ret = bufalloc_ioctl(device, BUFALLOC_IOCTL_ADVISE, &advise);
	if (retained)
		*retained = advise.out_retained;
	return ret;
}

int bufalloc_query_sized(int device, int fd, struct bufalloc_query *query,
			 size_t size)
{
	if (size < offsetof(struct bufalloc_query, out_length))
		return -EINVAL;
	if (size > UINT32_MAX)
		return -E2BIG;
	memset(query, 0, size);
	query->size = size;
	query->fd = fd;
	return bufalloc_ioctl(device, BUFALLOC_IOCTL_QUERY, query);
}

int bufalloc_set_name(int fd, const char *name)
{
	return bufalloc_ioctl(fd, DMA_BUF_SET_NAME, (void *)name);
}

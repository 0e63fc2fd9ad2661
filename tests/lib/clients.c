// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include "lib/buffers.h"
#include "lib/clients.h"

int buffer_open_low(int device, size_t length, uint32_t caching, uint32_t flags)
{
	struct bufalloc_request request = request_of(length, caching);
	struct bufalloc_result result;
	int ret;

	request.dma_bits = 32;
	request.flags = flags;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

ino_t inode(int fd)
{
	struct stat status = { 0 };

	return fstat(fd, &status) ? 0 : status.st_ino;
}

int attachments(int device, int fd)
{
	struct bufalloc_query query;
	int ret;

	ret = bufalloc_query(device, fd, &query);
	return ret ? ret : (int)query.out_attachments;
}

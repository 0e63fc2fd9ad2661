// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/buffers.h"

/* As many files as a process may have open, less its own. */
#define DIRTY_MAX 256

#define SCATTERED_TRIES 32

struct bufalloc_request request_of(size_t length, uint32_t caching)
{
	return (struct bufalloc_request) {
		.length = length,
		.caching = caching,
		.fd_flags = O_RDWR | O_CLOEXEC,
		.heap = BUFALLOC_HEAP_ANY,
	};
}

static int request_open(int device, const struct bufalloc_request *request)
{
	struct bufalloc_result result;
	int ret;

	ret = bufalloc_alloc(device, request, &result, NULL);
	return ret ? ret : result.fd;
}

int buffer_open(int device, size_t length, uint32_t caching)
{
	struct bufalloc_request request = request_of(length, caching);

	return request_open(device, &request);
}

int buffer_open_contiguous(int device, size_t length, uint32_t caching)
{
	struct bufalloc_request request = request_of(length, caching);

	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	return request_open(device, &request);
}

/* Buffers that happen to be in one piece are kept meanwhile: others will not be. */
int buffer_open_scattered(int device, const struct bufalloc_request *request)
{
	struct bufalloc_query query;
	int fds[SCATTERED_TRIES];
	int tries, fd = -ENOSPC;

	for (tries = 0; tries < SCATTERED_TRIES && fd == -ENOSPC; tries++) {
		fds[tries] = request_open(device, request);
		if (fds[tries] < 0)
			break;
		if (!bufalloc_query(device, fds[tries], &query) &&
		    query.out_segments > 1)
			fd = dup(fds[tries]);
	}
	while (tries-- > 0)
		close(fds[tries]);
	return fd;
}

int buffer_map(int fd, struct mapping *mapping)
{
	off_t length = lseek(fd, 0, SEEK_END);
	void *bytes;

	if (length < 0)
		return -errno;
	bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	mapping->bytes = bytes;
	mapping->length = length;
	return 0;
}

void buffer_unmap(struct mapping *mapping)
{
	munmap(mapping->bytes, mapping->length);
	mapping->bytes = NULL;
}

bool mapping_is(const struct mapping *mapping, unsigned char byte)
{
	const uint64_t *words = (const uint64_t *)mapping->bytes;
	uint64_t word = byte * 0x0101010101010101ULL;
	size_t i;

	for (i = 0; i < mapping->length / sizeof(*words); i++)
		if (words[i] != word)
			return false;
	return true;
}

int memory_dirty(int device, uint32_t caching, size_t length, size_t total,
		 unsigned char byte)
{
	static int fds[DIRTY_MAX];
	struct mapping mapping;
	size_t count = total / length;
	size_t i, made;
	int ret = 0;

	if (count > DIRTY_MAX)
		count = DIRTY_MAX;
	for (made = 0; made < count; made++) {
		fds[made] = buffer_open(device, length, caching);
		if (fds[made] < 0) {
			ret = fds[made];
			break;
		}
		ret = buffer_map(fds[made], &mapping);
		if (ret) {
			close(fds[made]);
			break;
		}
		memset(mapping.bytes, byte, mapping.length);
		buffer_unmap(&mapping);
	}
	for (i = 0; i < made; i++)
		close(fds[i]);
	return ret;
}

uint64_t client_bytes(int device)
{
	struct bufalloc_info info;

	if (bufalloc_get_info(device, &info))
		return UINT64_MAX;
	return info.out_client_bytes;
}

int buffer_refusals(int device, int fd, uint32_t *reason)
{
	struct bufalloc_query query;
	int ret = bufalloc_query(device, fd, &query);

	if (ret)
		return ret;
	*reason = query.out_refusal;
	return query.out_refusals;
}

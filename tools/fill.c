// SPDX-License-Identifier: MIT
/* Write a pattern through one CPU mapping, and read the pattern through another mapping. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tool.h"

bool parse_fill(const char *text, struct fill *fill)
{
	uint64_t byte;

	fill->by_offset = !strcmp(text, "offset");
	if (fill->by_offset)
		return true;
	if (!parse_number(text, UINT8_MAX, &byte))
		return false;
	fill->byte = byte;
	return true;
}

/* The eight bytes at @offset. The number of the buffer tells pages of two buffers apart. */
static uint64_t word_at(const struct fill *fill, uint32_t buffer, uint64_t offset)
{
	if (fill->by_offset)
		return (uint64_t)buffer << 48 | offset;
	return fill->byte * 0x0101010101010101ULL;
}

int fill_buffer(const struct fill *fill, uint32_t buffer, int fd, uint64_t length)
{
	uint64_t *words, i;
	void *address;
	int ret, end;

	if (length > SIZE_MAX)
		return -ENOMEM;
	ret = bufalloc_map(fd, length, PROT_READ | PROT_WRITE, &address);
	if (ret)
		return ret;
	ret = bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_WRITE);
	if (ret)
		goto unmap;
	words = address;
	for (i = 0; i < length / sizeof(*words); i++)
		words[i] = word_at(fill, buffer, i * sizeof(*words));
	ret = bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_WRITE);
unmap:
	end = bufalloc_unmap(address, length);
	return ret ? ret : end;
}

static bool compare(const struct fill *fill, uint32_t buffer, const uint64_t *words,
		    uint64_t length, struct mismatch *mismatch)
{
	uint64_t i, want, got;

	for (i = 0; i < length / sizeof(*words); i++) {
		want = word_at(fill, buffer, i * sizeof(*words));
		got = words[i];
		if (got == want)
			continue;
		mismatch->offset = i * sizeof(*words);
		mismatch->wrote = want;
		mismatch->read = got;
		return false;
	}
	return true;
}

int verify_buffer(const struct fill *fill, uint32_t buffer, int fd, uint64_t length,
		  bool *same, struct mismatch *mismatch)
{
	void *address;
	int ret, end;

	if (length > SIZE_MAX)
		return -ENOMEM;
	ret = bufalloc_map(fd, length, PROT_READ, &address);
	if (ret)
		return ret;
	ret = bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_READ);
	if (ret)
		goto unmap;
	*same = compare(fill, buffer, address, length, mismatch);
	ret = bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_READ);
unmap:
	end = bufalloc_unmap(address, length);
	return ret ? ret : end;
}

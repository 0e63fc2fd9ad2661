// SPDX-License-Identifier: MIT
/* A 32-bit program on a 64-bit kernel: the same layouts, the same answers. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/bufalloc.h>

#include "kselftest_harness.h"

_Static_assert(sizeof(void *) == 4, "this is the 32-bit program");
_Static_assert(sizeof(struct bufalloc_info) == 120, "info");
_Static_assert(sizeof(struct bufalloc_heap) == 88, "heap");
_Static_assert(sizeof(struct bufalloc_request) == 56, "request");
_Static_assert(sizeof(struct bufalloc_result) == 32, "result");
_Static_assert(sizeof(struct bufalloc_alloc) == 48, "alloc");
_Static_assert(sizeof(struct bufalloc_query) == 72, "query");
_Static_assert(sizeof(struct bufalloc_commit) == 32, "commit");
_Static_assert(sizeof(struct bufalloc_sync) == 32, "sync");
_Static_assert(sizeof(struct bufalloc_advise) == 24, "advise");

FIXTURE(abi32)
{
	int device;
	struct bufalloc_request requests[2];
	struct bufalloc_result results[2];
	struct bufalloc_alloc alloc;
};

FIXTURE_SETUP(abi32)
{
	int i;

	self->device = open("/dev/bufalloc", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	for (i = 0; i < 2; i++)
		self->requests[i] = (struct bufalloc_request) {
			.length = 100000,
			.caching = BUFALLOC_CACHING_COHERENT,
			.fd_flags = O_RDWR | O_CLOEXEC,
			.heap = BUFALLOC_HEAP_ANY,
		};
	self->alloc = (struct bufalloc_alloc) {
		.size = sizeof(self->alloc),
		.requests = (uintptr_t)self->requests,
		.results = (uintptr_t)self->results,
		.request_size = sizeof(self->requests[0]),
		.result_size = sizeof(self->results[0]),
		.count = 2,
	};
}

FIXTURE_TEARDOWN(abi32)
{
	close(self->device);
}

TEST_F(abi32, info_and_heap)
{
	struct bufalloc_info info = { .size = sizeof(info) };
	struct bufalloc_heap heap = { .size = sizeof(heap) };

	ASSERT_EQ(0, ioctl(self->device, BUFALLOC_IOCTL_INFO, &info));
	EXPECT_EQ(BUFALLOC_ABI_VERSION, info.out_abi_version);
	ASSERT_EQ(0, ioctl(self->device, BUFALLOC_IOCTL_HEAP, &heap));
	EXPECT_EQ(0, strcmp("system", heap.out_name));
	EXPECT_EQ(64, heap.out_dma_bits);
}

TEST_F(abi32, buffers_are_made_mapped_and_described)
{
	struct bufalloc_query query = { .size = sizeof(query) };
	unsigned char *bytes;
	int i;

	ASSERT_EQ(0, ioctl(self->device, BUFALLOC_IOCTL_ALLOC, &self->alloc));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(102400, self->results[i].length);
		bytes = mmap(NULL, 102400, PROT_READ | PROT_WRITE, MAP_SHARED,
			     self->results[i].fd, 0);
		ASSERT_NE(MAP_FAILED, bytes);
		EXPECT_EQ(0, bytes[102399]);
		memset(bytes, 1, 102400);
		munmap(bytes, 102400);
		query.fd = self->results[i].fd;
		ASSERT_EQ(0, ioctl(self->device, BUFALLOC_IOCTL_QUERY, &query));
		EXPECT_EQ(102400, query.out_length);
		close(self->results[i].fd);
	}
}

TEST_F(abi32, refusals_are_the_same)
{
	self->requests[1].length = 1ULL << 62;
	EXPECT_EQ(-1, ioctl(self->device, BUFALLOC_IOCTL_ALLOC, &self->alloc));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, self->alloc.out_failed);
	EXPECT_EQ(BUFALLOC_REASON_LENGTH, self->alloc.out_reason);

	self->requests[1].length = 4096;
	self->alloc.size = 47;
	EXPECT_EQ(-1, ioctl(self->device, BUFALLOC_IOCTL_ALLOC, &self->alloc));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->device, _IO(BUFALLOC_IOC_TYPE, 99), NULL));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_HARNESS_MAIN

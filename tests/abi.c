// SPDX-License-Identifier: MIT
/* The ABI of <linux/bufalloc.h>: sizes, refusals and their order, each errno. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"

/* Its size in the first version. */
#define FIRST_REQUEST 48

/* A structure with room to say that it is longer than the kernel's. */
struct roomy {
	uint32_t size;
	unsigned char rest[8188];
};

static int call(int device, unsigned long cmd, void *arg)
{
	return ioctl(device, cmd, arg) ? -errno : 0;
}

FIXTURE(abi)
{
	int device;
	struct roomy arg;
};

FIXTURE_SETUP(abi)
{
	memset(&self->arg, 0, sizeof(self->arg));
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(abi)
{
	bufalloc_close(self->device);
}

FIXTURE_VARIANT(abi)
{
	unsigned long cmd;
	uint32_t first; /* size of the first version */
	uint32_t size;
	int empty; /* what a call with nothing but a size says */
	bool told_first; /* what cannot be told is not tried */
};

FIXTURE_VARIANT_ADD(abi, info) {
	.cmd = BUFALLOC_IOCTL_INFO,
	.first = 72,
	.size = 120,
};

FIXTURE_VARIANT_ADD(abi, heap) {
	.cmd = BUFALLOC_IOCTL_HEAP,
	.first = 88,
	.size = 88,
};

FIXTURE_VARIANT_ADD(abi, alloc) {
	.cmd = BUFALLOC_IOCTL_ALLOC,
	.first = 48,
	.size = 48,
	.empty = -EINVAL,
};

FIXTURE_VARIANT_ADD(abi, query) {
	.cmd = BUFALLOC_IOCTL_QUERY,
	.first = 56,
	.size = 72,
	.empty = -EINVAL,
};

FIXTURE_VARIANT_ADD(abi, commit) {
	.cmd = BUFALLOC_IOCTL_COMMIT,
	.first = 32,
	.size = 32,
	.empty = -EINVAL,
};

FIXTURE_VARIANT_ADD(abi, sync) {
	.cmd = BUFALLOC_IOCTL_SYNC,
	.first = 32,
	.size = 32,
	.empty = -EINVAL,
};

FIXTURE_VARIANT_ADD(abi, advise) {
	.cmd = BUFALLOC_IOCTL_ADVISE,
	.first = 24,
	.size = 24,
	.empty = -EINVAL,
	.told_first = true,
};

TEST_F(abi, size_exact)
{
	int zero = open("/dev/null", O_RDWR);

	/* QUERY takes file descriptor 0 for a buffer: make it another file. */
	ASSERT_LE(0, dup2(zero, 0));
	self->arg.size = variant->size;
	EXPECT_EQ(variant->empty, call(self->device, variant->cmd, &self->arg));
}

/* A program of any age in between: what it has no room for is not written. */
TEST_F(abi, size_of_each_version_is_taken)
{
	unsigned char *bytes = (unsigned char *)&self->arg;
	int zero = open("/dev/null", O_RDWR);
	uint32_t size;

	ASSERT_LE(0, dup2(zero, 0));
	for (size = variant->first; size < variant->size; size++) {
		memset(&self->arg, 0, sizeof(self->arg));
		self->arg.size = size;
		memset(bytes + size, 0x5a, variant->size - size);
		EXPECT_EQ(variant->empty,
			  call(self->device, variant->cmd, &self->arg));
		EXPECT_EQ(0x5a, bytes[size]);
		EXPECT_EQ(0x5a, bytes[variant->size - 1]);
	}
}

TEST_F(abi, size_short_is_EINVAL)
{
	uint32_t size;

	for (size = 0; size < variant->first; size++) {
		self->arg.size = size;
		EXPECT_EQ(-EINVAL,
			  call(self->device, variant->cmd, &self->arg));
	}
}

TEST_F(abi, size_long_and_clean_is_taken)
{
	int zero = open("/dev/null", O_RDWR);

	ASSERT_LE(0, dup2(zero, 0));
	self->arg.size = 4096;
	EXPECT_EQ(variant->empty, call(self->device, variant->cmd, &self->arg));
	EXPECT_EQ(4096, self->arg.size);
}

TEST_F(abi, size_long_with_a_dirty_tail_is_E2BIG)
{
	unsigned char *bytes = (unsigned char *)&self->arg;

	self->arg.size = variant->size + 8;
	bytes[variant->size] = 1;
	EXPECT_EQ(-E2BIG, call(self->device, variant->cmd, &self->arg));
	bytes[variant->size] = 0;
	bytes[variant->size + 7] = 1;
	EXPECT_EQ(-E2BIG, call(self->device, variant->cmd, &self->arg));
}

TEST_F(abi, size_above_a_page_is_E2BIG)
{
	self->arg.size = 4097;
	EXPECT_EQ(-E2BIG, call(self->device, variant->cmd, &self->arg));
	self->arg.size = UINT32_MAX;
	EXPECT_EQ(-E2BIG, call(self->device, variant->cmd, &self->arg));
}

TEST_F(abi, unreadable_is_EFAULT)
{
	EXPECT_EQ(-EFAULT, call(self->device, variant->cmd, NULL));
	EXPECT_EQ(-EFAULT, call(self->device, variant->cmd, (void *)-4096L));
}

/* The size can be read, what follows it cannot. */
TEST_F(abi, half_unreadable_is_EFAULT)
{
	unsigned char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *size = (uint32_t *)(pages + 4096 - 8);

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(pages + 4096, 4096));
	*size = variant->size;
	EXPECT_EQ(-EFAULT, call(self->device, variant->cmd, size));
}

TEST_F(abi, unwritable_is_EFAULT)
{
	struct roomy *arg = mmap(NULL, sizeof(*arg), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int expected = variant->empty && !variant->told_first ? variant->empty :
								-EFAULT;
	int zero = open("/dev/null", O_RDWR);

	ASSERT_LE(0, dup2(zero, 0));
	ASSERT_NE(MAP_FAILED, (void *)arg);
	arg->size = variant->size;
	ASSERT_EQ(0, mprotect(arg, sizeof(*arg), PROT_READ));
	EXPECT_EQ(expected, call(self->device, variant->cmd, arg));
}

TEST_F(abi, command_number_has_no_size)
{
	EXPECT_EQ(_IO(BUFALLOC_IOC_TYPE, _IOC_NR(variant->cmd)), variant->cmd);
	self->arg.size = variant->size;
	EXPECT_EQ(-ENOTTY,
		  call(self->device,
		       _IOC(_IOC_READ, BUFALLOC_IOC_TYPE, _IOC_NR(variant->cmd),
			    variant->size),
		       &self->arg));
}

FIXTURE(call)
{
	int device;
};

FIXTURE_SETUP(call)
{
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(call)
{
	bufalloc_close(self->device);
}

TEST_F(call, unknown_commands_are_ENOTTY)
{
	struct bufalloc_info info = { .size = sizeof(info) };

	EXPECT_EQ(-ENOTTY, call(self->device, _IO(BUFALLOC_IOC_TYPE, 40), &info));
	EXPECT_EQ(-ENOTTY, call(self->device, _IO(BUFALLOC_IOC_TYPE, 255), &info));
	EXPECT_EQ(-ENOTTY, call(self->device, _IO(0x20, 0), &info));
	EXPECT_EQ(-ENOTTY, call(self->device, 0, &info));
}

TEST_F(call, info_tells_what_there_is)
{
	struct bufalloc_info info;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(BUFALLOC_ABI_VERSION, info.out_abi_version);
	EXPECT_EQ(BUFALLOC_FEATURE_DEFERRED | BUFALLOC_FEATURE_ALIGNMENT |
			  BUFALLOC_FEATURE_PADDING | BUFALLOC_FEATURE_SEGMENTS |
			  BUFALLOC_FEATURE_SYNC | BUFALLOC_FEATURE_PAGEABLE |
			  BUFALLOC_FEATURE_PURGEABLE,
		  info.out_features);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), info.out_page_size);
	EXPECT_LE(2, info.out_heaps);
	EXPECT_EQ(BUFALLOC_MAX_BATCH, info.out_max_batch);
	EXPECT_LE(512 * MIB, info.out_max_length);
	EXPECT_EQ(0, info.out_client_bytes);
	EXPECT_EQ(0, info.out_client_buffers);
	EXPECT_EQ(live_bytes(), info.out_system_bytes);
	EXPECT_EQ(live_buffers(), info.out_system_buffers);
}

TEST_F(call, reserved_fields_must_be_zero)
{
	struct bufalloc_query query = { .size = sizeof(query), .__reserved = 1 };

	EXPECT_EQ(-EINVAL, call(self->device, BUFALLOC_IOCTL_QUERY, &query));
}

TEST_F(call, heap_past_the_last_is_ENOENT)
{
	struct bufalloc_heap heap;
	struct bufalloc_info info;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(-ENOENT, bufalloc_get_heap(self->device, info.out_heaps, &heap));
	EXPECT_EQ(-ENOENT, bufalloc_get_heap(self->device, UINT32_MAX, &heap));
}

TEST_F(call, heap_counts_what_is_used)
{
	struct bufalloc_heap before, during, after;
	struct bufalloc_request request = request_of(MIB,
						     BUFALLOC_CACHING_COHERENT);
	struct bufalloc_result result;

	ASSERT_EQ(0, bufalloc_get_heap(self->device, 1, &before));
	request.heap = 1;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(1, result.heap);
	ASSERT_EQ(0, bufalloc_get_heap(self->device, 1, &during));
	close(result.fd);
	ASSERT_EQ(0, bufalloc_get_heap(self->device, 1, &after));
	EXPECT_EQ(before.out_bytes_used + MIB, during.out_bytes_used);
	EXPECT_EQ(before.out_bytes_used, after.out_bytes_used);
	EXPECT_EQ(0, before.out_bytes_total);
	EXPECT_EQ(4 * MIB, before.out_contiguous);
	EXPECT_EQ(32, before.out_dma_bits);
}

/* Any mode will do: what is asked for decides, not how the device was opened. */
TEST_F(call, read_only_device_allocates)
{
	int device = open(BUFALLOC_DEVICE, O_RDONLY | O_CLOEXEC);
	int fd;

	ASSERT_LE(0, device);
	fd = buffer_open(device, 4096, BUFALLOC_CACHING_CACHED);
	EXPECT_LE(0, fd);
	close(fd);
	close(device);
}

TEST_F(call, query_of_a_closed_fd_is_EBADF)
{
	struct bufalloc_query query;

	EXPECT_EQ(-EBADF, bufalloc_query(self->device, -1, &query));
	EXPECT_EQ(-EBADF, bufalloc_query(self->device, 1000, &query));
}

TEST_F(call, query_of_another_file_is_EINVAL)
{
	struct bufalloc_query query;

	EXPECT_EQ(-EINVAL, bufalloc_query(self->device, self->device, &query));
}

/* ALLOC with one request that each test spoils in one place. */
FIXTURE(alloc)
{
	int device;
	int fds;
	long bytes;
	struct bufalloc_request request;
	struct bufalloc_result result;
	struct bufalloc_alloc arg;
};

FIXTURE_SETUP(alloc)
{
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fds = open_fds();
	self->bytes = live_bytes();
	self->request = request_of(4096, BUFALLOC_CACHING_CACHED);
	self->arg = (struct bufalloc_alloc) {
		.size = sizeof(self->arg),
		.requests = (uintptr_t)&self->request,
		.results = (uintptr_t)&self->result,
		.request_size = sizeof(self->request),
		.result_size = sizeof(self->result),
		.count = 1,
	};
}

FIXTURE_TEARDOWN(alloc)
{
	/* Nothing half-done stays behind. */
	EXPECT_EQ(self->fds, open_fds());
	EXPECT_EQ(self->bytes, live_bytes());
	bufalloc_close(self->device);
}

static int try_alloc(int device, struct bufalloc_alloc *arg)
{
	return call(device, BUFALLOC_IOCTL_ALLOC, arg);
}

/* The request is refused. */
#define EXPECT_REFUSED(errno_, reason_) \
	do { \
		EXPECT_EQ(-(errno_), try_alloc(self->device, &self->arg)); \
		EXPECT_EQ(reason_, self->arg.out_reason); \
		EXPECT_EQ(0, self->arg.out_failed); \
	} while (0)

/* The call itself is: no request is to blame. */
#define EXPECT_CALL_REFUSED(errno_) \
	do { \
		EXPECT_EQ(-(errno_), try_alloc(self->device, &self->arg)); \
		EXPECT_EQ(BUFALLOC_REASON_NONE, self->arg.out_reason); \
		EXPECT_EQ(self->arg.count, self->arg.out_failed); \
	} while (0)

TEST_F(alloc, unspoiled_is_made)
{
	ASSERT_EQ(0, try_alloc(self->device, &self->arg));
	EXPECT_EQ(BUFALLOC_REASON_NONE, self->arg.out_reason);
	EXPECT_EQ(4096, self->result.length);
	EXPECT_EQ(self->fds + 1, open_fds());
	close(self->result.fd);
}

TEST_F(alloc, flags_of_the_call)
{
	self->arg.flags = 1;
	EXPECT_CALL_REFUSED(EINVAL);
}

TEST_F(alloc, reserved_of_the_call)
{
	self->arg.__reserved = 1;
	EXPECT_CALL_REFUSED(EINVAL);
}

TEST_F(alloc, no_requests)
{
	self->arg.count = 0;
	EXPECT_CALL_REFUSED(EINVAL);
}

TEST_F(alloc, too_many_requests)
{
	self->arg.count = BUFALLOC_MAX_BATCH + 1;
	EXPECT_CALL_REFUSED(E2BIG);
	self->arg.count = UINT32_MAX;
	EXPECT_CALL_REFUSED(E2BIG);
}

TEST_F(alloc, element_sizes)
{
	self->arg.request_size = FIRST_REQUEST - 1;
	EXPECT_CALL_REFUSED(EINVAL);
	self->arg.request_size = 4097;
	EXPECT_CALL_REFUSED(E2BIG);
	self->arg.request_size = sizeof(self->request);
	self->arg.result_size = sizeof(self->result) - 1;
	EXPECT_CALL_REFUSED(EINVAL);
	self->arg.result_size = 4097;
	EXPECT_CALL_REFUSED(E2BIG);
}

TEST_F(alloc, requests_unreadable)
{
	self->arg.requests = 0;
	EXPECT_REFUSED(EFAULT, BUFALLOC_REASON_NONE);
	self->arg.requests = UINTPTR_MAX - 8;
	EXPECT_REFUSED(EFAULT, BUFALLOC_REASON_NONE);
}

/* What is no address of this kernel is not cut down to one. */
TEST_F(alloc, address_of_no_pointer)
{
	if (sizeof(void *) == sizeof(uint64_t))
		SKIP(return, "every number is the size of a pointer here");
	self->arg.requests |= 1ULL << 32;
	EXPECT_CALL_REFUSED(EFAULT);
	self->arg.requests &= UINTPTR_MAX;
	self->arg.results |= 1ULL << 63;
	EXPECT_CALL_REFUSED(EFAULT);
}

TEST_F(alloc, results_unwritable)
{
	self->arg.results = 0;
	EXPECT_REFUSED(EFAULT, BUFALLOC_REASON_NONE);
}

TEST_F(alloc, length)
{
	struct bufalloc_info info;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	self->request.length = 0;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
	self->request.length = info.out_max_length + 1;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
	self->request.length = 1ULL << 63;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
	self->request.length = UINT64_MAX;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
}

TEST_F(alloc, caching)
{
	self->request.caching = BUFALLOC_CACHING_CACHED + 1;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_CACHING);
}

TEST_F(alloc, flags)
{
	self->request.flags = 1U << 30;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_FIELD);
	self->request.flags = 1U << 31;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_FIELD);
}

TEST_F(alloc, alignment)
{
	self->request.alignment = 3;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_ALIGNMENT);
	self->request.alignment = 2 * BUFALLOC_MAX_ALIGNMENT;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_ALIGNMENT);
}

TEST_F(alloc, padding)
{
	self->request.padding = UINT64_MAX;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
	self->request.padding = UINT64_MAX - self->request.length + 1;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
}

TEST_F(alloc, fd_flags)
{
	self->request.fd_flags = O_WRONLY;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_FD_FLAGS);
	self->request.fd_flags = O_RDWR | O_NONBLOCK;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_FD_FLAGS);
}

TEST_F(alloc, heap)
{
	self->request.heap = 1000;
	EXPECT_REFUSED(ENOENT, BUFALLOC_REASON_HEAP);
}

TEST_F(alloc, dma_bits)
{
	self->request.dma_bits = 11;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_DMA_BITS);
	self->request.dma_bits = 65;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_DMA_BITS);
	self->request.dma_bits = 12;
	EXPECT_REFUSED(ENOENT, BUFALLOC_REASON_DMA_BITS);
	/* Heap 0 reaches higher. */
	self->request.heap = 0;
	self->request.dma_bits = 32;
	EXPECT_REFUSED(ENOENT, BUFALLOC_REASON_DMA_BITS);
}

/* Two things wrong: the one that is checked first decides. */
TEST_F(alloc, order_of_errors)
{
	self->arg.request_size = 1;
	self->arg.requests = 0;
	EXPECT_CALL_REFUSED(EINVAL);
	self->arg.count = BUFALLOC_MAX_BATCH + 1;
	EXPECT_CALL_REFUSED(EINVAL);
	self->arg.request_size = sizeof(self->request);
	self->arg.flags = 1;
	EXPECT_CALL_REFUSED(E2BIG);
	self->arg.count = 1;
	EXPECT_CALL_REFUSED(EINVAL);
	self->arg.flags = 0;
	EXPECT_REFUSED(EFAULT, BUFALLOC_REASON_NONE);
	self->arg.requests = (uintptr_t)&self->request;

	self->request.flags = 1U << 31 | BUFALLOC_ALLOC_DEFERRED;
	self->request.length = 0;
	self->request.heap = 1000;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_FIELD);
	self->request.flags = BUFALLOC_ALLOC_DEFERRED;
	EXPECT_REFUSED(EINVAL, BUFALLOC_REASON_LENGTH);
	self->request.length = 4096;
	EXPECT_REFUSED(ENOENT, BUFALLOC_REASON_HEAP);
}

/* Elements longer than the kernel's: clean ones work, a dirty tail does not. */
TEST_F(alloc, long_elements)
{
	unsigned char requests[2][96] = {}, results[2][64];
	struct bufalloc_result result;
	int i;

	for (i = 0; i < 2; i++)
		memcpy(requests[i], &self->request, sizeof(self->request));
	memset(results, 0xff, sizeof(results));
	self->arg.requests = (uintptr_t)requests;
	self->arg.results = (uintptr_t)results;
	self->arg.request_size = sizeof(requests[0]);
	self->arg.result_size = sizeof(results[0]);
	self->arg.count = 2;
	ASSERT_EQ(0, try_alloc(self->device, &self->arg));
	for (i = 0; i < 2; i++) {
		memcpy(&result, results[i], sizeof(result));
		EXPECT_EQ(4096, result.length);
		EXPECT_EQ(0, close(result.fd));
		/* The kernel clears what it knows nothing of. */
		EXPECT_EQ(0, results[i][sizeof(result)]);
		EXPECT_EQ(0, results[i][sizeof(results[0]) - 1]);
	}

	requests[1][95] = 1;
	EXPECT_EQ(-E2BIG, try_alloc(self->device, &self->arg));
	EXPECT_EQ(1, self->arg.out_failed);
}

/* The second of two requests is on a page that is not there. */
TEST_F(alloc, half_unreadable_requests)
{
	unsigned char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bufalloc_result results[2];

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(pages + 4096, 4096));
	memcpy(pages + 4096 - sizeof(self->request), &self->request,
	       sizeof(self->request));
	self->arg.requests = (uintptr_t)pages + 4096 - sizeof(self->request);
	self->arg.results = (uintptr_t)results;
	self->arg.count = 2;
	EXPECT_EQ(-EFAULT, try_alloc(self->device, &self->arg));
	EXPECT_EQ(1, self->arg.out_failed);
}

/*
 * The second of two results cannot be written: by then both buffers exist and
 * the first result was told. No file descriptor may have appeared.
 */
TEST_F(alloc, half_unwritable_results_leave_no_fd)
{
	unsigned char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bufalloc_request requests[2] = { self->request, self->request };

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + 4096, 4096, PROT_READ));
	self->arg.requests = (uintptr_t)requests;
	self->arg.results = (uintptr_t)pages + 4096 - sizeof(self->result);
	self->arg.count = 2;
	EXPECT_EQ(-EFAULT, try_alloc(self->device, &self->arg));
	EXPECT_EQ(1, self->arg.out_failed);
}

/* The same where only the call itself cannot be written back. */
TEST_F(alloc, unwritable_call_leaves_no_fd)
{
	struct bufalloc_alloc *arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)arg);
	*arg = self->arg;
	ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, try_alloc(self->device, arg));
}

TEST_HARNESS_MAIN

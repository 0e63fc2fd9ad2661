// SPDX-License-Identifier: MIT
/*
 * S20: memory that a process has already becomes a buffer. Real DMA goes into it and out
 * of it, also when the process has unmapped it or has died; it counts for what may be
 * locked; and what is not for DMA at any time is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/userfaultfd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/nobody.h"
#include "lib/quotas.h"

#define PARAMETER "/sys/module/bufalloc/parameters/user_memory"
#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"

#define PAGE 4096UL
#define HUGE (2 * MIB)
#define LENGTH (2 * HUGE)
/* What others take at once of what was freed. */
#define TAKEN (8 * HUGE)
/* What edu moves at a time, within a page. */
#define CHUNK ((size_t)IMPORTER_DMA_MAX & ~7UL)
/* A 32-bit ARM has no such call: a number that no kernel knows. */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret (-1)
#endif

#define RW (PROT_READ | PROT_WRITE)
#define ANY (MAP_PRIVATE | MAP_ANONYMOUS)

/* Newer than the headers: MADV_GUARD_INSTALL and MADV_GUARD_REMOVE. */
#define GUARD_INSTALL 102
#define GUARD_REMOVE 103

#define REASON_OF(errno, reason) ((errno) << 8 | (reason))

/* Of the address space: what counts against RLIMIT_MEMLOCK, in bytes. */
static long pinned(void)
{
	return status_number("VmPin") * 1024;
}

static struct bufalloc_request request_at(const void *address, size_t length)
{
	struct bufalloc_request request = request_of(length, BUFALLOC_CACHING_CACHED);

	request.flags = BUFALLOC_ALLOC_USER_MEMORY;
	request.address = (uintptr_t)address;
	return request;
}

/* A file descriptor, or a negative errno. */
static int open_at(int device, const void *address, size_t length)
{
	struct bufalloc_request request = request_at(address, length);
	struct bufalloc_result result;
	int ret;

	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

/* Both at once: what a refusal says. What is made goes at once. */
static int refusal(int device, const struct bufalloc_request *request)
{
	struct bufalloc_result result;
	uint32_t reason;
	int ret;

	ret = bufalloc_alloc(device, request, &result, &reason);
	if (!ret)
		close(result.fd);
	return REASON_OF(-ret, reason);
}

static int refusal_at(int device, const void *address, size_t length)
{
	struct bufalloc_request request = request_at(address, length);

	return refusal(device, &request);
}

static unsigned char *pages_get(size_t length)
{
	unsigned char *pages = mmap(NULL, length, RW, ANY, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

/* Nobody has asked for it yet. */
TEST(off_by_default)
{
	static unsigned char page[PAGE] __attribute__((aligned(PAGE)));
	int device = bufalloc_open(NULL);
	struct bufalloc_info info;

	ASSERT_LE(0, device);
	ASSERT_EQ(0, bufalloc_get_info(device, &info));
	EXPECT_EQ(0, info.out_features & BUFALLOC_FEATURE_USER_MEMORY);
	EXPECT_EQ(REASON_OF(EOPNOTSUPP, BUFALLOC_REASON_FEATURE),
		  refusal_at(device, page, PAGE));
	/* What no kernel does comes first. */
	EXPECT_EQ(REASON_OF(EINVAL, BUFALLOC_REASON_USER_ADDRESS),
		  refusal_at(device, page + 1, PAGE));

	ASSERT_EQ(0, write_string(PARAMETER, "1"));
	ASSERT_EQ(0, bufalloc_get_info(device, &info));
	EXPECT_EQ(BUFALLOC_FEATURE_USER_MEMORY,
		  info.out_features & BUFALLOC_FEATURE_USER_MEMORY);
	EXPECT_EQ(0, refusal_at(device, page, PAGE));
	ASSERT_EQ(0, write_string(PARAMETER, "0"));
	EXPECT_EQ(REASON_OF(EOPNOTSUPP, BUFALLOC_REASON_FEATURE),
		  refusal_at(device, page, PAGE));
	bufalloc_close(device);
}

FIXTURE(refused)
{
	int device;
	long bytes;
	unsigned char *pages;
	struct bufalloc_request request;
};

FIXTURE_SETUP(refused)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, write_string(PARAMETER, "1"));
	self->pages = pages_get(16 * PAGE);
	ASSERT_NE(NULL, self->pages);
	self->request = request_at(self->pages, 16 * PAGE);
	ASSERT_EQ(0, refusal(self->device, &self->request));
}

FIXTURE_TEARDOWN(refused)
{
	/* Nothing of it is kept. */
	EXPECT_EQ(0, pinned());
	EXPECT_EQ(self->bytes, live_bytes());
	bufalloc_close(self->device);
	EXPECT_EQ(0, write_string(PARAMETER, "0"));
}

#define EXPECT_REFUSED(errno, reason) \
	EXPECT_EQ(REASON_OF(errno, BUFALLOC_REASON_##reason), \
		  refusal(self->device, &self->request))

TEST_F(refused, address_of_no_page)
{
	self->request.address += 1;
	EXPECT_REFUSED(EINVAL, USER_ADDRESS);
	self->request.address += PAGE / 2 - 1;
	EXPECT_REFUSED(EINVAL, USER_ADDRESS);
}

TEST_F(refused, length_of_no_whole_pages)
{
	self->request.length -= 1;
	EXPECT_REFUSED(EINVAL, LENGTH);
	self->request.length = 1;
	EXPECT_REFUSED(EINVAL, LENGTH);
	self->request.length = 0;
	EXPECT_REFUSED(EINVAL, LENGTH);
}

TEST_F(refused, addresses_that_wrap)
{
	self->request.address = -(uint64_t)PAGE;
	self->request.length = 2 * PAGE;
	EXPECT_REFUSED(EINVAL, USER_ADDRESS);
	self->request.address = -16 * (uint64_t)PAGE;
	self->request.length = 17 * PAGE;
	EXPECT_REFUSED(EINVAL, USER_ADDRESS);
}

/* They do not wrap, and nobody has memory there. */
TEST_F(refused, addresses_of_the_kernel)
{
	self->request.address = -16 * (uint64_t)PAGE;
	self->request.length = 16 * PAGE;
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	self->request.address = 1ULL << 63;
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	self->request.address = 1ULL << 32;
	self->request.length = PAGE;
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	self->request.address = 0;
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
}

TEST_F(refused, what_cannot_be_chosen)
{
	const struct bufalloc_request good = self->request;

	self->request.caching = BUFALLOC_CACHING_WC;
	EXPECT_REFUSED(EINVAL, CACHING);
	self->request.caching = BUFALLOC_CACHING_COHERENT;
	EXPECT_REFUSED(EINVAL, CACHING);
	self->request = good;
	self->request.heap = 0;
	EXPECT_REFUSED(EINVAL, HEAP);
	self->request = good;
	self->request.dma_bits = 64;
	EXPECT_REFUSED(EINVAL, DMA_BITS);
	self->request = good;
	self->request.max_segments = 16;
	EXPECT_REFUSED(EINVAL, SEGMENTS);
	self->request = good;
	self->request.alignment = 2 * PAGE;
	EXPECT_REFUSED(EINVAL, ALIGNMENT);
	self->request = good;
	self->request.padding = 1;
	EXPECT_REFUSED(EINVAL, LENGTH);
	self->request = good;
	self->request.flags |= BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_REFUSED(EINVAL, FIELD);
	self->request = good;
	self->request.flags |= BUFALLOC_ALLOC_DEFERRED;
	EXPECT_REFUSED(EINVAL, FIELD);
	/* What goes without saying can be said. */
	self->request = good;
	self->request.alignment = PAGE;
	self->request.flags |= BUFALLOC_ALLOC_ANY_CACHING;
	EXPECT_EQ(0, refusal(self->device, &self->request));
}

/* No field is accepted and ignored. */
TEST_F(refused, address_without_the_flag)
{
	self->request.flags = 0;
	EXPECT_REFUSED(EINVAL, FIELD);
	self->request.address = 0;
	EXPECT_EQ(0, refusal(self->device, &self->request));
}

TEST_F(refused, memory_that_is_not_there)
{
	ASSERT_EQ(0, munmap(self->pages + 15 * PAGE, PAGE));
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	self->request.length = 15 * PAGE;
	EXPECT_EQ(0, refusal(self->device, &self->request));
	ASSERT_EQ(0, munmap(self->pages + 7 * PAGE, PAGE));
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	ASSERT_EQ(0, munmap(self->pages, PAGE));
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
}

#ifdef __aarch64__
/* The processor ignores the first byte of an address, and so does all else. */
TEST_F(refused, byte_that_is_no_address_changes_nothing)
{
	const uintptr_t tag = 0x5aUL << 56;
	struct mapping mapping;
	int fd;

	self->request.address |= tag;
	EXPECT_EQ(0, refusal(self->device, &self->request));
	fd = buffer_open(self->device, 16 * PAGE, BUFALLOC_CACHING_CACHED);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	self->request.address = (uintptr_t)mapping.bytes | tag;
	EXPECT_REFUSED(EFAULT, USER_KIND);
	buffer_unmap(&mapping);
	self->request.address = (uintptr_t)mapping.bytes | tag;
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	close(fd);
}
#endif

TEST_F(refused, memory_that_cannot_be_written)
{
	self->pages[0] = 1;
	self->pages[8 * PAGE] = 1;
	ASSERT_EQ(0, mprotect(self->pages + 8 * PAGE, PAGE, PROT_READ));
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	ASSERT_EQ(0, mprotect(self->pages + 8 * PAGE, PAGE, PROT_NONE));
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	ASSERT_EQ(0, mprotect(self->pages + 8 * PAGE, PAGE, RW));
	EXPECT_EQ(0, refusal(self->device, &self->request));
}

/* Its pages belong to a file system, also where nothing is ever written back. */
TEST_F(refused, memory_of_a_file)
{
	const char *place = "/tmp/ramfs";
	void *pages;
	int fd;

	ASSERT_EQ(0, mkdir(place, 0700));
	ASSERT_EQ(0, mount("none", place, "ramfs", 0, NULL));
	fd = open("/tmp/ramfs/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 16 * PAGE));
	pages = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_KIND),
		  refusal_at(self->device, pages, 16 * PAGE));
	/* One page of it, in the middle of others. */
	ASSERT_NE(MAP_FAILED, mmap(self->pages + 9 * PAGE, PAGE, RW,
				   MAP_SHARED | MAP_FIXED, fd, 0));
	EXPECT_REFUSED(EFAULT, USER_KIND);
	/* A copy of one's own is another thing. */
	ASSERT_NE(MAP_FAILED, mmap(self->pages + 9 * PAGE, PAGE, RW,
				   MAP_PRIVATE | MAP_FIXED, fd, 0));
	EXPECT_EQ(0, refusal(self->device, &self->request));
	munmap(pages, 16 * PAGE);
	munmap(self->pages + 9 * PAGE, PAGE);
	close(fd);
	EXPECT_EQ(0, umount(place));
	EXPECT_EQ(0, rmdir(place));
}

/* That of a buffer, for one. */
TEST_F(refused, memory_of_a_device)
{
	int fd = buffer_open(self->device, 16 * PAGE, BUFALLOC_CACHING_CACHED);
	struct mapping mapping;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_KIND),
		  refusal_at(self->device, mapping.bytes, 16 * PAGE));
	buffer_unmap(&mapping);
	close(fd);
}

/* Their number is the machine's, and not that of whoever may lock memory. */
TEST_F(refused, shared_huge_pages)
{
	long before = read_number(HUGE_PAGES);
	void *pages;
	int fd;

	if (before < 0)
		SKIP(return, "this kernel has no huge pages");
	ASSERT_EQ(0, write_string(HUGE_PAGES, "2"));
	fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, HUGE));
	pages = mmap(NULL, HUGE, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_KIND),
		  refusal_at(self->device, pages, HUGE));
	munmap(pages, HUGE);
	close(fd);
	ASSERT_EQ(0, write_string(HUGE_PAGES, "0"));
}

/* It is memory of the right kind, and there is none. */
TEST_F(refused, past_the_end_of_a_memfd)
{
	int fd = memfd_create("short", MFD_CLOEXEC);
	void *pages;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 4 * PAGE));
	pages = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_ADDRESS),
		  refusal_at(self->device, pages, 8 * PAGE));
	EXPECT_EQ(0, refusal_at(self->device, pages, 4 * PAGE));
	munmap(pages, 8 * PAGE);

	/* Copies of it end there, too. */
	pages = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_ADDRESS),
		  refusal_at(self->device, pages, 8 * PAGE));
	munmap(pages, 8 * PAGE);
	close(fd);
}

TEST_F(refused, memory_of_a_full_file_system)
{
	const char *place = "/tmp/full";
	void *pages;
	int fd;

	ASSERT_EQ(0, mkdir(place, 0700));
	ASSERT_EQ(0, mount("none", place, "tmpfs", 0, "size=64k"));
	fd = open("/tmp/full/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 32 * PAGE));
	pages = mmap(NULL, 32 * PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_ADDRESS),
		  refusal_at(self->device, pages, 32 * PAGE));
	munmap(pages, 32 * PAGE);
	close(fd);
	EXPECT_EQ(0, umount(place));
	EXPECT_EQ(0, rmdir(place));
}

/* A mapping that was made before may be written, a later one may not. */
TEST_F(refused, sealed_memory_that_cannot_be_written)
{
	int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *before, *after;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 4 * PAGE));
	before = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, before);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	after = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, after);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_ADDRESS),
		  refusal_at(self->device, after, 4 * PAGE));
	EXPECT_EQ(0, refusal_at(self->device, before, 4 * PAGE));
	munmap(before, 4 * PAGE);
	munmap(after, 4 * PAGE);
	close(fd);
}

/* Without a page that is free: they were not set aside when it was mapped. */
TEST_F(refused, huge_pages_that_are_not_there)
{
	long before = read_number(HUGE_PAGES);
	void *pages;

	if (before < 0)
		SKIP(return, "this kernel has no huge pages");
	pages = mmap(NULL, HUGE, RW, ANY | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_ADDRESS),
		  refusal_at(self->device, pages, HUGE));
	munmap(pages, HUGE);
}

TEST_F(refused, guard_page)
{
	/* 6.13 has it. */
	if (madvise(self->pages + 8 * PAGE, PAGE, GUARD_INSTALL) && errno == EINVAL)
		SKIP(return, "this kernel has no guards in a mapping");
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	ASSERT_EQ(0, madvise(self->pages + 8 * PAGE, PAGE, GUARD_REMOVE));
	EXPECT_EQ(0, refusal(self->device, &self->request));
}

/* What no page of the kernel's own mapping is, no device gets. */
TEST_F(refused, memory_that_is_secret)
{
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);
	void *pages;

	if (fd < 0)
		SKIP(return, "this kernel has no memfd_secret");
	ASSERT_EQ(0, ftruncate(fd, PAGE));
	pages = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(REASON_OF(EFAULT, BUFALLOC_REASON_USER_KIND),
		  refusal_at(self->device, pages, PAGE));
	munmap(pages, PAGE);
	close(fd);
}

/* Nobody takes what a signal would tell of. */
TEST_F(refused, memory_whose_faults_are_signals)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_SIGBUS };
	struct uffdio_register area = {
		.range = { .start = (uintptr_t)self->pages, .len = 16 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd;

	ASSERT_EQ(0, madvise(self->pages, 16 * PAGE, MADV_DONTNEED));
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "this kernel has no userfaultfd");
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));
	ASSERT_EQ(0, ioctl(fd, UFFDIO_REGISTER, &area));
	EXPECT_REFUSED(EFAULT, USER_ADDRESS);
	close(fd);
	EXPECT_EQ(0, refusal(self->device, &self->request));
}

static void survive(int signal)
{
	(void)signal;
}

TEST_F(refused, poisoned_page)
{
	self->pages[8 * PAGE] = 1;
	/* The kernel also tells whoever had the page. */
	ASSERT_NE(SIG_ERR, signal(SIGBUS, survive));
	if (madvise(self->pages + 8 * PAGE, PAGE, MADV_HWPOISON) && errno == EINVAL)
		SKIP(return, "this kernel knows of no errors of the hardware");
	EXPECT_REFUSED(EFAULT, UNREADABLE);
	self->request.length = 8 * PAGE;
	EXPECT_EQ(0, refusal(self->device, &self->request));
}

/* With others: all or nothing, also of what is pinned already. */
TEST_F(refused, batch_with_another_that_is)
{
	struct bufalloc_request requests[3] = {
		self->request,
		request_of(PAGE, BUFALLOC_CACHING_WC),
		self->request,
	};
	struct bufalloc_result results[3];
	uint32_t failed, reason;

	requests[1].caching = BUFALLOC_CACHING_COHERENT;
	requests[2].address = 0;
	EXPECT_EQ(-EFAULT, bufalloc_alloc_batch(self->device, requests, results,
						3, &failed, &reason));
	EXPECT_EQ(2, failed);
	EXPECT_EQ(BUFALLOC_REASON_USER_ADDRESS, reason);
	EXPECT_EQ(0, pinned());

	requests[2] = request_of(64 * GIB, BUFALLOC_CACHING_CACHED);
	EXPECT_EQ(-EINVAL, bufalloc_alloc_batch(self->device, requests, results,
						3, &failed, &reason));
	/* Where the others find none, it has been pinned by then. */
	requests[2] = request_of(4 * MIB, BUFALLOC_CACHING_CACHED);
	requests[2].dma_bits = 12;
	EXPECT_EQ(-ENOENT, bufalloc_alloc_batch(self->device, requests, results,
						3, &failed, &reason));
	EXPECT_EQ(0, pinned());
}

/* A part of a batch is taken a second time; that of a process is not. */
TEST_F(refused, past_a_quota)
{
	struct bufalloc_request requests[2] = {
		self->request,
		request_of(8 * MIB, BUFALLOC_CACHING_CACHED),
	};
	struct bufalloc_result results[2];
	struct quotas before, tight;
	uint32_t failed, reason;

	ASSERT_EQ(0, quotas_read(&before));
	tight = before;
	tight.max[USER_BYTES] = 15 * PAGE;
	ASSERT_EQ(0, quotas_write(&tight));
	EXPECT_REFUSED(EDQUOT, USER_BYTES);
	EXPECT_EQ(0, pinned());
	tight.max[USER_BYTES] = 4 * MIB;
	ASSERT_EQ(0, quotas_write(&tight));
	EXPECT_EQ(0, refusal(self->device, &self->request));
	EXPECT_EQ(-EDQUOT, bufalloc_alloc_batch(self->device, requests, results,
						2, &failed, &reason));
	EXPECT_EQ(1, failed);
	EXPECT_EQ(0, pinned());
	ASSERT_EQ(0, quotas_write(&before));
	ASSERT_EQ(0, bufalloc_alloc_batch(self->device, requests, results, 2,
					  &failed, &reason));
	EXPECT_EQ(16 * PAGE, pinned());
	EXPECT_EQ(BUFALLOC_HEAP_ANY, results[0].heap);
	close(results[0].fd);
	close(results[1].fd);
}

/* The CPU has it where the process has it. */
TEST_F(refused, mappings_of_the_buffer)
{
	int fd = open_at(self->device, self->pages, 16 * PAGE);
	int importer = importer_open();
	struct importer_vmap vmap;
	struct bufalloc_query query;
	struct mapping mapping;
	void *address;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, importer);
	EXPECT_EQ(-EINVAL, buffer_map(fd, &mapping));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-EINVAL, bufalloc_map(fd, PAGE, PROT_READ, &address));
	EXPECT_EQ(-EINVAL, importer_vmap(importer, fd, 0, &vmap));
	/* Whatever the caller had there. */
	memset(&query, 0xff, sizeof(query));
	query.size = sizeof(query);
	query.fd = fd;
	query.__reserved = 0;
	ASSERT_EQ(0, ioctl(self->device, BUFALLOC_IOCTL_QUERY, &query));
	EXPECT_EQ(0, query.out_max_cpu_page);
	close(importer);
	close(fd);
}

/* What it counts for: once for each buffer, given back with each. */
FIXTURE(locked)
{
	int device;
	long bytes;
	unsigned char *pages;
};

FIXTURE_SETUP(locked)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, write_string(PARAMETER, "1"));
	self->pages = pages_get(16 * PAGE);
	ASSERT_NE(NULL, self->pages);
	ASSERT_EQ(0, pinned());
}

FIXTURE_TEARDOWN(locked)
{
	bufalloc_close(self->device);
	/* Whoever has become nobody cannot any more. */
	if (!getuid()) {
		EXPECT_EQ(0, write_string(PARAMETER, "0"));
		EXPECT_EQ(self->bytes, live_bytes());
	}
}

static int limit_locked(size_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

TEST_F(locked, as_often_as_it_is_a_buffer)
{
	uint64_t bytes = client_bytes(self->device);
	int fds[3];

	fds[0] = open_at(self->device, self->pages, 16 * PAGE);
	ASSERT_LE(0, fds[0]);
	EXPECT_EQ(16 * PAGE, pinned());
	EXPECT_EQ(bytes + 16 * PAGE, client_bytes(self->device));
	fds[1] = open_at(self->device, self->pages, 16 * PAGE);
	ASSERT_LE(0, fds[1]);
	fds[2] = open_at(self->device, self->pages + PAGE, PAGE);
	ASSERT_LE(0, fds[2]);
	EXPECT_EQ(33 * PAGE, pinned());
	EXPECT_EQ(bytes + 33 * PAGE, client_bytes(self->device));
	close(fds[0]);
	EXPECT_EQ(17 * PAGE, pinned());
	close(fds[2]);
	EXPECT_EQ(16 * PAGE, pinned());
	/* Who unmaps it still has it locked. */
	ASSERT_EQ(0, munmap(self->pages, 16 * PAGE));
	EXPECT_EQ(16 * PAGE, pinned());
	close(fds[1]);
	EXPECT_EQ(0, pinned());
	EXPECT_EQ(bytes, client_bytes(self->device));
}

TEST_F(locked, no_more_than_RLIMIT_MEMLOCK)
{
	int fds[2];

	ASSERT_EQ(0, limit_locked(10 * PAGE));
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(REASON_OF(ENOMEM, BUFALLOC_REASON_LOCKED),
		  refusal_at(self->device, self->pages, 11 * PAGE));
	EXPECT_EQ(0, pinned());
	fds[0] = open_at(self->device, self->pages, 10 * PAGE);
	ASSERT_LE(0, fds[0]);
	EXPECT_EQ(REASON_OF(ENOMEM, BUFALLOC_REASON_LOCKED),
		  refusal_at(self->device, self->pages, PAGE));
	EXPECT_EQ(10 * PAGE, pinned());
	close(fds[0]);
	EXPECT_EQ(0, pinned());
	fds[0] = open_at(self->device, self->pages, 9 * PAGE);
	ASSERT_LE(0, fds[0]);
	fds[1] = open_at(self->device, self->pages, PAGE);
	ASSERT_LE(0, fds[1]);
	EXPECT_EQ(REASON_OF(ENOMEM, BUFALLOC_REASON_LOCKED),
		  refusal_at(self->device, self->pages, PAGE));
	close(fds[0]);
	close(fds[1]);
}

TEST_F(locked, more_than_that_with_the_capability)
{
	int fd;

	ASSERT_EQ(0, limit_locked(0));
	fd = open_at(self->device, self->pages, 16 * PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(16 * PAGE, pinned());
	close(fd);
	EXPECT_EQ(0, pinned());
}

/* It was the child's limit. What it counted for outlives it; KASAN looks on. */
TEST_F(locked, for_who_is_dead)
{
	int status, fd;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		fd = open_at(self->device, self->pages, 16 * PAGE);
		_exit(fd < 0 || pinned() != 16 * PAGE);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(0, pinned());
}

/* The child has the buffer as well, and lets it go last. */
TEST_F(locked, for_who_asked_whoever_frees_it)
{
	int status, go[2];
	pid_t child;
	char byte;
	int fd;

	fd = open_at(self->device, self->pages, 16 * PAGE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1))
			_exit(2);
		close(fd);
		_exit(pinned() ? 1 : 0);
	}
	close(fd);
	EXPECT_EQ(16 * PAGE, pinned());
	close(go[0]);
	close(go[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, pinned());
}

/* A thread whose ALLOC waits for a page that somebody has to bring. */
struct waiting {
	int device;
	unsigned char *pages;
	int refused;
};

static void *alloc_forever(void *data)
{
	struct waiting *waiting = data;

	waiting->refused = open_at(waiting->device, waiting->pages, 16 * PAGE);
	return NULL;
}

#define DOES_NOT_WAIT 2

/* Killed while ALLOC waits. In 6.1 pins for long do not: EFAULT. */
static int die_in_alloc(struct waiting *waiting)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)waiting->pages, 16 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct pollfd events = { .fd = fd, .events = POLLIN };
	pthread_t thread;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &range) ||
	    pthread_create(&thread, NULL, alloc_forever, waiting))
		return 1;
	if (poll(&events, 1, 10000) != 1) {
		pthread_join(thread, NULL);
		return waiting->refused == -EFAULT ? DOES_NOT_WAIT : 1;
	}
	/* Nobody brings it. */
	usleep(100000);
	return kill(getpid(), SIGKILL);
}

TEST_F(locked, fatal_signal_ends_the_wait_for_a_page)
{
	struct waiting waiting = { self->device, self->pages, 0 };
	pid_t child;
	int status;

	if (access("/proc/sys/vm/unprivileged_userfaultfd", F_OK))
		SKIP(return, "this kernel keeps no faults waiting");
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		alarm(60);
		_exit(die_in_alloc(&waiting));
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(self->bytes, live_bytes());
	if (WIFEXITED(status) && WEXITSTATUS(status) == DOES_NOT_WAIT)
		SKIP(return, "this kernel does not wait for a page to pin");
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

/* Memory as a program may have it, and what devices do with it. */
FIXTURE(user)
{
	int device;
	int importer;
	int edu;
	int fd;
	int id;
	long bytes;
	unsigned char *pages;
	struct importer_map map;
};

FIXTURE_VARIANT(user)
{
	int flags;
	bool by_file;
	bool transparent;
};

FIXTURE_VARIANT_ADD(user, anonymous) {
	.flags = ANY,
};

FIXTURE_VARIANT_ADD(user, shared) {
	.flags = MAP_SHARED | MAP_ANONYMOUS,
};

FIXTURE_VARIANT_ADD(user, memfd) {
	.flags = MAP_SHARED,
	.by_file = true,
};

/* Each page is a copy of the file's, by the time that it is pinned. */
FIXTURE_VARIANT_ADD(user, private_of_a_file) {
	.flags = MAP_PRIVATE,
	.by_file = true,
};

FIXTURE_VARIANT_ADD(user, transparent) {
	.flags = ANY,
	.transparent = true,
};

FIXTURE_VARIANT_ADD(user, hugetlb) {
	.flags = ANY | MAP_HUGETLB,
};

/* At a multiple of a huge page. */
static unsigned char *memory_get(const FIXTURE_VARIANT(user) * variant)
{
	unsigned char *room = mmap(NULL, LENGTH + HUGE, PROT_NONE,
				   ANY | MAP_NORESERVE, -1, 0);
	unsigned char *at;
	int fd = -1;

	if (room == MAP_FAILED)
		return NULL;
	at = (unsigned char *)(((uintptr_t)room + HUGE - 1) & ~(HUGE - 1));
	if (variant->by_file) {
		fd = memfd_create("user", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, LENGTH))
			return NULL;
	}
	at = mmap(at, LENGTH, RW, variant->flags | MAP_FIXED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED)
		return NULL;
	if (variant->transparent)
		madvise(at, LENGTH, MADV_HUGEPAGE);
	return at;
}

/* One that reaches all memory: where that of a process lies nobody chooses. */
static int find_edu(int importer)
{
	struct edus edus;
	int i;

	edus_find(importer, &edus);
	for (i = 0; i < edus.count; i++)
		if (is_translated(&edus.facts[i]) || mask_bits(&edus.facts[i]) == 64)
			return edus.facts[i].device;
	return -ENODEV;
}

static int attach_and_map(FIXTURE_DATA(user) * self)
{
	int ret;

	self->id = importer_attach(self->importer, self->fd, self->edu);
	if (self->id < 0)
		return self->id;
	ret = importer_map(self->importer, self->id, IMPORTER_BIDIRECTIONAL,
			   &self->map);
	return ret;
}

FIXTURE_SETUP(user)
{
	if (variant->flags & MAP_HUGETLB) {
		if (read_number(HUGE_PAGES) < 0)
			SKIP(return, "this kernel has no huge pages");
		/* And some for who copies them. */
		ASSERT_EQ(0, write_string(HUGE_PAGES, "6"));
	}
	self->fd = -1;
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->edu = find_edu(self->importer);
	ASSERT_LE(0, self->edu);
	ASSERT_EQ(0, write_string(PARAMETER, "1"));
	self->pages = memory_get(variant);
	ASSERT_NE(NULL, self->pages);
}

FIXTURE_TEARDOWN(user)
{
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	if (self->pages)
		munmap(self->pages, LENGTH);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(0, pinned());
	EXPECT_EQ(0, write_string(PARAMETER, "0"));
	if (variant->flags & MAP_HUGETLB) {
		/* All are free again: else some would be left over. */
		EXPECT_EQ(0, write_string(HUGE_PAGES, "0"));
		EXPECT_EQ(0, meminfo("HugePages_Total"));
	}
}

static unsigned char pattern_at(size_t i, unsigned int seed)
{
	return (i * 7 + seed * 31) ^ (i >> 8);
}

static void fill(unsigned char *bytes, unsigned int seed)
{
	size_t i;

	for (i = 0; i < CHUNK; i++)
		bytes[i] = pattern_at(i, seed);
}

static bool matches(const unsigned char *bytes, unsigned int seed)
{
	size_t i;

	for (i = 0; i < CHUNK; i++)
		if (bytes[i] != pattern_at(i, seed))
			return false;
	return true;
}

/* What is in the buffer's memory, whoever has it mapped. */
static bool holds(FIXTURE_DATA(user) * self, size_t offset, unsigned int seed)
{
	static unsigned char bytes[CHUNK];
	uint64_t value;
	size_t i;

	for (i = 0; i < CHUNK; i += sizeof(value)) {
		if (importer_peek(self->importer, self->id, offset + i, &value))
			return false;
		memcpy(bytes + i, &value, sizeof(value));
	}
	return matches(bytes, seed);
}

static int move(FIXTURE_DATA(user) * self, uint32_t direction, size_t offset)
{
	return importer_dma(self->importer, self->id, direction, offset, CHUNK);
}

/* The pattern into the device's own memory, by its last page. */
static int load_device(FIXTURE_DATA(user) * self, unsigned int seed)
{
	int ret;

	ret = bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_WRITE);
	if (ret)
		return ret;
	fill(self->pages + LENGTH - PAGE, seed);
	ret = bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_WRITE);
	if (!ret)
		ret = move(self, IMPORTER_TO_DEVICE, LENGTH - PAGE);
	return ret;
}

static int make(FIXTURE_DATA(user) * self)
{
	self->fd = open_at(self->device, self->pages, LENGTH);
	return self->fd < 0 ? self->fd : attach_and_map(self);
}

/*
 * What takes hold of all memory that was freed lately, and keeps it: of each size, and
 * on each processor, since each keeps some for itself.
 */
#define TAKERS_MAX 16

struct takers {
	unsigned char *pages[TAKERS_MAX];
	size_t lengths[TAKERS_MAX];
	int count;
};

static const unsigned char theirs[16] = "somebody else's";

static int taker_add(struct takers *takers, size_t length, int flags, int advice)
{
	unsigned char *pages = mmap(NULL, length, RW, ANY | flags, -1, 0);
	size_t i;

	if (pages == MAP_FAILED || takers->count == TAKERS_MAX)
		return -ENOMEM;
	/* EINVAL where there are no huge pages. */
	if (advice)
		madvise(pages, length, advice);
	for (i = 0; i < length; i += PAGE)
		memcpy(pages + i, theirs, sizeof(theirs));
	takers->lengths[takers->count] = length;
	takers->pages[takers->count++] = pages;
	return 0;
}

static int takers_take(struct takers *takers, int flags)
{
	cpu_set_t cpus;
	int cpu, ret = 0;

	takers->count = 0;
	/* Of these there is one pool. */
	if (flags & MAP_HUGETLB)
		ret = taker_add(takers, LENGTH, MAP_HUGETLB, 0);
	for (cpu = 0; !ret && cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus))
			return -errno;
		ret = taker_add(takers, TAKEN, 0, MADV_HUGEPAGE);
		if (!ret)
			ret = taker_add(takers, TAKEN, 0, MADV_NOHUGEPAGE);
	}
	return ret;
}

/* Whether nobody but them has written there. */
static bool takers_are_intact(struct takers *takers)
{
	bool intact = true;
	unsigned char *pages;
	size_t i, length;

	while (takers->count-- > 0) {
		pages = takers->pages[takers->count];
		length = takers->lengths[takers->count];
		for (i = 0; i < length; i += PAGE)
			intact &= !memcmp(pages + i, theirs, sizeof(theirs));
		munmap(pages, length);
	}
	return intact;
}

TEST_F(user, is_described)
{
	struct bufalloc_request request = request_at(self->pages, LENGTH);
	struct bufalloc_result result;
	struct bufalloc_query query;

	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	self->fd = result.fd;
	EXPECT_EQ(LENGTH, result.length);
	EXPECT_EQ(BUFALLOC_HEAP_ANY, result.heap);
	EXPECT_EQ(BUFALLOC_CACHING_CACHED, result.caching);
	EXPECT_EQ(BUFALLOC_MEMTYPE_WRITE_BACK, result.memtype);
	EXPECT_EQ(1, result.chunks);
	EXPECT_EQ(BUFALLOC_STATE_USER_MEMORY | BUFALLOC_STATE_BACKED,
		  result.state & ~BUFALLOC_STATE_CONTIGUOUS);
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(LENGTH, query.out_length);
	EXPECT_EQ(BUFALLOC_HEAP_ANY, query.out_heap);
	EXPECT_EQ(result.state, query.out_state);
	EXPECT_LE(1, query.out_segments);
	EXPECT_GE(variant->flags & MAP_HUGETLB ? 2 : LENGTH / PAGE,
		  query.out_segments);
	EXPECT_EQ(LENGTH, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(LENGTH, pinned());
}

/* Into it and out of it, wherever that is. */
TEST_F(user, devices_move_what_the_cpu_wrote)
{
	const size_t places[] = { 0, HUGE - PAGE, HUGE, LENGTH - 2 * PAGE };
	unsigned int i;

	ASSERT_EQ(0, make(self));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_EQ(0, load_device(self, i));
		ASSERT_EQ(0, move(self, IMPORTER_FROM_DEVICE, places[i]));
		ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd,
						       DMA_BUF_SYNC_READ));
		EXPECT_TRUE(matches(self->pages + places[i], i));
		EXPECT_TRUE(holds(self, places[i], i));
		ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd,
						     DMA_BUF_SYNC_READ));
	}
}

/* As of every cached buffer. */
TEST_F(user, is_synced_where_there_is_need)
{
	static struct importer_map map;
	struct importer_facts facts;
	struct bufalloc_query query;
	int id;

	ASSERT_EQ(0, make(self));
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_facts(self->importer, IMPORTER_DEVICE_64, &facts));
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL,
				  &map));
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	/* From 6.11 on drivers call the first only where there is need. */
	if (probe_start("__dma_sync_single_for_cpu", ""))
		ASSERT_EQ(0, probe_start("dma_sync_single_for_cpu", ""));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(facts.out_coherent ? 0 : (long)query.out_segments,
		  probe_hits());
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	probe_stop();
}

/* S18: pages live until DMA has ended. */
TEST_F(user, is_unmapped_while_a_device_writes)
{
	struct takers takers;

	ASSERT_EQ(0, make(self));
	ASSERT_EQ(0, load_device(self, 3));
	ASSERT_EQ(0, importer_dma_start(self->importer, self->id,
					IMPORTER_FROM_DEVICE, PAGE, CHUNK));
	ASSERT_EQ(0, munmap(self->pages, LENGTH));
	self->pages = NULL;
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, importer_dma_go_on(self->importer, self->id,
					IMPORTER_FROM_DEVICE, PAGE, CHUNK));
	EXPECT_EQ(LENGTH, pinned());
	ASSERT_EQ(0, takers_take(&takers, variant->flags));
	ASSERT_EQ(0, importer_dma_wait(self->importer, self->id));
	EXPECT_TRUE(takers_are_intact(&takers));
	EXPECT_TRUE(holds(self, PAGE, 3));
	EXPECT_TRUE(holds(self, LENGTH - PAGE, 3));
	EXPECT_LE(self->bytes + (long)LENGTH, live_bytes());
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(0, pinned());
}

/* The process that had it goes, and all that it had. */
TEST_F(user, process_dies_while_a_device_writes)
{
	int *id = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct takers takers;
	pid_t child;
	int status;

	ASSERT_NE(MAP_FAILED, id);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		munmap(self->pages, LENGTH);
		self->pages = memory_get(variant);
		if (!self->pages || make(self) || load_device(self, 4) ||
		    importer_dma_start(self->importer, self->id,
				       IMPORTER_FROM_DEVICE, PAGE, CHUNK))
			_exit(1);
		*id = self->id;
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	self->id = *id;
	ASSERT_EQ(0, importer_dma_go_on(self->importer, self->id,
					IMPORTER_FROM_DEVICE, PAGE, CHUNK));
	ASSERT_EQ(0, takers_take(&takers, variant->flags));
	EXPECT_LE(self->bytes + (long)LENGTH, live_bytes());
	ASSERT_EQ(0, importer_dma_wait(self->importer, self->id));
	EXPECT_TRUE(takers_are_intact(&takers));
	EXPECT_TRUE(holds(self, PAGE, 4));
	EXPECT_TRUE(holds(self, LENGTH - PAGE, 4));
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(self->bytes, live_bytes());
	self->fd = -1;
}

/* The range is given to something else: the buffer has what it had. */
TEST_F(user, mapping_is_replaced)
{
	ASSERT_EQ(0, make(self));
	fill(self->pages, 5);
	ASSERT_NE(MAP_FAILED, mmap(self->pages, LENGTH, RW, ANY | MAP_FIXED, -1,
				   0));
	fill(self->pages, 6);
	EXPECT_TRUE(holds(self, 0, 5));
	ASSERT_EQ(0, move(self, IMPORTER_TO_DEVICE, 0));
	ASSERT_EQ(0, move(self, IMPORTER_FROM_DEVICE, HUGE));
	EXPECT_TRUE(holds(self, HUGE, 5));
	EXPECT_EQ(0, self->pages[HUGE]);
}

/* Steps of a parent and its child, each in its turn. */
struct turns {
	int to_child[2];
	int to_parent[2];
};

static int turns_open(struct turns *turns)
{
	return pipe2(turns->to_child, O_CLOEXEC) ||
	       pipe2(turns->to_parent, O_CLOEXEC);
}

static int pass(const int *pipe)
{
	return write(pipe[1], "", 1) == 1 ? 0 : -1;
}

static int wait_turn(const int *pipe)
{
	char byte;

	return read(pipe[0], &byte, 1) == 1 ? 0 : -1;
}

/*
 * Private memory after fork(2) is a copy for whoever writes to it first. The one that
 * has it pinned must not be the one that gets the copy.
 */
TEST_F(user, parent_writes_after_a_fork)
{
	bool is_private = variant->flags & MAP_PRIVATE;
	struct turns turns;
	int status;
	pid_t child;

	ASSERT_EQ(0, turns_open(&turns));
	fill(self->pages, 7);
	ASSERT_EQ(0, make(self));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (wait_turn(turns.to_child) ||
		    matches(self->pages, is_private ? 8 : 7))
			_exit(1);
		fill(self->pages, 9);
		_exit(pass(turns.to_parent) ? 2 : 0);
	}
	fill(self->pages, 8);
	EXPECT_TRUE(holds(self, 0, 8));
	ASSERT_EQ(0, pass(turns.to_child));
	ASSERT_EQ(0, wait_turn(turns.to_parent));
	EXPECT_TRUE(holds(self, 0, is_private ? 8 : 9));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);

	/* And what the device brings, the parent sees. */
	fill(self->pages + PAGE, 10);
	ASSERT_EQ(0, move(self, IMPORTER_TO_DEVICE, PAGE));
	ASSERT_EQ(0, move(self, IMPORTER_FROM_DEVICE, 0));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_TRUE(matches(self->pages, 10));
}

/* What is shared with a child already is not pinned as it is. */
TEST_F(user, child_writes_to_what_it_had_before)
{
	bool is_private = variant->flags & MAP_PRIVATE;
	struct turns turns;
	int status;
	pid_t child;

	ASSERT_EQ(0, turns_open(&turns));
	fill(self->pages, 11);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (wait_turn(turns.to_child) || !matches(self->pages, 11))
			_exit(1);
		fill(self->pages, 12);
		_exit(pass(turns.to_parent) ? 2 : 0);
	}
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(0, pass(turns.to_child));
	ASSERT_EQ(0, wait_turn(turns.to_parent));
	EXPECT_TRUE(holds(self, 0, is_private ? 11 : 12));
	EXPECT_TRUE(matches(self->pages, is_private ? 11 : 12));
	fill(self->pages, 13);
	EXPECT_TRUE(holds(self, 0, 13));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* A byte of each page. */
static unsigned int sum_of(const unsigned char *pages, size_t length)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < length; i += PAGE) {
		/* The compiler knows nothing of who writes there. */
		__asm__("" ::
				: "memory");
		sum += pages[i];
	}
	return sum;
}

/* What was only ever read is a page of zeros that all have in common. */
TEST_F(user, nothing_was_written_to_it_before)
{
	unsigned char *other = pages_get(PAGE);

	ASSERT_NE(NULL, other);
	EXPECT_EQ(0, sum_of(self->pages, LENGTH));
	EXPECT_EQ(0, sum_of(other, PAGE));
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(0, load_device(self, 14));
	ASSERT_EQ(0, move(self, IMPORTER_FROM_DEVICE, PAGE));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_TRUE(matches(self->pages + PAGE, 14));
	EXPECT_EQ(0, self->pages[0]);
	EXPECT_EQ(0, sum_of(other, PAGE));
	munmap(other, PAGE);
}

TEST_HARNESS_MAIN

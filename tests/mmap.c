// SPDX-License-Identifier: MIT
/* CPU mappings: bounds, rights, and what userspace does with address space. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (5 * MIB)
#define NOBODY 65534
#define RW (PROT_READ | PROT_WRITE)

FIXTURE(mmap)
{
	int device;
	int fd;
};

FIXTURE_SETUP(mmap)
{
	uint32_t caching = machine_has_wc() ? BUFALLOC_CACHING_WC :
					      BUFALLOC_CACHING_COHERENT;

	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = buffer_open(self->device, LENGTH, caching);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(mmap)
{
	close(self->fd);
	bufalloc_close(self->device);
}

static int try_mmap(size_t length, int prot, int flags, int fd, off_t offset,
		    unsigned char **bytes)
{
	void *address = mmap(NULL, length, prot, flags, fd, offset);

	*bytes = address == MAP_FAILED ? NULL : address;
	return *bytes ? 0 : -errno;
}

TEST_F(mmap, past_the_end_is_EINVAL)
{
	unsigned char *bytes;

	EXPECT_EQ(-EINVAL, try_mmap(LENGTH + 4096, RW, MAP_SHARED, self->fd, 0,
				    &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(LENGTH, RW, MAP_SHARED, self->fd, 4096,
				    &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(4096, RW, MAP_SHARED, self->fd, LENGTH,
				    &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(8192, RW, MAP_SHARED, self->fd,
				    LENGTH - 4096, &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(4096, RW, MAP_SHARED, self->fd, 1ULL << 62,
				    &bytes));
}

/* The dma-buf core checks that too, but not every importer asks the core. */
TEST_F(mmap, past_the_end_is_EINVAL_without_the_core)
{
	int importer = importer_open();
	unsigned char *bytes;
	off_t start;
	int id;

	ASSERT_LE(0, importer);
	id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	start = id * IMPORTER_MMAP_STEP;
	EXPECT_EQ(-EINVAL, try_mmap(LENGTH + 4096, RW, MAP_SHARED, importer,
				    start, &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(LENGTH, RW, MAP_SHARED, importer,
				    start + 4096, &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(4096, RW, MAP_SHARED, importer,
				    start + LENGTH, &bytes));
	ASSERT_EQ(0, try_mmap(LENGTH, RW, MAP_SHARED, importer, start, &bytes));
	bytes[LENGTH - 1] = 1;
	munmap(bytes, LENGTH);
	close(importer);
}

TEST_F(mmap, private_is_EINVAL)
{
	unsigned char *bytes;

	EXPECT_EQ(-EINVAL, try_mmap(LENGTH, RW, MAP_PRIVATE, self->fd, 0,
				    &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(4096, PROT_READ, MAP_PRIVATE, self->fd, 0,
				    &bytes));
}

TEST_F(mmap, executable_is_EPERM)
{
	unsigned char *bytes;

	EXPECT_EQ(-EPERM, try_mmap(LENGTH, PROT_READ | PROT_EXEC, MAP_SHARED,
				   self->fd, 0, &bytes));
	ASSERT_EQ(0, try_mmap(LENGTH, RW, MAP_SHARED, self->fd, 0, &bytes));
	EXPECT_EQ(-1, mprotect(bytes, 4096, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	munmap(bytes, LENGTH);
}

/* The kernel refuses it for each dma-buf, but not for each file of an importer. */
TEST_F(mmap, executable_is_EPERM_without_the_core)
{
	int importer = importer_open();
	unsigned char *bytes;
	off_t start;
	int id;

	ASSERT_LE(0, importer);
	id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	start = id * IMPORTER_MMAP_STEP;
	EXPECT_EQ(-EPERM, try_mmap(LENGTH, PROT_READ | PROT_EXEC, MAP_SHARED,
				   importer, start, &bytes));
	ASSERT_EQ(0, try_mmap(LENGTH, PROT_READ, MAP_SHARED, importer, start,
			      &bytes));
	EXPECT_EQ(-1, mprotect(bytes, 4096, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	munmap(bytes, LENGTH);
	close(importer);
}

/* What is read at an offset is what was written there. */
TEST_F(mmap, offsets_are_the_buffer_s)
{
	unsigned char *whole, *part;
	size_t offset;

	ASSERT_EQ(0, try_mmap(LENGTH, RW, MAP_SHARED, self->fd, 0, &whole));
	for (offset = 0; offset < LENGTH; offset += 4096)
		*(uint64_t *)(whole + offset) = offset;
	for (offset = 0; offset < LENGTH; offset += 16 * 4096) {
		ASSERT_EQ(0, try_mmap(8192, RW, MAP_SHARED, self->fd, offset,
				      &part));
		EXPECT_EQ(offset, *(uint64_t *)part);
		EXPECT_EQ(offset + 4096, *(uint64_t *)(part + 4096));
		munmap(part, 8192);
	}
	munmap(whole, LENGTH);
}

/*
 * mmap(2) makes all small entries: touching them costs no fault, and neither does the first
 * write where the processor does not note by itself what was written. The address keeps the
 * mapping from large entries, see large.c.
 */
TEST_F(mmap, touching_takes_no_fault)
{
	unsigned char *bytes, *room, seen = 0;
	size_t offset;
	long faults;

	room = mmap(NULL, LENGTH + 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	bytes = room + 2 * MIB - (uintptr_t)room % (2 * MIB) + 4096;
	ASSERT_EQ(bytes, mmap(bytes, LENGTH, RW, MAP_SHARED | MAP_FIXED, self->fd, 0));
	faults = minor_faults();
	for (offset = 0; offset < LENGTH; offset += 4096)
		seen |= bytes[offset];
	EXPECT_EQ(0, seen);
	EXPECT_EQ(faults, minor_faults());
	for (offset = 0; offset < LENGTH; offset += 4096)
		bytes[offset] = 1;
	EXPECT_EQ(faults, minor_faults());
	munmap(room, LENGTH + 4 * MIB);
}

TEST_F(mmap, parts_can_be_unmapped)
{
	unsigned char *bytes;

	ASSERT_EQ(0, try_mmap(LENGTH, RW, MAP_SHARED, self->fd, 0, &bytes));
	bytes[0] = 1;
	bytes[LENGTH - 1] = 2;
	ASSERT_EQ(0, munmap(bytes + 4096, LENGTH - 8192));
	EXPECT_EQ(1, bytes[0]);
	EXPECT_EQ(2, bytes[LENGTH - 1]);
	ASSERT_EQ(0, munmap(bytes, 4096));
	EXPECT_EQ(2, bytes[LENGTH - 1]);
	ASSERT_EQ(0, munmap(bytes + LENGTH - 4096, 4096));
}

TEST_F(mmap, mappings_move_but_do_not_grow)
{
	unsigned char *bytes, *moved;

	ASSERT_EQ(0, try_mmap(MIB, RW, MAP_SHARED, self->fd, 0, &bytes));
	bytes[4096] = 7;
	EXPECT_EQ(MAP_FAILED, mremap(bytes, MIB, 2 * MIB, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, try_mmap(MIB, PROT_NONE, MAP_SHARED, self->fd, 0, &moved));
	ASSERT_EQ(moved, mremap(bytes, MIB, MIB, MREMAP_MAYMOVE | MREMAP_FIXED,
				moved));
	EXPECT_EQ(7, moved[4096]);
	munmap(moved, MIB);
}

TEST_F(mmap, read_only_fd_maps_read_only)
{
	struct bufalloc_request request = request_of(4096,
						     BUFALLOC_CACHING_COHERENT);
	struct bufalloc_result result;
	unsigned char *bytes;

	request.fd_flags = O_RDONLY | O_CLOEXEC;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(-EACCES, try_mmap(4096, RW, MAP_SHARED, result.fd, 0,
				    &bytes));
	EXPECT_EQ(-EINVAL, try_mmap(4096, RW, MAP_PRIVATE, result.fd, 0,
				    &bytes));
	ASSERT_EQ(0, try_mmap(4096, PROT_READ, MAP_SHARED, result.fd, 0,
			      &bytes));
	EXPECT_EQ(0, bytes[0]);
	EXPECT_EQ(-1, mprotect(bytes, 4096, RW));
	EXPECT_EQ(EACCES, errno);
	munmap(bytes, 4096);
	close(result.fd);
}

TEST_F(mmap, fork_shares_the_memory)
{
	unsigned char *bytes;
	int status;
	pid_t child;

	ASSERT_EQ(0, try_mmap(LENGTH, RW, MAP_SHARED, self->fd, 0, &bytes));
	bytes[0] = 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		status = bytes[0] == 1 ? 0 : 1;
		bytes[LENGTH - 1] = 9;
		_exit(status);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(9, bytes[LENGTH - 1]);
	munmap(bytes, LENGTH);
}

/* Nobody takes references to the pages behind the buffer's back. */
TEST_F(mmap, pages_cannot_be_pinned)
{
	unsigned char *bytes, copy[16];
	struct iovec local = { .iov_base = copy, .iov_len = sizeof(copy) };
	struct iovec remote = { .iov_len = sizeof(copy) };

	ASSERT_EQ(0, try_mmap(LENGTH, RW, MAP_SHARED, self->fd, 0, &bytes));
	remote.iov_base = bytes;
	EXPECT_EQ(-1, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	munmap(bytes, LENGTH);
}

TEST_F(mmap, the_library_maps_at_2_MiB)
{
	void *address;

	ASSERT_EQ(0, bufalloc_map(self->fd, LENGTH, RW, &address));
	EXPECT_EQ(0, (uintptr_t)address % (2 * MIB));
	memset(address, 1, LENGTH);
	EXPECT_EQ(0, bufalloc_unmap(address, LENGTH));
	EXPECT_EQ(-EINVAL, bufalloc_map(self->fd, LENGTH + 1, RW, &address));
}

/* Bytes of address space that this process has, for a limit of it. */
static size_t address_space(void)
{
	return read_number("/proc/self/statm") * sysconf(_SC_PAGESIZE);
}

/* In a child, since limits and locks stay. 0 or a negative errno. */
static int map_with_little_room(int fd, int resource, size_t room)
{
	struct rlimit limit = { .rlim_cur = room, .rlim_max = room };
	void *address = NULL;
	int status, ret;
	pid_t child;

	child = fork();
	if (child < 0)
		return -errno;
	if (!child) {
		if (resource == RLIMIT_MEMLOCK && (setgid(NOBODY) || setuid(NOBODY)))
			_exit(255);
		if (setrlimit(resource, &limit))
			_exit(254);
		if (resource == RLIMIT_MEMLOCK && mlockall(MCL_FUTURE))
			_exit(253);
		ret = bufalloc_map(fd, 2 * MIB, RW, &address);
		if (!ret)
			memset(address, 1, 2 * MIB);
		_exit(-ret);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

/* There is no room for the 2 MiB more that it takes for an address of its choice. */
TEST_F(mmap, the_library_maps_where_mmap_does)
{
	EXPECT_EQ(0, map_with_little_room(self->fd, RLIMIT_MEMLOCK, 3 * MIB));
	EXPECT_EQ(0, map_with_little_room(self->fd, RLIMIT_AS, address_space() + 3 * MIB));
	/* What the kernel refuses is refused. */
	EXPECT_EQ(-ENOMEM, map_with_little_room(self->fd, RLIMIT_AS, address_space()));
}

/* The name of a mapping's file in /proc/self/maps; "" for none. */
static void name_in_maps(const void *address, char *name, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], words[256];
	unsigned long start;

	*name = '\0';
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%*x %*s %*x %*s %*u %255[^\n]", &start, words) == 2 &&
		    start == (uintptr_t)address)
			snprintf(name, size, "%s", words);
	}
	if (maps)
		fclose(maps);
}

TEST_F(mmap, a_name_shows_unless_the_buffer_is_pageable)
{
	struct bufalloc_request request = request_of(MIB, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	unsigned char *bytes;
	char name[256];

	ASSERT_EQ(0, bufalloc_set_name(self->fd, "camera"));
	ASSERT_EQ(0, try_mmap(MIB, RW, MAP_SHARED, self->fd, 0, &bytes));
	name_in_maps(bytes, name, sizeof(name));
	EXPECT_STREQ("/dmabuf:camera", name);
	munmap(bytes, MIB);

	request.flags = BUFALLOC_ALLOC_PAGEABLE;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	ASSERT_EQ(0, bufalloc_set_name(result.fd, "camera"));
	ASSERT_EQ(0, try_mmap(MIB, RW, MAP_SHARED, result.fd, 0, &bytes));
	name_in_maps(bytes, name, sizeof(name));
	EXPECT_STREQ("/bufalloc (deleted)", name);
	munmap(bytes, MIB);
	close(result.fd);
}

/* S15: no address space of the kernel's is taken by a buffer that lives. */
TEST_F(mmap, no_kernel_mapping)
{
	long before = vmalloc_bytes();
	int fd;

	ASSERT_LT(0, before);
	fd = buffer_open(self->device, 256 * MIB, BUFALLOC_CACHING_COHERENT);
	ASSERT_LE(0, fd);
	EXPECT_GT(16L * (long)MIB, vmalloc_bytes() - before);
	close(fd);
}

/*
 * S15, S24: what the attribute is for. Where the DMA API maps memory that is not
 * coherent for the kernel, 128 MiB of it take as much of its address space, of
 * which a 32-bit kernel has 240 MiB; as buffers they take none.
 */
TEST_F(mmap, kernel_mapping_that_is_saved)
{
	int importer, fds[16], ret;
	long before, without, with;
	unsigned int i;

	if (machine_is_coherent())
		SKIP(return, "the DMA API maps nothing here");
	importer = importer_open();
	ASSERT_LE(0, importer);
	before = vmalloc_bytes();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = buffer_open(self->device, 8 * MIB, BUFALLOC_CACHING_WC);
		ASSERT_LE(0, fds[i]);
	}
	without = vmalloc_bytes() - before;
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);

	before = vmalloc_bytes();
	ret = importer_take(importer, 128);
	with = vmalloc_bytes() - before;
	close(importer);
	if (ret == -ENOMEM && sizeof(long) == 4 && meminfo("CmaTotal") > 0)
		SKIP(return, "a driver gets no more here than the CMA area has");
	ASSERT_EQ(0, ret);
	TH_LOG("128 MiB take %ld KiB of kernel addresses as buffers, %ld KiB if mapped",
	       without / 1024, with / 1024);
	EXPECT_GT((long)MIB, without);
	EXPECT_LE(96L * (long)MIB, with);
}

TEST_HARNESS_MAIN

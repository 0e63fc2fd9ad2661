// SPDX-License-Identifier: MIT
/*
 * Who may do what with a buffer: a read-only one stays so on every way around,
 * nothing is executable, and a user without privileges needs none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/nobody.h"
#include "lib/passing.h"

#define LENGTH (64 * KIB)
#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static uint32_t any_caching(void)
{
	return machine_has_wc() ? BUFALLOC_CACHING_WC :
				  BUFALLOC_CACHING_COHERENT;
}

/* A buffer behind a file descriptor that is open for reading only. */
FIXTURE(readonly)
{
	int device;
	int fd;
	long buffers;
};

FIXTURE_SETUP(readonly)
{
	struct bufalloc_request request = request_of(LENGTH, any_caching());
	struct bufalloc_result result;

	request.fd_flags = O_RDONLY | O_CLOEXEC;
	self->buffers = live_buffers();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	self->fd = result.fd;
}

FIXTURE_TEARDOWN(readonly)
{
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->buffers, live_buffers());
}

/* 0 where this file descriptor gives a way to write. */
static int try_to_write(int fd)
{
	void *bytes = mmap(NULL, LENGTH, RW, MAP_SHARED, fd, 0);
	int ret;

	if (bytes != MAP_FAILED) {
		munmap(bytes, LENGTH);
		return 0;
	}
	if (errno != EACCES)
		return -errno;
	bytes = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	ret = mprotect(bytes, PAGE, RW) ? -errno : 0;
	munmap(bytes, LENGTH);
	return ret;
}

TEST_F(readonly, fd)
{
	EXPECT_EQ(-EACCES, try_to_write(self->fd));
}

TEST_F(readonly, dup)
{
	int other = dup(self->fd);

	ASSERT_LE(0, other);
	EXPECT_EQ(-EACCES, try_to_write(other));
	close(other);
}

/* Neither is there another way to an open file than by who has it. */
TEST_F(readonly, opened_again)
{
	static const int flags[] = { O_RDWR, O_WRONLY, O_RDONLY };
	char path[64];
	unsigned int i;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-1, open(path, flags[i] | O_CLOEXEC));
		EXPECT_EQ(ENXIO, errno);
	}
}

TEST_F(readonly, file_flags)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR));
	EXPECT_EQ(O_RDONLY, fcntl(self->fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-EACCES, try_to_write(self->fd));
}

TEST_F(readonly, child)
{
	void *bytes = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd, 0);
	int status;
	pid_t child;

	ASSERT_NE(MAP_FAILED, bytes);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (!mprotect(bytes, PAGE, RW) || errno != EACCES)
			_exit(1);
		_exit(try_to_write(self->fd) == -EACCES ? 0 : 2);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	munmap(bytes, LENGTH);
}

TEST_F(readonly, message)
{
	int ends[2], received;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(0, fd_send(ends[0], self->fd));
	received = fd_receive(ends[1]);
	ASSERT_LE(0, received);
	EXPECT_EQ(-EACCES, try_to_write(received));
	close(received);
}

/* What was mapped does not become more by moving, or by who locks or protects it. */
TEST_F(readonly, moved_mapping)
{
	unsigned char *bytes, *room;

	room = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)room);
	bytes = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)bytes);
	ASSERT_EQ(room, mremap(bytes, LENGTH, LENGTH,
			       MREMAP_MAYMOVE | MREMAP_FIXED, room));
	EXPECT_EQ(-1, mprotect(room, LENGTH, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mprotect(room, LENGTH, PROT_NONE));
	EXPECT_EQ(-1, mprotect(room, LENGTH, PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mprotect(room, LENGTH, PROT_READ));
	EXPECT_EQ(0, room[LENGTH - 1]);
	munmap(room, LENGTH);
}

/* Some drivers map what they import through a file of theirs, open for writing. */
TEST_F(readonly, importer_s_own_file)
{
	int importer = importer_open();
	off_t start;
	void *bytes;
	int id;

	ASSERT_LE(0, importer);
	id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	start = id * IMPORTER_MMAP_STEP;
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, LENGTH, RW, MAP_SHARED, importer, start));
	EXPECT_EQ(EACCES, errno);
	bytes = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, importer, start);
	ASSERT_NE(MAP_FAILED, bytes);
	EXPECT_EQ(-1, mprotect(bytes, PAGE, RW));
	EXPECT_EQ(EACCES, errno);
	munmap(bytes, LENGTH);
	close(importer);
}

/* A read-only buffer can be looked at, in every way there is. */
TEST_F(readonly, reading_works)
{
	struct bufalloc_query query;
	unsigned char *bytes;

	bytes = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)bytes);
	EXPECT_EQ(0, bytes[0]);
	EXPECT_EQ(0, bytes[LENGTH - 1]);
	EXPECT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	munmap(bytes, LENGTH);
}

/* What a mapping of a buffer is good for, beside looking at it. */
FIXTURE(mapped)
{
	int device;
	int fd;
	long bytes;
	struct mapping map;
};

FIXTURE_SETUP(mapped)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = buffer_open(self->device, LENGTH, any_caching());
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	memset(self->map.bytes, 0x5c, LENGTH);
}

FIXTURE_TEARDOWN(mapped)
{
	EXPECT_TRUE(mapping_is(&self->map, 0x5c));
	buffer_unmap(&self->map);
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(mapped, is_never_executable)
{
	static const int protections[] = {
		PROT_EXEC,
		PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	unsigned int i;
	void *bytes;

	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		bytes = mmap(NULL, LENGTH, protections[i], MAP_SHARED, self->fd,
			     0);
		EXPECT_EQ(MAP_FAILED, bytes);
		EXPECT_EQ(EPERM, errno);
		EXPECT_EQ(-1, mprotect(self->map.bytes, PAGE, protections[i]));
		EXPECT_EQ(EACCES, errno);
	}
}

/* Whether one of our mappings of buffers is executable. */
static bool buffers_are_executable(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512], rights[8];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "dmabuf") &&
		    sscanf(line, "%*s %7s", rights) == 1)
			found |= rights[2] != '-';
	if (file)
		fclose(file);
	return found;
}

/*
 * A program whose readable memory is all executable gets none of ours. Newer
 * kernels make no difference for files like these.
 */
TEST_F(mapped, is_not_executable_by_personality)
{
	void *bytes;

	/* READ_IMPLIES_EXEC */
	ASSERT_LE(0, syscall(SYS_personality, 0x0400000));
	bytes = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd, 0);
	if (bytes == MAP_FAILED)
		EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, mprotect(self->map.bytes, PAGE, PROT_READ));
	EXPECT_FALSE(buffers_are_executable());
	EXPECT_EQ(0, mprotect(self->map.bytes, PAGE, RW));
	if (bytes != MAP_FAILED)
		munmap(bytes, LENGTH);
}

/* The node is root's until somebody says otherwise. */
TEST(node_is_closed_to_others)
{
	struct stat node;

	ASSERT_EQ(0, stat("/dev/bufalloc", &node));
	EXPECT_EQ(0600, node.st_mode & 07777);
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EACCES, bufalloc_open(NULL));
}

/* And needs no more than to be opened. */
TEST(everything_works_without_a_capability)
{
	uint32_t cachings[] = {
		any_caching(),
		BUFALLOC_CACHING_COHERENT,
		BUFALLOC_CACHING_CACHED,
	};
	struct bufalloc_query query;
	struct mapping map;
	unsigned int i;
	int device, fd;

	ASSERT_EQ(0, chmod("/dev/bufalloc", 0666));
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(0, status_number("CapEff"));
	device = bufalloc_open(NULL);
	ASSERT_LE(0, device);
	for (i = 0; i < ARRAY_SIZE(cachings); i++) {
		fd = buffer_open(device, 3 * MIB, cachings[i]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, ioctl(fd, DMA_BUF_SET_NAME, "nobody"));
		EXPECT_EQ(0, bufalloc_query(device, fd, &query));
		ASSERT_EQ(0, buffer_map(fd, &map));
		EXPECT_EQ(0, bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW));
		memset(map.bytes, 3, map.length);
		EXPECT_EQ(0, bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW));
		buffer_unmap(&map);
		close(fd);
	}
	bufalloc_close(device);
}

/* What the test before has changed, wherever it ended. */
TEST(node_is_closed_again)
{
	EXPECT_EQ(0, chmod("/dev/bufalloc", 0600));
}

TEST_HARNESS_MAIN

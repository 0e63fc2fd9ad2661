// SPDX-License-Identifier: MIT
/*
 * Nobody is given a reference to a page of a buffer: it would outlive the buffer,
 * and the memory is not the kernel's to hand out by pages. Each way to get one is
 * first shown to work on ordinary memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/nobody.h"

#define LENGTH (64 * KIB)
#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static uint32_t any_caching(void)
{
	return machine_has_wc() ? BUFALLOC_CACHING_WC :
				  BUFALLOC_CACHING_COHERENT;
}

/* Ways to take a reference to a page, each as an errno. */
static int probe_direct_write(void *bytes)
{
	int disk = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	int ret;

	if (disk < 0)
		return -ENODEV;
	ret = pwrite(disk, bytes, PAGE, 0) == (ssize_t)PAGE ? 0 : -errno;
	close(disk);
	return ret;
}

static int probe_direct_read(void *bytes)
{
	int disk = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	int ret;

	if (disk < 0)
		return -ENODEV;
	ret = pread(disk, bytes, PAGE, 0) == (ssize_t)PAGE ? 0 : -errno;
	close(disk);
	return ret;
}

static int probe_vm_readv(void *bytes)
{
	char copy[64];
	struct iovec ours = { .iov_base = copy, .iov_len = sizeof(copy) };
	struct iovec theirs = { .iov_base = bytes, .iov_len = sizeof(copy) };

	return process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) < 0 ?
		       -errno :
		       0;
}

static int probe_vm_writev(void *bytes)
{
	char copy[64] = {};
	struct iovec ours = { .iov_base = copy, .iov_len = sizeof(copy) };
	struct iovec theirs = { .iov_base = bytes, .iov_len = sizeof(copy) };

	return process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0) < 0 ?
		       -errno :
		       0;
}

static int probe_mem_file(void *bytes, bool writes)
{
	off_t at = (uintptr_t)bytes;
	char copy[64] = {};
	int file = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t done;

	if (file < 0)
		return -ENODEV;
	done = writes ? pwrite(file, copy, sizeof(copy), at) :
			pread(file, copy, sizeof(copy), at);
	done = done < 0 ? -errno : 0;
	close(file);
	return done;
}

static int probe_mem_read(void *bytes)
{
	return probe_mem_file(bytes, false);
}

static int probe_mem_write(void *bytes)
{
	return probe_mem_file(bytes, true);
}

/* By a parent, of a child that has what we have. */
static int probe_ptrace(void *bytes, bool pokes)
{
	pid_t child = fork();
	int status, ret;
	long request = pokes ? PTRACE_POKEDATA : PTRACE_PEEKDATA;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child ||
	    !WIFSTOPPED(status))
		return -ECHILD;
	errno = 0;
	ptrace(request, child, bytes, NULL);
	ret = -errno;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return ret;
}

static int probe_peek(void *bytes)
{
	return probe_ptrace(bytes, false);
}

static int probe_poke(void *bytes)
{
	return probe_ptrace(bytes, true);
}

static int probe_vmsplice(void *bytes)
{
	struct iovec data = { .iov_base = bytes, .iov_len = PAGE };
	int ends[2], ret;

	if (pipe(ends))
		return -ENODEV;
	ret = vmsplice(ends[1], &data, 1, SPLICE_F_GIFT) < 0 ? -errno : 0;
	close(ends[0]);
	close(ends[1]);
	return ret;
}

static int probe_zerocopy(void *bytes)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int one = 1, ret;
	int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sender < 0 ||
	    setsockopt(sender, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		return -ENODEV;
	ret = sendto(sender, bytes, PAGE, MSG_ZEROCOPY, (void *)&to,
		     sizeof(to)) < 0 ?
		      -errno :
		      0;
	close(sender);
	return ret;
}

/* The buffers of io_uring stay pinned for as long as it wants. */
static int probe_io_uring(void *bytes)
{
	struct io_uring_params params = {};
	struct iovec buffer = { .iov_base = bytes, .iov_len = PAGE };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	int ret;

	if (ring < 0)
		return -ENODEV;
	ret = syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		      &buffer, 1) < 0 ?
		      -errno :
		      0;
	/* A closed ring lets go later. */
	if (!ret)
		syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS,
			NULL, 0);
	close(ring);
	return ret;
}

/* One that several processes may wait on is known by its page. */
static int probe_futex(void *bytes)
{
	return syscall(SYS_futex, bytes, FUTEX_WAKE, 1, NULL, NULL, 0) < 0 ?
		       -errno :
		       0;
}

static int probe_userfaultfd(void *bytes)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)bytes, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int handler = syscall(SYS_userfaultfd, O_CLOEXEC);
	int ret = 0;

	if (handler < 0 || ioctl(handler, UFFDIO_API, &api))
		return -ENODEV;
	if (ioctl(handler, UFFDIO_REGISTER, &range))
		ret = -errno;
	close(handler);
	return ret;
}

/* The kernel tells of each page by itself. */
static int probe_move_pages(void *bytes)
{
	int status = -ENODEV, node = 0;

	if (access("/sys/devices/system/node/node0", F_OK))
		return -ENODEV;
	if (syscall(SYS_move_pages, 0, 1UL, &bytes, &node, &status, 2))
		return -errno;
	return status < 0 ? status : 0;
}

static int advise(void *bytes, int advice)
{
	return madvise(bytes, PAGE, advice) ? -errno : 0;
}

static int probe_populate_read(void *bytes)
{
	return advise(bytes, MADV_POPULATE_READ);
}

static int probe_populate_write(void *bytes)
{
	return advise(bytes, MADV_POPULATE_WRITE);
}

static int probe_pageout(void *bytes)
{
	return advise(bytes, MADV_PAGEOUT);
}

static int probe_cold(void *bytes)
{
	return advise(bytes, MADV_COLD);
}

static int probe_dontneed(void *bytes)
{
	return advise(bytes, MADV_DONTNEED);
}

static int probe_free(void *bytes)
{
	return advise(bytes, MADV_FREE);
}

static int probe_dodump(void *bytes)
{
	return advise(bytes, MADV_DODUMP);
}

static int probe_dofork(void *bytes)
{
	return advise(bytes, MADV_DOFORK);
}

static int probe_wipeonfork(void *bytes)
{
	return advise(bytes, MADV_WIPEONFORK);
}

FIXTURE(page)
{
	int device;
	int fd;
	long bytes;
	long pins;
	void *ordinary;
	struct mapping map;
};

/* How it goes with a page of ordinary memory is what shows that it is a way. */
FIXTURE_VARIANT(page)
{
	int (*probe)(void *bytes);
	int expected;
};

FIXTURE_VARIANT_ADD(page, direct_write) {
	.probe = probe_direct_write,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, direct_read) {
	.probe = probe_direct_read,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, vm_readv) {
	.probe = probe_vm_readv,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, vm_writev) {
	.probe = probe_vm_writev,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, mem_read) {
	.probe = probe_mem_read,
	.expected = -EIO,
};

FIXTURE_VARIANT_ADD(page, mem_write) {
	.probe = probe_mem_write,
	.expected = -EIO,
};

FIXTURE_VARIANT_ADD(page, peek) {
	.probe = probe_peek,
	.expected = -EIO,
};

FIXTURE_VARIANT_ADD(page, poke) {
	.probe = probe_poke,
	.expected = -EIO,
};

FIXTURE_VARIANT_ADD(page, vmsplice) {
	.probe = probe_vmsplice,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, zerocopy) {
	.probe = probe_zerocopy,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, io_uring) {
	.probe = probe_io_uring,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, futex) {
	.probe = probe_futex,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, userfaultfd) {
	.probe = probe_userfaultfd,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, move_pages) {
	.probe = probe_move_pages,
	.expected = -EFAULT,
};

FIXTURE_VARIANT_ADD(page, populate_read) {
	.probe = probe_populate_read,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, populate_write) {
	.probe = probe_populate_write,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, pageout) {
	.probe = probe_pageout,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, cold) {
	.probe = probe_cold,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, dontneed) {
	.probe = probe_dontneed,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, free) {
	.probe = probe_free,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, dodump) {
	.probe = probe_dodump,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, dofork) {
	.probe = probe_dofork,
	.expected = -EINVAL,
};

FIXTURE_VARIANT_ADD(page, wipeonfork) {
	.probe = probe_wipeonfork,
	.expected = -EINVAL,
};

/* Pages that somebody has pinned and not let go. */
static long pins(void)
{
	write_string("/proc/sys/vm/stat_refresh", "1");
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

FIXTURE_SETUP(page)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = buffer_open(self->device, LENGTH, any_caching());
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	memset(self->map.bytes, 0x5c, LENGTH);
	self->ordinary = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	ASSERT_NE(MAP_FAILED, self->ordinary);
	memset(self->ordinary, 1, PAGE);
	self->pins = pins();
}

FIXTURE_TEARDOWN(page)
{
	EXPECT_EQ(self->pins, pins());
	EXPECT_TRUE(mapping_is(&self->map, 0x5c));
	buffer_unmap(&self->map);
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(page, is_not_given_out)
{
	int ordinary = variant->probe(self->ordinary);

	if (ordinary == -ENODEV)
		SKIP(return, "this kernel has no such thing");
	ASSERT_EQ(0, ordinary);
	EXPECT_EQ(variant->expected, variant->probe(self->map.bytes));
	EXPECT_EQ(variant->expected,
		  variant->probe(self->map.bytes + LENGTH - PAGE));
}

/* Memory that is never paged needs no lock, and is on nobody's account of those. */
TEST(locking_it_locks_nothing)
{
	int device = bufalloc_open(NULL);
	struct mapping map;
	int fd;

	ASSERT_LE(0, device);
	fd = buffer_open(device, LENGTH, any_caching());
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &map));
	EXPECT_EQ(0, mlock(map.bytes, LENGTH));
	EXPECT_EQ(0, status_number("VmLck"));
	EXPECT_EQ(0, status_number("VmPin"));
	EXPECT_EQ(0, munlock(map.bytes, LENGTH));
	buffer_unmap(&map);
	close(fd);
	bufalloc_close(device);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/* Operations of a process on the CPU mappings of buffers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/futex.h>

#include "fuzz/calls.h"
#include "fuzz/memory.h"
#include "importer/importer.h"

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Return: the address of page @page of a window; @length: @span, up to the end of the window. */
static unsigned char *part(uint64_t slot, uint64_t page, uint64_t span,
			   size_t *length)
{
	size_t skip = page % (WINDOW / PAGE) * PAGE;

	*length = span < WINDOW - skip ? span : WINDOW - skip;
	return window(slot) + skip;
}

static const int map_flags[16] = {
	[0] = MAP_SHARED,
	[1] = MAP_PRIVATE,
	[2] = MAP_SHARED | MAP_POPULATE,
	[3] = MAP_SHARED | MAP_LOCKED,
	[4] = MAP_SHARED_VALIDATE,
	[5] = MAP_SHARED_VALIDATE | MAP_SYNC,
	[6] = MAP_SHARED | MAP_NORESERVE,
	[7] = MAP_SHARED | MAP_HUGETLB,
	[8] = MAP_SHARED | MAP_GROWSDOWN,
	[9] = MAP_PRIVATE | MAP_POPULATE,
	[10] = MAP_SHARED | MAP_STACK,
	[11] = MAP_PRIVATE | MAP_NORESERVE,
	[12 ... 15] = MAP_SHARED,
};

/*
 * Map into a window. A mapping that is longer than the window would replace mappings of the fuzzer:
 * map that one at a free address, and unmap it at once.
 */
static long map(int fd, uint64_t slot, uint64_t length, int prot, int flags,
		off_t offset)
{
	unsigned char *address;

	if (length > WINDOW) {
		address = mmap(NULL, length, prot, flags, fd, offset);
		if (address == MAP_FAILED)
			return -errno;
		return result(munmap(address, length));
	}
	address = mmap(window(slot), length, prot, flags | MAP_FIXED, fd, offset);
	if (address == MAP_FAILED)
		return -errno;
	slot_put(POOL_MAPPING, slot, length);
	return 0;
}

long run_mmap(const uint64_t *args)
{
	return map(slot_get(POOL_BUFFER, args[0]), args[1], args[3],
		   args[4] & (PROT_READ | PROT_WRITE | PROT_EXEC),
		   map_flags[args[5] % 16], args[2] * PAGE);
}

/* Map through the importer, which calls the operation of the exporter. */
long run_import_mmap(const uint64_t *args)
{
	uint64_t id = (uint32_t)slot_get(POOL_ATTACHMENT, args[1]);

	return map(slot_get(POOL_IMPORTER, args[0]), args[2], args[4],
		   args[5] & (PROT_READ | PROT_WRITE | PROT_EXEC), MAP_SHARED,
		   id * IMPORTER_MMAP_STEP + args[3] % (1 << 19) * PAGE);
}

long run_munmap(const uint64_t *args)
{
	size_t length;
	unsigned char *address = part(args[0], args[1], args[2], &length);

	return result(munmap(address, length));
}

long run_mprotect(const uint64_t *args)
{
	size_t length;
	unsigned char *address = part(args[0], args[1], args[2], &length);

	return result(mprotect(address, length,
			       args[3] & (PROT_READ | PROT_WRITE | PROT_EXEC)));
}

long run_mremap(const uint64_t *args)
{
	size_t length, longer;
	unsigned char *from = part(args[0], args[2], args[3], &length);
	unsigned char *to = part(args[1], args[2], args[4], &longer);
	int flags = args[5] & 1 ? MREMAP_MAYMOVE | MREMAP_FIXED : 0;
	void *address;

	if (args[5] & 2)
		flags |= MREMAP_DONTUNMAP;
	if (args[5] & 4)
		length = 0;
	address = mremap(from, length, longer, flags, to);
	if (address == MAP_FAILED)
		return -errno;
	if (address != from && address != to)
		return result(munmap(address, longer));
	slot_put(POOL_MAPPING, args[1], longer);
	return 0;
}

/* The advice is below MADV_HWPOISON and MADV_SOFT_OFFLINE, which poison pages for good. */
long run_madvise(const uint64_t *args)
{
	size_t length;
	unsigned char *address = part(args[0], args[1], args[2], &length);

	return result(madvise(address, length, args[3] % 30));
}

long run_touch(const uint64_t *args)
{
	unsigned char *address = window(args[0]) + (args[1] % WINDOW & ~7UL);
	uint64_t word = args[1];

	if (args[2] & 1)
		return memory_copy(address, &word, sizeof(word));
	return memory_copy(&word, address, sizeof(word));
}

long run_lock(const uint64_t *args)
{
	size_t length;
	unsigned char *address = part(args[0], 0, args[1], &length);
	unsigned char pages[WINDOW / PAGE];

	switch (args[2] % 5) {
	case 0:
		return result(mlock(address, length));
	case 1:
		return result(munlock(address, length));
	case 2:
		return result(msync(address, length, MS_SYNC));
	case 3:
		return result(mincore(address, length, pages));
	default:
		return result(mlock2(address, length, MLOCK_ONFAULT));
	}
}

static long splice_from(void *address)
{
	struct iovec bytes = { address, 64 };
	int fds[2];
	long ret;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	ret = result(vmsplice(fds[1], &bytes, 1, SPLICE_F_NONBLOCK));
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static long write_from(void *address)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	long ret = result(write(fd, address, 64));

	close(fd);
	return ret;
}

static long read_memory(void *address)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	char bytes[64];
	long ret;

	ret = result(pread(fd, bytes, sizeof(bytes), (uintptr_t)address));
	if (ret > 0)
		ret = result(pwrite(fd, bytes, sizeof(bytes), (uintptr_t)address));
	close(fd);
	return ret;
}

/* Calls that pin pages of a mapping, and calls that copy bytes. */
long run_pin(const uint64_t *args)
{
	unsigned char *address = window(args[0]) + (args[1] % WINDOW & ~7UL);
	char bytes[64] = { 0 };
	struct iovec local = { bytes, sizeof(bytes) };
	struct iovec remote = { address, sizeof(bytes) };

	switch (args[2] % 6) {
	case 0:
		return result(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	case 1:
		return result(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	case 2:
		return splice_from(address);
	case 3:
		return result(syscall(SYS_futex, address, FUTEX_WAKE, 1, NULL, NULL, 0));
	case 4:
		return write_from(address);
	default:
		return read_memory(address);
	}
}

/* Read what the kernel tells of mappings and files, while other threads change them. */
long run_proc(const uint64_t *args)
{
	static const char *const paths[] = {
		"/proc/self/smaps",
		"/proc/self/maps",
		"/proc/self/numa_maps",
		"/sys/kernel/debug/dma_buf/bufinfo",
	};
	char path[64], bytes[4096];
	int fd;

	if (args[1] % 8 < 4)
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
			 slot_get(POOL_BUFFER, args[0]));
	else
		snprintf(path, sizeof(path), "%s", paths[args[1] % 4]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		continue;
	return result(close(fd));
}

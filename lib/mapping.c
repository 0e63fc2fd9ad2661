// SPDX-License-Identifier: MIT
/* CPU mappings: placed where huge pages fit, and bracketed when they are used. */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bufalloc.h"
#include "ioctl.h"

#define HUGE ((size_t)2 << 20)
#define PLACEMENT_TRIES 100

static size_t round_up(size_t value, size_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

/*
 * Map into the aligned middle of a reservation, then give back its two ends.
 *
 * MAP_FIXED over the reservation would be simpler, but when the driver refuses,
 * what was reserved is gone, and another thread's mapping may be there by the
 * time it is unmapped. So the middle is opened first, and MAP_FIXED_NOREPLACE
 * can only lose a race: EEXIST. The ends stay until then, and keep others that
 * need as much room away.
 */
static int map_once(int fd, size_t length, int prot, void **address)
{
	size_t span = length + HUGE;
	uintptr_t base, place;
	void *reserved, *mapped;
	int ret = 0;

	reserved = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return -errno;
	base = (uintptr_t)reserved;
	place = round_up(base, HUGE);
	if (munmap((void *)place, length)) {
		ret = -errno;
		munmap(reserved, span);
		return ret;
	}
	mapped = mmap((void *)place, length, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	if (mapped == MAP_FAILED)
		ret = -errno;
	else
		*address = mapped;
	if (place > base)
		munmap(reserved, place - base);
	if (base + span > place + length)
		munmap((void *)(place + length), base + span - place - length);
	return ret;
}

int bufalloc_map(int fd, size_t length, int prot, void **address)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int tries, ret;

	if (!length)
		return -EINVAL;
	if (length > SIZE_MAX - HUGE - page)
		return -ENOMEM;
	length = round_up(length, page);
	for (tries = 0; tries < PLACEMENT_TRIES; tries++) {
		ret = map_once(fd, length, prot, address);
		if (ret != -EEXIST)
			return ret;
		sched_yield();
	}
	return -EAGAIN;
}

int bufalloc_unmap(void *address, size_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!address)
		return 0;
	return munmap(address, round_up(length, page)) ? -errno : 0;
}

/* What a signal interrupts goes on. */
static int wait_for(int fd, unsigned long command, void *argument)
{
	int ret;

	do {
		ret = bufalloc_ioctl(fd, command, argument);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

static bool is_access(unsigned int access)
{
	return access && !(access & ~DMA_BUF_SYNC_RW);
}

static int sync_cpu(int fd, unsigned int access, unsigned int side)
{
	struct dma_buf_sync sync = { .flags = access | side };

	return is_access(access) ? wait_for(fd, DMA_BUF_IOCTL_SYNC, &sync) : -EINVAL;
}

int bufalloc_begin_cpu_access(int fd, unsigned int access)
{
	return sync_cpu(fd, access, DMA_BUF_SYNC_START);
}

int bufalloc_end_cpu_access(int fd, unsigned int access)
{
	return sync_cpu(fd, access, DMA_BUF_SYNC_END);
}

static int sync_cpu_range(int device, int fd, uint64_t offset, uint64_t length,
			  unsigned int access, unsigned int side)
{
	struct bufalloc_sync sync = {
		.size = sizeof(sync),
		.fd = fd,
		.offset = offset,
		.length = length,
		.flags = access | side,
	};

	return is_access(access) ? wait_for(device, BUFALLOC_IOCTL_SYNC, &sync) : -EINVAL;
}

int bufalloc_begin_cpu_access_range(int device, int fd, uint64_t offset,
				    uint64_t length, unsigned int access)
{
	return sync_cpu_range(device, fd, offset, length, access, DMA_BUF_SYNC_START);
}

int bufalloc_end_cpu_access_range(int device, int fd, uint64_t offset,
				  uint64_t length, unsigned int access)
{
	return sync_cpu_range(device, fd, offset, length, access, DMA_BUF_SYNC_END);
}

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

static int map_at(void *place, size_t length, int prot, int flags, int fd, void **address)
{
	void *mapped = mmap(place, length, prot, MAP_SHARED | flags, fd, 0);

	if (mapped == MAP_FAILED)
		return -errno;
	*address = mapped;
	return 0;
}

/* A range with a hole of @length bytes at a multiple of HUGE. */
struct reservation {
	uintptr_t start;
	uintptr_t end;
	uintptr_t hole;
};

/* False where a limit of the process or its address space has no room for it. */
static bool reserve(struct reservation *reservation, size_t length)
{
	size_t span = length + HUGE;
	void *start = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			   -1, 0);

	if (start == MAP_FAILED)
		return false;
	reservation->start = (uintptr_t)start;
	reservation->end = reservation->start + span;
	reservation->hole = round_up(reservation->start, HUGE);
	if (munmap((void *)reservation->hole, length)) {
		munmap(start, span);
		return false;
	}
	return true;
}

static void unreserve(const struct reservation *reservation, size_t length)
{
	uintptr_t after = reservation->hole + length;

	if (reservation->hole > reservation->start)
		munmap((void *)reservation->start, reservation->hole - reservation->start);
	if (reservation->end > after)
		munmap((void *)after, reservation->end - after);
}

/*
 * Map into the hole of a reservation, then give back its two ends.
 *
 * MAP_FIXED over the reservation would be simpler. But when the driver refuses, the
 * reservation is gone, and another thread may have mapped there before it is unmapped.
 * So the hole is opened first, and MAP_FIXED_NOREPLACE can only lose a race: EEXIST.
 * The ends stay until then, and keep away other threads that need as much room.
 *
 * The alignment is worth having, not worth a failure: without room for a reservation
 * (RLIMIT_AS; RLIMIT_MEMLOCK after mlockall(MCL_FUTURE)) the kernel chooses.
 */
static int map_once(int fd, size_t length, int prot, void **address)
{
	struct reservation reservation;
	int ret;

	/* A buffer of less than a huge page contains none. */
	if (length < HUGE || !reserve(&reservation, length))
		return map_at(NULL, length, prot, 0, fd, address);
	ret = map_at((void *)reservation.hole, length, prot, MAP_FIXED_NOREPLACE, fd, address);
	unreserve(&reservation, length);
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
	return map_at(NULL, length, prot, 0, fd, address);
}

int bufalloc_unmap(void *address, size_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!address)
		return 0;
	return munmap(address, round_up(length, page)) ? -errno : 0;
}

/* Repeat a wait that a signal interrupts. */
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

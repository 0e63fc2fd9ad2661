// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/memory.h"
#include "fuzz/program.h"
#include "fuzz/slots.h"

#define WINDOWS_AT 0x20000000UL
#define AREAS_AT 0x10000000UL

/* Four parts: writable, not mapped, the same memory read-only, not mapped. */
#define AREA_STEP (4 * AREA)

static __thread unsigned int current;
static __thread sigjmp_buf fault;
static __thread _Atomic bool may_fault;
static __thread bool extended[ROLES]; /* a read-only page follows the area */

static unsigned char *area(enum role role)
{
	return (unsigned char *)AREAS_AT +
	       (current * ROLES + role) * AREA_STEP;
}

unsigned char *window(uint64_t slot)
{
	return (unsigned char *)WINDOWS_AT + slot % SLOTS * WINDOW;
}

static void on_fault(int signal)
{
	if (may_fault)
		siglongjmp(fault, 1);
	/* A bug of the fuzzer. */
	_exit(100 + signal);
}

static int map_areas(int file)
{
	unsigned char *at;
	int i;

	for (i = 0; i < THREADS_MAX * ROLES; i++) {
		at = (unsigned char *)AREAS_AT + i * AREA_STEP;
		if (mmap(at, AREA, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, file,
			 i * AREA) != at ||
		    mmap(at + 2 * AREA, AREA, PROT_READ,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, file,
			 i * AREA) != at + 2 * AREA)
			return -errno;
	}
	return 0;
}

int memory_create(void)
{
	struct sigaction action = {
		.sa_handler = on_fault,
		.sa_flags = SA_NODEFER,
	};
	int file, ret = 0;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	file = memfd_create("areas", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, THREADS_MAX * ROLES * AREA))
		ret = -errno;
	else
		ret = map_areas(file);
	if (file >= 0)
		close(file);
	return ret;
}

void memory_enter(unsigned int thread)
{
	current = thread;
}

void memory_clear(void)
{
	munmap((void *)WINDOWS_AT, SLOTS * WINDOW);
}

bool memory_copy(void *to, const void *from, size_t size)
{
	bool done = false;

	may_fault = true;
	if (!sigsetjmp(fault, 0)) {
		memcpy(to, from, size);
		done = true;
	}
	may_fault = false;
	return done;
}

void *place_plain(enum role role)
{
	return area(role);
}

static void *address_of(enum role role, enum place place, size_t size)
{
	unsigned char *writable = area(role);
	unsigned char *readable = writable + 2 * AREA;

	switch (place) {
	case PLACE_AT_END:
		return writable + AREA - size;
	case PLACE_CUT:
		return writable + AREA - (size / 2 & ~3UL);
	case PLACE_READ_ONLY:
		return readable;
	case PLACE_NULL:
		return NULL;
	case PLACE_KERNEL:
		return (void *)-(8 * AREA);
	case PLACE_TOP:
		return (void *)(0 - (size / 2 & ~3UL));
	case PLACE_MAPPING:
		return window(role);
	case PLACE_REQUESTS:
		return area(ROLE_REQUESTS);
	case PLACE_CALL:
		return area(ROLE_CALL);
	case PLACE_PLAIN:
	default:
		return writable;
	}
}

/* Put the first half of @size bytes on a writable page, the second half on a read-only page. */
static void *half_read_only(enum role role, size_t size)
{
	unsigned char *end = area(role) + AREA;

	mmap(end, PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memory_copy(end - (size / 2 & ~3UL), area(role), size);
	mprotect(end, PAGE, PROT_READ);
	extended[role] = true;
	return end - (size / 2 & ~3UL);
}

uint64_t place_put(enum role role, uint64_t place, const void *data,
		   size_t size)
{
	unsigned char *address;
	size_t kept = size < AREA ? size : AREA;

	place %= PLACES;
	if (place == PLACE_READ_ONLY || place == PLACE_HALF_READ_ONLY)
		memory_copy(area(role), data, kept);
	if (place == PLACE_HALF_READ_ONLY && kept <= 2 * PAGE)
		return (uintptr_t)half_read_only(role, kept);

	if (extended[role])
		munmap(area(role) + AREA, PAGE);
	extended[role] = false;
	address = address_of(role, place, kept);
	if (place == PLACE_CUT)
		kept = kept / 2 & ~3UL;
	if (place != PLACE_READ_ONLY && place != PLACE_TOP)
		memory_copy(address, data, kept);
	return (uintptr_t)address;
}

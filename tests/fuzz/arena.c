// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/arena.h"
#include "fuzz/calls.h"
#include "fuzz/memory.h"
#include "lib/guest.h"

#define USER_MEMORY "/sys/module/bufalloc/parameters/user_memory"
#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"

/* An address above the windows of mappings (memory.c), a multiple of a huge page. */
#define ARENA_AT 0x40000000UL
#define REGION (4UL << 20)

#define RW (PROT_READ | PROT_WRITE)
#define ANY (MAP_PRIVATE | MAP_ANONYMOUS)

/* Each region has REGION bytes. A region that cannot be mapped stays unmapped. */
enum region {
	REGION_ANONYMOUS,
	REGION_SHMEM,
	REGION_READ_ONLY,
	REGION_FILE, /* a file of ramfs: in memory, but not shmem */
	REGION_COPY, /* private mapping of the file: written pages become anonymous */
	REGION_TRANSPARENT,
	REGION_HUGE,
	REGION_NOTHING,
	REGIONS,
};

static atomic_bool changed;
static long huge_pages = -1;
static int file = -1;

static unsigned char *region(enum region which)
{
	return (unsigned char *)ARENA_AT + which * REGION;
}

/* A kernel without huge pages has no such file. */
int arena_allow(void)
{
	huge_pages = read_number(HUGE_PAGES);
	if (huge_pages >= 0)
		write_string(HUGE_PAGES, "2");
	return write_string(USER_MEMORY, "1");
}

void arena_forbid(void)
{
	char text[32];

	write_string(USER_MEMORY, "0");
	snprintf(text, sizeof(text), "%ld", huge_pages);
	if (huge_pages >= 0)
		write_string(HUGE_PAGES, text);
}

static int map_region(enum region which, int prot, int flags, int fd)
{
	void *at = region(which);

	return mmap(at, REGION, prot, flags | MAP_FIXED, fd, 0) == at ? 0 :
									-errno;
}

/* Open a file that no other process can find. The file is freed when the process ends. */
static int file_open(void)
{
	char place[64];
	int fd = -1, root;

	snprintf(place, sizeof(place), "/tmp/fuzz-%d", getpid());
	if (mkdir(place, 0700) || mount("none", place, "ramfs", 0, NULL))
		return -errno;
	root = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0)
		fd = openat(root, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = -errno;
	close(root);
	umount2(place, MNT_DETACH);
	rmdir(place);
	return fd;
}

/* Keep the file descriptors of the fuzzer the lowest ones, without a gap: see slots_create(). */
static int lowest(int fd)
{
	int low = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (low < 0)
		return fd;
	close(fd);
	return low;
}

static int map_file(void)
{
	int ret;

	/* All programs of this process share one file, because mounting takes long. */
	if (file < 0)
		file = lowest(file_open());
	if (file < 0)
		return file;
	ret = ftruncate(file, REGION) ? -errno : 0;
	if (!ret)
		ret = map_region(REGION_FILE, RW, MAP_SHARED, file);
	if (!ret)
		ret = map_region(REGION_COPY, RW, MAP_PRIVATE, file);
	return ret;
}

static int map_all(void)
{
	int ret;

	ret = map_region(REGION_ANONYMOUS, RW, ANY, -1);
	if (!ret)
		ret = map_region(REGION_SHMEM, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (!ret)
		ret = map_region(REGION_READ_ONLY, PROT_READ, ANY, -1);
	if (!ret)
		ret = map_file();
	if (!ret)
		ret = map_region(REGION_TRANSPARENT, RW, ANY, -1);
	if (ret)
		return ret;
	madvise(region(REGION_TRANSPARENT), REGION, MADV_HUGEPAGE);
	/* Huge pages may be short while the process before is ending: ignore an error. */
	munmap(region(REGION_HUGE), 2 * REGION);
	map_region(REGION_HUGE, RW, ANY | MAP_HUGETLB, -1);
	return 0;
}

int arena_create(void)
{
	return map_all();
}

void arena_restore_changed(void)
{
	if (changed)
		map_all();
	changed = false;
}

uint64_t arena_address(struct random *random)
{
	uint64_t address = ARENA_AT + random_below(random, REGIONS) * REGION;

	switch (random_below(random, 16)) {
	case 0:
		return random_next(random) & ~(PAGE - 1);
	case 1:
		return address + random_below(random, REGION);
	case 2:
		return (uintptr_t)window(random_below(random, SLOTS));
	/* Near the end of a region: the range goes on in the next region. */
	case 3:
	case 4:
		return address + REGION - PAGE * random_below(random, 8);
	case 5 ... 8:
		return address + PAGE * random_below(random, REGION / PAGE);
	default:
		return address;
	}
}

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long write_to(unsigned char *address, size_t length)
{
	unsigned char byte = 1;
	size_t at;

	for (at = 0; at < length; at += PAGE)
		if (!memory_copy(address + at, &byte, 1))
			return -EFAULT;
	return 0;
}

/* Operations of a process on its memory, which may be a buffer or become a buffer. */
long run_user_memory(const uint64_t *args)
{
	uint64_t skip = args[0] % (REGIONS * REGION) & ~(PAGE - 1);
	size_t left = REGIONS * REGION - skip;
	size_t length = args[1] < left ? args[1] : left;
	unsigned char *address = (unsigned char *)ARENA_AT + skip;

	switch (args[2] % 8) {
	case 0:
		return result(madvise(address, length, MADV_DONTNEED));
	case 1:
		return result(madvise(address, length, MADV_REMOVE));
	case 2:
		changed = true;
		return result(munmap(address, length));
	case 3:
		changed = true;
		return result(mprotect(address, length, PROT_READ));
	case 4:
		changed = true;
		return result(madvise(address, length, MADV_DONTFORK));
	case 5:
		return result(madvise(address, length, MADV_PAGEOUT));
	default:
		return write_to(address, length);
	}
}

// SPDX-License-Identifier: MIT
/*
 * Machines that have more memory than their kernel maps: buffers come from low memory,
 * like most of the kernel's own, and high memory is of no use to either. However much
 * there is of it, free or with files in it, a part of low memory is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define DROP_CACHES "/proc/sys/vm/drop_caches"
#define DISK "/dev/ram0"
#define PLACE "/run/lowmem"

/* What the kernel counts for each processor apart, and takes meanwhile. */
#define SLACK (8 * (long)MIB)

#define SECTOR 2048
/* Of ISO 9660, from the start of the disk, in sectors. */
#define DESCRIPTOR 16
#define DIRECTORY 18
#define CONTENT 32

/* Files that lie in the same place of the disk: each has pages of its own in memory. */
#define FILES 16
#define FILE_SIZE (48 * MIB)

/* Numbers are there twice, for processors of each kind. */
static void put32(unsigned char *at, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++) {
		at[i] = value >> 8 * i;
		at[7 - i] = value >> 8 * i;
	}
}

static void put16(unsigned char *at, uint16_t value)
{
	at[0] = value;
	at[1] = value >> 8;
	at[2] = value >> 8;
	at[3] = value;
}

/* A record of a directory. Returns its length. */
static size_t put_record(unsigned char *at, const char *name, size_t length,
			 uint32_t sector, uint32_t size, bool directory)
{
	size_t bytes = (33 + length + 1) & ~1UL;

	at[0] = bytes;
	put32(at + 2, sector);
	put32(at + 10, size);
	at[25] = directory ? 2 : 0;
	put16(at + 28, 1);
	at[32] = length;
	memcpy(at + 33, name, length);
	return bytes;
}

static void fill_descriptor(unsigned char *sector)
{
	sector[0] = 1;
	memcpy(sector + 1, "CD001", 5);
	sector[6] = 1;
	put32(sector + 80, CONTENT + FILE_SIZE / SECTOR);
	put16(sector + 120, 1);
	put16(sector + 124, 1);
	put16(sector + 128, SECTOR);
	put_record(sector + 156, "", 1, DIRECTORY, SECTOR, true);
	sector[881] = 1;
	/* And the end of descriptors. */
	sector[SECTOR] = 255;
	memcpy(sector + SECTOR + 1, "CD001", 5);
	sector[SECTOR + 6] = 1;
}

static void fill_directory(unsigned char *sector)
{
	char name[16];
	size_t at;
	int i;

	at = put_record(sector, "", 1, DIRECTORY, SECTOR, true);
	at += put_record(sector + at, "\1", 1, DIRECTORY, SECTOR, true);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "F%02d.;1", i);
		at += put_record(sector + at, name, 6, CONTENT, FILE_SIZE,
				 false);
	}
}

/* 0 or a negative errno. */
static int files_mount(void)
{
	static unsigned char sectors[CONTENT * SECTOR];
	int disk = open(DISK, O_RDWR | O_CLOEXEC), ret = 0;

	if (disk < 0)
		return -errno;
	fill_descriptor(sectors + DESCRIPTOR * SECTOR);
	fill_directory(sectors + DIRECTORY * SECTOR);
	if (pwrite(disk, sectors, sizeof(sectors), 0) != sizeof(sectors) ||
	    fsync(disk))
		ret = -EIO;
	close(disk);
	mkdir(PLACE, 0700);
	if (!ret && mount(DISK, PLACE, "iso9660", MS_RDONLY, NULL))
		ret = -errno;
	return ret;
}

/* Have so many of them in memory. Returns the bytes, or a negative errno. */
static long files_read(int count)
{
	static char bytes[256 * KIB];
	char path[64];
	long sum = 0;
	ssize_t got;
	int i, file;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), PLACE "/f%02d", i);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return -errno;
		while ((got = read(file, bytes, sizeof(bytes))) > 0)
			sum += got;
		close(file);
	}
	return sum;
}

static bool is_low(const char *zone)
{
	return strcmp(zone, "HighMem") && strcmp(zone, "Movable");
}

/*
 * Bytes of low memory that the kernel still has for itself: what is free and not of the
 * CMA area, and half of what files have there, which it can take.
 */
static long low_left(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	long pages = 0, number;
	char line[256], name[64];
	bool low = false;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %*d, zone %63s", name) == 1)
			low = is_low(name);
		else if (!low || sscanf(line, " %63s %ld", name, &number) != 2)
			continue;
		else if (!strcmp(name, "nr_free_pages"))
			pages += number;
		else if (!strcmp(name, "nr_free_cma"))
			pages -= number;
		else if (!strcmp(name, "nr_zone_inactive_file") ||
			 !strcmp(name, "nr_zone_active_file"))
			pages += number / 2;
	}
	if (file)
		fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

FIXTURE(lowmem)
{
	int device;
	long bytes;
	long kills;
	struct quotas quotas;
};

FIXTURE_VARIANT(lowmem)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(lowmem, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(lowmem, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(lowmem)
{
	self->bytes = live_bytes();
	self->kills = vmstat("oom_kill");
	ASSERT_EQ(0, quotas_lift(&self->quotas));
	ASSERT_EQ(0, write_string(DROP_CACHES, "4"));
	ASSERT_EQ(0, write_string(DROP_CACHES, "3"));
	ASSERT_EQ(0, files_mount());
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(lowmem)
{
	bufalloc_close(self->device);
	umount(PLACE);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
	EXPECT_EQ(0, quotas_write(&self->quotas));
}

#define MOST 512

/* Buffers until there is no memory for another. Returns what low memory has then. */
static long take_all(struct __test_metadata *_metadata, int device,
		     uint32_t caching)
{
	static int fds[MOST];
	int count, fd = -1;
	long left;

	for (count = 0; count < MOST; count++) {
		fd = buffer_open(device, 4 * MIB, caching);
		if (fd < 0)
			break;
		fds[count] = fd;
	}
	left = low_left();
	EXPECT_EQ(-ENOMEM, fd);
	EXPECT_LT(0, count);
	TH_LOG("%d MiB taken, %ld MiB of low memory left", count * 4,
	       left / (long)MIB);
	while (count)
		close(fds[--count]);
	return left;
}

/* What is promised: a part of all memory. */
static long reserve(void)
{
	return meminfo("MemTotal") * (long)KIB / 32;
}

TEST_F_TIMEOUT(lowmem, free_high_memory_is_no_headroom, PATIENCE)
{
	EXPECT_LE(reserve() - SLACK,
		  take_all(_metadata, self->device, variant->caching));
}

TEST_F_TIMEOUT(lowmem, files_in_high_memory_are_no_headroom, PATIENCE)
{
	long before = meminfo("HighFree");

	ASSERT_LT(0, before);
	/* Most of high memory has files in it; low memory has its own still. */
	EXPECT_EQ(before / 1024 / 56 * (long)FILE_SIZE,
		  files_read(before / 1024 / 56));
	EXPECT_GT(before / 2, meminfo("HighFree"));
	EXPECT_LE(reserve() - SLACK,
		  take_all(_metadata, self->device, variant->caching));
}

/* Where files are in low memory, too, they make room. */
TEST_F_TIMEOUT(lowmem, files_in_low_memory_make_room, PATIENCE)
{
	EXPECT_EQ(FILES * (long)FILE_SIZE, files_read(FILES));
	EXPECT_LE(reserve() - SLACK,
		  take_all(_metadata, self->device, variant->caching));
}

TEST_HARNESS_MAIN

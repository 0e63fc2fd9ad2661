// SPDX-License-Identifier: MIT
/*
 * The memory that the kernel sets aside for those who need it in one run goes to
 * them, and to nobody who does not. No memory cgroup is charged for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/imports.h"

FIXTURE(cma)
{
	int device;
	int importer;
	uint64_t start;
	uint64_t end;
};

FIXTURE_VARIANT(cma)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(cma, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(cma, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(cma, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(cma)
{
	ASSERT_TRUE(cma_area(&self->start, &self->end));
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
}

FIXTURE_TEARDOWN(cma)
{
	close(self->importer);
	bufalloc_close(self->device);
}

/* How many of the pages of a mapping, one in each 64 KiB, are of the area. */
static long pages_of_area(const FIXTURE_DATA(cma) * self,
			  const struct mapping *map)
{
	int64_t pfn;
	long count = 0;
	size_t at;

	for (at = 0; at < map->length; at += 64 * KIB) {
		pfn = user_pfn(self->importer, map->bytes + at);
		if (pfn < 0)
			return pfn;
		count += (uint64_t)pfn * 4096 >= self->start &&
			 (uint64_t)pfn * 4096 < self->end;
	}
	return count;
}

/* Neither the ends of a run, nor what comes when it goes, split the kernel's mapping. */
TEST_F(cma, direct_map_is_not_split)
{
	static const size_t lengths[] = { 6 * MIB, 20 * MIB + 4096, 33 * MIB };
	long before = meminfo("DirectMap4k");
	unsigned int i;
	int fd;

	if (!machine_types_memory())
		SKIP(return, "nobody changes the kernel's mapping here");
	ASSERT_LT(0, before);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fd = buffer_open_contiguous(self->device, lengths[i],
					    variant->caching);
		ASSERT_LE(0, fd);
		EXPECT_EQ(before, meminfo("DirectMap4k"));
		/* What is taken beside it is charged, and no more than that. */
		EXPECT_GE(lengths[i] + 4 * MIB, client_bytes(self->device));
		close(fd);
		EXPECT_EQ(before, meminfo("DirectMap4k"));
	}
}

/* Twice the area, while the rest of the memory is many times that. */
TEST_F(cma, scattered_memory_is_not_taken_from_it)
{
	struct mapping map;
	int fd = buffer_open(self->device, 2 * (self->end - self->start),
			     variant->caching);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &map));
	EXPECT_EQ(0, pages_of_area(self, &map));
	buffer_unmap(&map);
	close(fd);
}

/* The kernel tells of each allocation of pages by this process, large ones only. */
#define TRACING "/sys/kernel/tracing/"
#define PAGE_ALLOC TRACING "events/kmem/mm_page_alloc/"

static int trace_start(void)
{
	char filter[64];
	int ret;

	snprintf(filter, sizeof(filter), "common_pid == %d && order > 3",
		 getpid());
	ret = write_string(PAGE_ALLOC "filter", filter);
	if (ret)
		return ret;
	fclose(fopen(TRACING "trace", "we"));
	return write_string(PAGE_ALLOC "enable", "1");
}

static void trace_stop(void)
{
	write_string(PAGE_ALLOC "enable", "0");
	write_string(PAGE_ALLOC "filter", "0");
}

/*
 * Lines "... order=10 ... gfp_flags=GFP_KERNEL|__GFP_NOWARN": how many, and those which may
 * neither wait nor leave alone what is kept for others that may not.
 */
static int trace_read(int *greedy)
{
	FILE *lines = fopen(TRACING "trace", "re");
	char line[512];
	int count = 0;

	*greedy = 0;
	if (!lines)
		return -errno;
	while (fgets(line, sizeof(line), lines)) {
		if (!strstr(line, "gfp_flags="))
			continue;
		count++;
		*greedy += !strstr(line, "GFP_KERNEL") &&
			   !strstr(line, "GFP_NOMEMALLOC");
	}
	fclose(lines);
	return count;
}

TEST_F(cma, nor_from_what_is_kept_for_interrupts)
{
	int fd, count, greedy;

	ASSERT_EQ(0, trace_start());
	fd = buffer_open(self->device, 16 * MIB, variant->caching);
	trace_stop();
	ASSERT_LE(0, fd);
	count = trace_read(&greedy);
	EXPECT_LE(4, count);
	EXPECT_EQ(0, greedy);
	close(fd);
}

TEST_F(cma, contiguous_memory_is)
{
	size_t length = 20 * MIB + 4096;
	struct bufalloc_query query;
	struct mapping map;
	int fd = buffer_open_contiguous(self->device, length, variant->caching);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &map));
	EXPECT_EQ((long)(map.length / (64 * KIB)) + 1,
		  pages_of_area(self, &map));
	ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
	EXPECT_EQ(1, query.out_segments);
	EXPECT_TRUE(query.out_state & BUFALLOC_STATE_CONTIGUOUS);
	buffer_unmap(&map);
	close(fd);
}

/* CMA aligns to less than 4 MiB: beside another range its memory is not aligned so. */
TEST_F(cma, alignment_that_it_does_not_give_is_kept)
{
	struct bufalloc_request request = request_of(4 * MIB, variant->caching);
	struct bufalloc_result result;
	struct mapping mapping;
	int first;

	first = buffer_open_contiguous(self->device, MIB, variant->caching);
	ASSERT_LE(0, first);
	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	request.alignment = 4 * MIB;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	ASSERT_EQ(0, buffer_map(result.fd, &mapping));
	EXPECT_EQ(0, user_pfn(self->importer, mapping.bytes) * 4096 % (4 * MIB));
	buffer_unmap(&mapping);
	close(result.fd);
	close(first);
}

TEST_F(cma, full_area_is_ENOMEM)
{
	size_t length = self->end - self->start + 4 * MIB;
	struct bufalloc_request request = request_of(length, variant->caching);
	struct bufalloc_result result;
	uint32_t reason = 0;
	long live = live_bytes();

	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_EQ(-ENOMEM,
		  bufalloc_alloc(self->device, &request, &result, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
	EXPECT_EQ(live, live_bytes());
}

/* What comes from CMA, which no memory cgroup is charged for. */
FIXTURE(uncharged)
{
	int device;
	int charged;
	long bytes;
	struct bufalloc_heap heap;
};

FIXTURE_SETUP(uncharged)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->charged = bufalloc_open(BUFALLOC_DEVICE_CHARGED);
	ASSERT_LE(0, self->charged);
	ASSERT_EQ(0, bufalloc_get_heap(self->device, 0, &self->heap));
	group_controls("+memory");
	group_controls("+dmem");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, group_enter(GROUP));
}

FIXTURE_TEARDOWN(uncharged)
{
	EXPECT_EQ(0, group_enter(GROUPS));
	rmdir(GROUP);
	bufalloc_close(self->charged);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

/* Longer than the page allocator gives, and so from CMA or from nowhere. */
#define RUN (8 * MIB)

static int open_run(int device, uint32_t *reason)
{
	struct bufalloc_request request =
		request_of(RUN, BUFALLOC_CACHING_COHERENT);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	ret = bufalloc_alloc(device, &request, &result, reason);
	return ret ? ret : result.fd;
}

TEST_F(uncharged, heap_says_so)
{
	EXPECT_TRUE(self->heap.out_flags & BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS);
	EXPECT_FALSE(self->heap.out_flags & BUFALLOC_HEAP_UNCHARGED);
}

TEST_F(uncharged, counts_for_the_quota)
{
	struct bufalloc_info before, during;
	int fd;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &before));
	fd = open_run(self->device, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &during));
	EXPECT_EQ(before.out_user_bytes + RUN, during.out_user_bytes);
	close(fd);
}

TEST_F(uncharged, charged_device_has_none)
{
	uint32_t reason = 0;
	int fd = open_run(self->device, NULL);

	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-ENOMEM, open_run(self->charged, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
}

/* What the page allocator can give in one run is charged, and may be had. */
TEST_F(uncharged, charged_device_has_what_is_charged)
{
	long before = group_held(GROUP);
	int fd = buffer_open_contiguous(self->charged, 2 * MIB,
					BUFALLOC_CACHING_COHERENT);

	ASSERT_LE(0, fd);
	/* But for what each processor has charged in advance. */
	EXPECT_LE(before + (long)MIB, group_held(GROUP));
	close(fd);
}

/* A line "bufalloc/system BYTES" of a file of the dmem controller, or -1. */
static long dmem_says(const char *file)
{
	char name[64];
	long value = -1, got;
	FILE *lines = fopen(file, "re");

	if (!lines)
		return -1;
	while (fscanf(lines, "%63s %ld", name, &got) == 2)
		if (!strcmp(name, "bufalloc/system"))
			value = got;
	fclose(lines);
	return value;
}

TEST_F(uncharged, dmem_is_charged_and_limited)
{
	uint32_t reason = 0;
	int fd;

	if (!(self->heap.out_flags & BUFALLOC_HEAP_DMEM))
		SKIP(return, "this kernel has no dmem controller");
	fd = open_run(self->device, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(RUN, dmem_says(GROUP "/dmem.current"));
	ASSERT_EQ(0, write_string(GROUP "/dmem.max", "bufalloc/system 1M"));
	EXPECT_EQ(-ENOMEM, open_run(self->device, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
	close(fd);
	EXPECT_GE(0, dmem_says(GROUP "/dmem.current"));
}

/*
 * A group whose memory is all taken, by pages of a disk that have not been written to:
 * they go where somebody needs the memory, and is in no hurry.
 */
#define DISK "/dev/ram0"
#define FULL (48 * MIB)

FIXTURE(full)
{
	int device;
	int charged;
	int disk;
	long bytes;
	struct bufalloc_request request;
};

FIXTURE_VARIANT(full)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(full, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(full, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(full, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

/* To its end; 0 or a negative errno. */
static int read_all(int disk)
{
	static char bytes[MIB];
	ssize_t got;

	do
		got = read(disk, bytes, sizeof(bytes));
	while (got > 0);
	return got < 0 ? -errno : 0;
}

FIXTURE_SETUP(full)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->charged = bufalloc_open(BUFALLOC_DEVICE_CHARGED);
	ASSERT_LE(0, self->charged);
	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "48M"));
	ASSERT_EQ(0, group_enter(GROUP));
	/* It is open while its pages are needed. */
	self->disk = open(DISK, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->disk);
	ASSERT_EQ(0, read_all(self->disk));
	ASSERT_LT((long)(FULL - 4 * MIB), group_held(GROUP));
	self->request = request_of(16 * MIB, variant->caching);
}

FIXTURE_TEARDOWN(full)
{
	close(self->disk);
	EXPECT_EQ(0, group_enter(GROUPS));
	rmdir(GROUP);
	bufalloc_close(self->charged);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

/* What cannot be had in smaller chunks, and not of the area, is reclaimed. */
static int open_needed(int device, const struct bufalloc_request *request)
{
	struct bufalloc_result result;
	int ret = bufalloc_alloc(device, request, &result, NULL);

	return ret ? ret : result.fd;
}

TEST_F(full, aligned_memory_is_reclaimed)
{
	long before = group_held(GROUP);
	int fd;

	self->request.alignment = MIB;
	fd = open_needed(self->device, &self->request);
	ASSERT_LE(0, fd);
	/* In place of others, and charged. */
	EXPECT_GE((long)FULL, group_held(GROUP));
	EXPECT_LT(before - (long)(8 * MIB), group_held(GROUP));
	close(fd);
}

/* Where the memory has to lie low, that is what is reclaimed. */
TEST_F(full, low_memory_is_reclaimed)
{
	int fd;

	self->request.alignment = MIB;
	self->request.dma_bits = 32;
	fd = open_needed(self->device, &self->request);
	ASSERT_LE(0, fd);
	close(fd);
}

TEST_F(full, few_segments_are_reclaimed)
{
	int fd;

	self->request.max_segments = 8;
	fd = open_needed(self->device, &self->request);
	ASSERT_LE(0, fd);
	close(fd);
}

TEST_F(full, charged_run_is_reclaimed)
{
	int fd;

	self->request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	self->request.length = 4 * MIB;
	fd = open_needed(self->charged, &self->request);
	ASSERT_LE(0, fd);
	close(fd);
}

TEST_HARNESS_MAIN

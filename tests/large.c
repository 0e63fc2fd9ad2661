// SPDX-License-Identifier: MIT
/*
 * CPU mappings by large pages. Page table entries are read from outside: the importer walks the
 * tables of this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define PAGE 4096UL
#define LARGE (2 * MIB)
#define LENGTH (9 * MIB)
#define RW (PROT_READ | PROT_WRITE)
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

FIXTURE(large)
{
	int device;
	int importer;
	int fd;
	/* Address space of this test, and its first multiple of a large page. */
	unsigned char *room;
	unsigned char *aligned;
	/* The buffer by small entries. */
	unsigned char *small;
};

FIXTURE_VARIANT(large)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(large, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(large, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(large, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

/* From 6.12 on, on 64-bit processors, the kernel keeps others from pinning such pages. */
static bool kernel_has_large_pages(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	if (sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return false;
	return sizeof(long) == 8 && !access(THP, F_OK) &&
	       (major > 6 || (major == 6 && minor >= 12));
}

static unsigned char *map_at(const unsigned char *place, size_t length, int prot, int fd,
			     off_t offset)
{
	void *address = mmap((void *)place, length, prot, MAP_SHARED | MAP_FIXED, fd, offset);

	return address == MAP_FAILED ? NULL : address;
}

FIXTURE_SETUP(large)
{
	const size_t room = 3 * (LENGTH + 2 * LARGE);

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, self->fd);
	self->room = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			  0);
	ASSERT_NE(MAP_FAILED, self->room);
	self->aligned = self->room + LARGE - (uintptr_t)self->room % LARGE;
	/* No page frame is at a multiple of its size here. */
	self->small = map_at(self->aligned + 2 * (LENGTH + LARGE) / LARGE * LARGE + PAGE, LENGTH,
			     RW, self->fd, 0);
	ASSERT_NE(NULL, self->small);
}

FIXTURE_TEARDOWN(large)
{
	munmap(self->room, 3 * (LENGTH + 2 * LARGE));
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

static unsigned char touch(const unsigned char *bytes, size_t length)
{
	const volatile unsigned char *at = bytes;
	unsigned char seen = 0;
	size_t offset;

	for (offset = 0; offset < length; offset += PAGE)
		seen |= at[offset];
	return seen;
}

/* Each page begins with its number from 1 on. */
static void number_pages(unsigned char *bytes, size_t length)
{
	size_t offset;

	for (offset = 0; offset < length; offset += PAGE)
		*(volatile uint64_t *)(bytes + offset) = offset / PAGE + 1;
}

static bool are_numbered(const unsigned char *bytes, size_t length)
{
	size_t offset;

	for (offset = 0; offset < length; offset += PAGE)
		if (*(const volatile uint64_t *)(bytes + offset) != offset / PAGE + 1)
			return false;
	return true;
}

/* Large entries in a range that was touched; -1 where a page has another frame, or none. */
static int count_large(int importer, const unsigned char *bytes, const unsigned char *small,
		       size_t length)
{
	int64_t size;
	size_t offset;
	int count = 0;

	for (offset = 0; offset < length; offset += PAGE) {
		size = user_size(importer, bytes + offset);
		if (size < (int64_t)PAGE ||
		    user_pfn(importer, bytes + offset) != user_pfn(importer, small + offset))
			return -1;
		if (size == LARGE && (uintptr_t)(bytes + offset) % LARGE == 0)
			count++;
	}
	return count;
}

/* Whether the pages from there on are a large page of memory. */
static bool is_large_page(int importer, const unsigned char *small)
{
	int64_t first = user_pfn(importer, small);
	size_t i;

	if (first < 0 || first % (LARGE / PAGE))
		return false;
	for (i = 1; i < LARGE / PAGE; i++)
		if (user_pfn(importer, small + i * PAGE) != first + (int64_t)i)
			return false;
	return true;
}

/* Large entries that such a mapping can have. */
static int count_possible(int importer, const unsigned char *bytes, const unsigned char *small,
			  size_t length)
{
	size_t offset = -(uintptr_t)bytes % LARGE;
	int count = 0;

	if (!kernel_has_large_pages())
		return 0;
	for (; offset + LARGE <= length; offset += LARGE)
		count += is_large_page(importer, small + offset);
	return count;
}

TEST_F(large, query_tells_the_largest_page)
{
	size_t largest = kernel_has_large_pages() ? LARGE : PAGE;
	struct bufalloc_query query;
	int fd;

	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(largest, query.out_max_cpu_page);
	fd = buffer_open(self->device, LARGE - PAGE, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
	EXPECT_EQ(PAGE, query.out_max_cpu_page);
	close(fd);
}

/* One fault for each large entry, whether the first access reads or writes, and no other. */
TEST_F(large, first_access_maps_a_large_page)
{
	unsigned char *bytes;
	int possible, write;
	long faults;

	possible = count_possible(self->importer, self->aligned, self->small, LENGTH);
	/* 9 MiB are four large pages and a rest; less where memory is fragmented. */
	EXPECT_LE(kernel_has_large_pages() ? 1 : 0, possible);
	TH_LOG("%d large pages", possible);
	for (write = 0; write < 2; write++) {
		bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
		ASSERT_NE(NULL, bytes);
		faults = minor_faults();
		if (write)
			number_pages(bytes, LENGTH);
		else
			touch(bytes, LENGTH);
		EXPECT_EQ(faults + possible, minor_faults());
		number_pages(bytes, LENGTH);
		EXPECT_EQ(faults + possible, minor_faults());
		EXPECT_EQ(possible, count_large(self->importer, bytes, self->small, LENGTH));
		EXPECT_TRUE(are_numbered(self->small, LENGTH));
	}
}

TEST_F(large, large_entries_have_the_memory_type)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
	size_t offset;

	ASSERT_NE(NULL, bytes);
	touch(bytes, LENGTH);
	for (offset = 0; offset < LENGTH; offset += LARGE)
		EXPECT_EQ(user_memtype(self->importer, self->small + offset),
			  user_memtype(self->importer, bytes + offset));
}

/* A part of the buffer, from a page inside of a large one on, and at addresses that do not fit. */
TEST_F(large, parts_have_large_entries_where_they_fit)
{
	static const struct {
		size_t offset, length, skew;
	} parts[] = {
		{ MIB, LENGTH - MIB, MIB },
		{ MIB, LENGTH - MIB, 0 },
		{ PAGE, LENGTH - 2 * PAGE, PAGE },
		{ LARGE, LARGE, 0 },
		{ LARGE, LARGE - PAGE, 0 },
		{ LARGE - PAGE, LARGE + 2 * PAGE, LARGE - PAGE },
		{ 0, LENGTH, PAGE },
	};
	const unsigned char *small;
	unsigned char *bytes;
	long faults;
	int possible;
	size_t i;

	number_pages(self->small, LENGTH);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		small = self->small + parts[i].offset;
		bytes = map_at(self->aligned + parts[i].skew, parts[i].length, RW, self->fd,
			       parts[i].offset);
		ASSERT_NE(NULL, bytes);
		possible = count_possible(self->importer, bytes, small, parts[i].length);
		faults = minor_faults();
		touch(bytes, parts[i].length);
		EXPECT_EQ(faults + possible, minor_faults());
		EXPECT_EQ(possible,
			  count_large(self->importer, bytes, small, parts[i].length));
		munmap(bytes, parts[i].length);
	}
}

TEST_F(large, a_page_can_be_unmapped)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);

	ASSERT_NE(NULL, bytes);
	number_pages(bytes, LENGTH);
	ASSERT_EQ(0, munmap(bytes + MIB, PAGE));
	EXPECT_GT(0, user_size(self->importer, bytes + MIB));
	EXPECT_TRUE(are_numbered(bytes, MIB));
	/* The accesses before and behind the hole have filled small entries. */
	EXPECT_GT(0, user_size(self->importer, bytes + MIB));
	EXPECT_EQ(MIB / PAGE + 2, *(uint64_t *)(bytes + MIB + PAGE));
	/* The rest keeps its large entries: the first one alone was split. */
	touch(bytes + MIB + PAGE, LENGTH - MIB - PAGE);
	EXPECT_EQ(count_possible(self->importer, bytes + LARGE, self->small + LARGE,
				 LENGTH - LARGE),
		  count_large(self->importer, bytes + LARGE, self->small + LARGE,
			      LENGTH - LARGE));
	EXPECT_TRUE(are_numbered(self->small, LENGTH));
}

/* The signal that ends a child that writes there, or 0. */
static int signal_of_write(unsigned char *at)
{
	pid_t child = fork();
	int status;

	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile unsigned char *)at = 1;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_F(large, a_page_can_be_protected)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);

	ASSERT_NE(NULL, bytes);
	number_pages(bytes, LENGTH);
	ASSERT_EQ(0, mprotect(bytes + MIB, PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, signal_of_write(bytes + MIB));
	EXPECT_TRUE(are_numbered(bytes, LENGTH));
	number_pages(bytes, MIB);
	EXPECT_EQ(0, signal_of_write(bytes + MIB + PAGE + 8));
	ASSERT_EQ(0, mprotect(bytes + MIB, PAGE, RW));
	number_pages(bytes, LENGTH);
	EXPECT_TRUE(are_numbered(self->small, LENGTH));
}

/* Large entries are as writable as the mapping is. */
TEST_F(large, rights_can_be_added_and_taken)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, PROT_READ, self->fd, 0);

	ASSERT_NE(NULL, bytes);
	number_pages(self->small, LENGTH);
	EXPECT_TRUE(are_numbered(bytes, LENGTH));
	EXPECT_EQ(SIGSEGV, signal_of_write(bytes + LARGE));
	ASSERT_EQ(0, mprotect(bytes, LENGTH, RW));
	number_pages(bytes, LENGTH);
	EXPECT_EQ(count_possible(self->importer, bytes, self->small, LENGTH),
		  count_large(self->importer, bytes, self->small, LENGTH));
	ASSERT_EQ(0, mprotect(bytes, LENGTH, PROT_READ));
	EXPECT_EQ(SIGSEGV, signal_of_write(bytes + LARGE));
	ASSERT_EQ(0, mprotect(bytes, LENGTH, PROT_NONE));
	ASSERT_EQ(0, mprotect(bytes, LENGTH, RW));
	EXPECT_TRUE(are_numbered(bytes, LENGTH));
}

TEST_F(large, mappings_move)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
	unsigned char *places[3];
	unsigned int i;

	ASSERT_NE(NULL, bytes);
	number_pages(bytes, LENGTH);
	places[0] = self->aligned + LENGTH / LARGE * LARGE + LARGE;
	places[1] = self->aligned + PAGE;
	places[2] = places[0];
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_EQ(places[i], mremap(bytes, LENGTH, LENGTH,
					    MREMAP_MAYMOVE | MREMAP_FIXED, places[i]));
		bytes = places[i];
		EXPECT_TRUE(are_numbered(bytes, LENGTH));
		EXPECT_LE(0, count_large(self->importer, bytes, self->small, LENGTH));
		number_pages(bytes, LENGTH);
	}
}

TEST_F(large, fork_shares_large_pages)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
	int status;
	pid_t child;

	ASSERT_NE(NULL, bytes);
	touch(bytes, LENGTH);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		number_pages(bytes, LENGTH);
		_exit(!are_numbered(self->small, LENGTH));
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(are_numbered(bytes, LENGTH));
}

/* An exporter's pages can be taken from all mappings at once; they come back the same. */
TEST_F(large, zapped_pages_come_back)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
	int possible;
	long faults;

	ASSERT_NE(NULL, bytes);
	number_pages(bytes, LENGTH);
	possible = count_possible(self->importer, bytes, self->small, LENGTH);
	ASSERT_EQ(0, importer_zap(self->importer, self->fd));
	EXPECT_GT(0, user_size(self->importer, bytes));
	faults = minor_faults();
	EXPECT_TRUE(are_numbered(bytes, LENGTH));
	EXPECT_EQ(faults + possible + (long)(LENGTH / PAGE - possible * (LARGE / PAGE)),
		  minor_faults());
	EXPECT_TRUE(are_numbered(self->small, LENGTH));
	EXPECT_EQ(possible, count_large(self->importer, bytes, self->small, LENGTH));
}

/* Nobody takes references to large pages behind the buffer's back; the CPU copies them. */
TEST_F(large, pages_cannot_be_pinned)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0), copy[16];
	struct iovec local = { .iov_base = copy, .iov_len = sizeof(copy) };
	struct iovec remote = { .iov_base = bytes, .iov_len = sizeof(copy) };
	int ends[2];

	ASSERT_NE(NULL, bytes);
	ASSERT_EQ(0, pipe(ends));
	touch(bytes, LENGTH);
	EXPECT_EQ(-1, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, vmsplice(ends[1], &remote, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(16, write(ends[1], bytes, 16));
	EXPECT_EQ(16, read(ends[0], bytes + LARGE, 16));
	close(ends[0]);
	close(ends[1]);
}

/**
 * struct racer - a thread that accesses a mapping
 * @bytes: the mapping.
 * @write: it writes.
 * @wrong: it read something else than the numbers.
 */
struct racer {
	unsigned char *bytes;
	bool write;
	bool wrong;
};

static void *race(void *data)
{
	struct racer *racer = data;

	if (racer->write)
		number_pages(racer->bytes, LENGTH);
	racer->wrong = !are_numbered(racer->bytes, LENGTH);
	return NULL;
}

/* Reads the mapping in the kernel, where a fault that fails is an error of the call. */
static void *race_in_the_kernel(void *data)
{
	struct racer *racer = data;
	int fd = memfd_create("large", MFD_CLOEXEC);
	size_t offset;

	racer->wrong = fd < 0;
	for (offset = 0; offset < LENGTH; offset += LARGE / 2)
		racer->wrong |= pwrite(fd, racer->bytes + offset, 8, offset) != 8;
	close(fd);
	return NULL;
}

/* The setting of transparent huge pages, the word in brackets. */
static void thp_read(char *setting, size_t size)
{
	char line[128] = "";
	FILE *file = fopen(THP, "re");
	const char *begin, *end;

	setting[0] = '\0';
	if (!file)
		return;
	if (fgets(line, sizeof(line), file)) {
		begin = strchr(line, '[');
		end = strchr(line, ']');
		if (begin && end)
			snprintf(setting, size, "%.*s", (int)(end - begin - 1), begin + 1);
	}
	fclose(file);
}

/* Without transparent huge pages the kernel asks for a small page, and gets a large one. */
TEST_F(large, threads_compete_without_transparent_huge_pages)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
	struct racer racers[2] = { { .bytes = bytes }, { .bytes = bytes } };
	pthread_t threads[2];
	char setting[32];
	unsigned int round, i;

	ASSERT_NE(NULL, bytes);
	thp_read(setting, sizeof(setting));
	if (setting[0])
		ASSERT_EQ(0, write_string(THP, "never"));
	for (round = 0; round < 300; round++) {
		ASSERT_EQ(0, importer_zap(self->importer, self->fd));
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, race_in_the_kernel,
						    &racers[i]));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], NULL));
			EXPECT_FALSE(racers[i].wrong);
		}
	}
	if (setting[0])
		EXPECT_EQ(0, write_string(THP, setting));
	touch(bytes, LENGTH);
	EXPECT_EQ(count_possible(self->importer, bytes, self->small, LENGTH),
		  count_large(self->importer, bytes, self->small, LENGTH));
}

/* Two threads take the first fault of the same large page, while it is zapped. */
TEST_F(large, threads_compete_for_the_first_fault)
{
	unsigned char *bytes = map_at(self->aligned, LENGTH, RW, self->fd, 0);
	struct racer racers[2] = {
		{ .bytes = bytes, .write = true },
		{ .bytes = bytes },
	};
	pthread_t threads[2];
	unsigned int round, i;

	ASSERT_NE(NULL, bytes);
	number_pages(bytes, LENGTH);
	for (round = 0; round < 20; round++) {
		ASSERT_EQ(0, importer_zap(self->importer, self->fd));
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, race, &racers[i]));
		ASSERT_EQ(0, importer_zap(self->importer, self->fd));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], NULL));
			EXPECT_FALSE(racers[i].wrong);
		}
	}
	EXPECT_TRUE(are_numbered(self->small, LENGTH));
}

TEST_HARNESS_MAIN

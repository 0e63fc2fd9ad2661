// SPDX-License-Identifier: MIT
/*
 * S19: buffers whose memory the kernel may swap out, and does, while no device has them
 * mapped; while one has, all of it is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/blocked.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/nobody.h"
#include "lib/quotas.h"
#include "lib/swap.h"

#define PAGE 4096UL
#define LENGTH (16 * MIB)
#define CHUNK ((size_t)IMPORTER_DMA_MAX)
#define RW (PROT_READ | PROT_WRITE)

#define OTHER GROUPS "/bufalloc-other"
/* As in account.c. */
#define SLACK (2 * MIB)

FIXTURE(pageable)
{
	int device;
	int importer;
	int fd;
	long bytes;
	long kills;
};

static struct bufalloc_request request_pageable(size_t length)
{
	struct bufalloc_request request = request_of(length,
						     BUFALLOC_CACHING_CACHED);

	request.flags = BUFALLOC_ALLOC_PAGEABLE;
	return request;
}

static int open_pageable(int device, size_t length)
{
	struct bufalloc_request request = request_pageable(length);
	struct bufalloc_result result;
	int ret;

	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

FIXTURE_SETUP(pageable)
{
	self->bytes = live_bytes();
	self->kills = vmstat("oom_kill");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	ASSERT_EQ(0, swap_start());
	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, group_make(OTHER));
	ASSERT_EQ(0, group_enter(GROUP));
	self->fd = open_pageable(self->device, LENGTH);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(pageable)
{
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(0, group_enter(GROUPS));
	rmdir(GROUP);
	rmdir(OTHER);
	EXPECT_EQ(0, swap_stop());
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
}

/* Words that are different everywhere, and from one @seed to the next. */
static uint64_t word_at(size_t i, uint64_t seed)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL ^ seed;
}

static void write_words(void *at, size_t length, uint64_t seed)
{
	uint64_t *words = at;
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		words[i] = word_at(i, seed);
}

static bool has_words(const void *at, size_t length, uint64_t seed)
{
	const uint64_t *words = at;
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		if (words[i] != word_at(i, seed))
			return false;
	return true;
}

static long resident(int device, int fd)
{
	struct bufalloc_query query;
	int ret = bufalloc_query(device, fd, &query);

	return ret ? ret : (long)query.out_resident;
}

/*
 * The kernel is asked for all that our cgroup has, several times, and more often where
 * it takes its time.
 */
static void press(int device, int fd)
{
	int i;

	for (i = 0; i < 8 || (i < 32 && resident(device, fd) > (long)LENGTH / 32); i++)
		write_string(GROUP "/memory.reclaim", "64M");
}

static int fill(int fd, size_t length, uint64_t seed)
{
	struct mapping mapping;
	int ret = buffer_map(fd, &mapping);

	if (!ret) {
		write_words(mapping.bytes, length, seed);
		buffer_unmap(&mapping);
	}
	return ret;
}

static bool has(int fd, size_t length, uint64_t seed)
{
	struct mapping mapping;
	bool same;

	if (buffer_map(fd, &mapping))
		return false;
	same = has_words(mapping.bytes, length, seed);
	buffer_unmap(&mapping);
	return same;
}

/* Brings that, and no more. */
static bool has_second_half(int fd, uint64_t seed)
{
	const size_t first = LENGTH / 2 / sizeof(uint64_t);
	const uint64_t *words;
	struct mapping mapping;
	bool same = true;
	size_t i;

	if (buffer_map(fd, &mapping))
		return false;
	words = (const uint64_t *)mapping.bytes;
	for (i = first; i < LENGTH / sizeof(*words); i++)
		same &= words[i] == word_at(i, seed);
	buffer_unmap(&mapping);
	return same;
}

TEST_F(pageable, takes_no_memory_until_used)
{
	struct bufalloc_query query;
	struct bufalloc_info info;

	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(BUFALLOC_STATE_BACKED | BUFALLOC_STATE_PAGEABLE,
		  query.out_state);
	EXPECT_EQ(0, query.out_resident);
	EXPECT_EQ(0, query.out_chunks);
	EXPECT_EQ(0, query.out_segments);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_TRUE(info.out_features & BUFALLOC_FEATURE_PAGEABLE);
	EXPECT_EQ(LENGTH, info.out_client_bytes);
	EXPECT_GT((long)(2 * MIB), group_held(GROUP));
}

TEST_F(pageable, comes_zeroed)
{
	struct mapping mapping;

	ASSERT_EQ(0, memory_dirty(self->device, BUFALLOC_CACHING_CACHED, LENGTH,
				  4 * LENGTH, 0xa5));
	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	EXPECT_TRUE(mapping_is(&mapping, 0));
	EXPECT_EQ((long)LENGTH, resident(self->device, self->fd));
	buffer_unmap(&mapping);
}

TEST_F(pageable, goes_to_the_swap_device_and_comes_back)
{
	long free = meminfo("SwapFree"), out = vmstat("pswpout");

	ASSERT_EQ(0, fill(self->fd, LENGTH, 1));
	EXPECT_EQ((long)LENGTH, resident(self->device, self->fd));
	press(self->device, self->fd);
	TH_LOG("%ld KiB resident", resident(self->device, self->fd) / (long)KIB);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	EXPECT_LT((long)(LENGTH - LENGTH / 8) / (long)KIB, free - meminfo("SwapFree"));
	EXPECT_LT((long)(LENGTH - LENGTH / 8) / (long)PAGE, vmstat("pswpout") - out);
	EXPECT_TRUE(has(self->fd, LENGTH, 1));
	EXPECT_EQ((long)LENGTH, resident(self->device, self->fd));
}

/* Nobody asks for it here: another user of the same memory needs it. */
TEST_F(pageable, goes_under_pressure)
{
	char *bytes;

	ASSERT_EQ(0, fill(self->fd, LENGTH, 2));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "24M"));
	bytes = mmap(NULL, LENGTH, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, bytes);
	ASSERT_EQ(0, mlock(bytes, LENGTH));
	EXPECT_GT((long)LENGTH - (long)(4 * MIB), resident(self->device, self->fd));
	munmap(bytes, LENGTH);
	EXPECT_TRUE(has(self->fd, LENGTH, 2));
}

TEST_F(pageable, goes_while_only_the_cpu_has_it_mapped)
{
	struct mapping mapping;

	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	write_words(mapping.bytes, LENGTH, 3);
	press(self->device, self->fd);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	EXPECT_TRUE(has_words(mapping.bytes, LENGTH, 3));
	EXPECT_EQ((long)LENGTH, resident(self->device, self->fd));
	buffer_unmap(&mapping);
}

TEST_F(pageable, stays_while_a_device_has_it_mapped)
{
	static struct importer_map map;
	long out;
	int id;

	ASSERT_EQ(0, fill(self->fd, LENGTH, 4));
	press(self->device, self->fd);
	ASSERT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_EQ((long)LENGTH, resident(self->device, self->fd));
	out = vmstat("pswpout");
	press(self->device, self->fd);
	EXPECT_EQ((long)LENGTH, resident(self->device, self->fd));
	EXPECT_GT((long)LENGTH / 8 / (long)PAGE, vmstat("pswpout") - out);

	/* Attached is not mapped. */
	ASSERT_EQ(0, importer_unmap(self->importer, id));
	press(self->device, self->fd);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	EXPECT_TRUE(has(self->fd, LENGTH, 4));
}

/* The last of all devices counts, whoever came first. */
TEST_F(pageable, stays_until_the_last_device_unmaps)
{
	static struct importer_map map;
	struct bufalloc_query query;
	int first, last, idle;

	first = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	last = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, first);
	ASSERT_LE(0, last);
	ASSERT_EQ(0, importer_map(self->importer, first, IMPORTER_TO_DEVICE, &map));
	/* What is listed for it now is not what will be there later. */
	idle = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, idle);
	ASSERT_EQ(0, importer_map(self->importer, last, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, importer_unmap(self->importer, first));
	press(self->device, self->fd);
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(LENGTH, query.out_resident);
	EXPECT_EQ(1, query.out_chunks);
	ASSERT_EQ(0, importer_unmap(self->importer, last));
	press(self->device, self->fd);
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_GT(LENGTH / 8, query.out_resident);
	EXPECT_EQ(0, query.out_chunks);
	EXPECT_EQ(0, query.out_segments);

	ASSERT_EQ(0, fill(self->fd, LENGTH, 5));
	ASSERT_EQ(0, importer_map(self->importer, idle, IMPORTER_TO_DEVICE, &map));
	EXPECT_EQ(0, importer_unmap(self->importer, idle));
}

/* Memory of our own, until only so many kilobytes are left for others. */
static char *take_all_but(long left, size_t *length)
{
	char *bytes;
	size_t at;

	*length = meminfo("MemTotal") * KIB;
	bytes = mmap(NULL, *length, RW,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	/* Quickly, where there are such pages. */
	madvise(bytes, *length, MADV_HUGEPAGE);
	for (at = 0; at + MIB <= *length && meminfo("MemAvailable") > left; at += MIB)
		memset(bytes + at, 1, MIB);
	return bytes;
}

/* What a device needs is all there: not at the price of what others cannot do without. */
TEST_F(pageable, last_memory_is_left_alone)
{
	static struct importer_map map;
	long spared = meminfo("MemTotal") / 32;
	size_t length;
	char *taken;
	int id;

	ASSERT_EQ(0, swap_stop());
	taken = take_all_but(spared * 3 / 4, &length);
	ASSERT_NE(NULL, taken);
	ASSERT_GT(spared, meminfo("MemAvailable"));
	ASSERT_LT(2 * (long)LENGTH / 1024, meminfo("MemAvailable"));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(-ENOMEM, importer_map(self->importer, id,
					IMPORTER_BIDIRECTIONAL, &map));
	EXPECT_EQ(0, resident(self->device, self->fd));
	EXPECT_EQ(0, importer_detach(self->importer, id));
	/* First what was taken: nobody else need be swapped out. */
	munmap(taken, length);
	ASSERT_EQ(0, swap_start());
}

/* What a device reads was swapped out, and so is what it wrote. */
TEST_F(pageable, devices_move_data)
{
	size_t from = 3 * MIB, to = 9 * MIB;
	static struct importer_map map;
	struct mapping mapping;
	struct edus edus;
	int i, id, moved = 0;

	edus_find(self->importer, &edus);
	for (i = 0; i < edus.count; i++) {
		/* Others might not reach it. */
		if (!is_translated(&edus.facts[i]) && mask_bits(&edus.facts[i]) < 64)
			continue;
		ASSERT_EQ(0, fill(self->fd, LENGTH, 6 + i));
		press(self->device, self->fd);
		/* Not all: what was used lately may stay for a while. */
		EXPECT_GT((long)LENGTH * 3 / 4, resident(self->device, self->fd));
		id = importer_attach(self->importer, self->fd, edus.facts[i].device);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(self->importer, id,
					  IMPORTER_BIDIRECTIONAL, &map));
		ASSERT_EQ(0, importer_dma(self->importer, id, IMPORTER_TO_DEVICE,
					  from, CHUNK));
		ASSERT_EQ(0, importer_dma(self->importer, id, IMPORTER_FROM_DEVICE,
					  to, CHUNK));
		ASSERT_EQ(0, importer_unmap(self->importer, id));
		press(self->device, self->fd);
		EXPECT_GT((long)LENGTH * 3 / 4, resident(self->device, self->fd));
		EXPECT_EQ(0, importer_detach(self->importer, id));

		ASSERT_EQ(0, buffer_map(self->fd, &mapping));
		EXPECT_EQ(0, memcmp(mapping.bytes + from, mapping.bytes + to,
				    CHUNK));
		EXPECT_TRUE(has_words(mapping.bytes, to, 6 + i));
		buffer_unmap(&mapping);
		moved++;
	}
	EXPECT_LT(0, moved);
}

/* Nobody but the device knows that it is not zero any more. */
TEST_F(pageable, what_only_a_device_wrote_stays)
{
	int fresh = open_pageable(self->device, LENGTH), from, to;
	static struct importer_map map;
	struct mapping mapping;
	struct edus edus;
	size_t i;

	ASSERT_LE(0, fresh);
	edus_find(self->importer, &edus);
	ASSERT_LT(0, edus.count);
	ASSERT_EQ(0, fill(self->fd, LENGTH, 12));
	from = importer_attach(self->importer, self->fd, edus.facts[0].device);
	to = importer_attach(self->importer, fresh, edus.facts[0].device);
	ASSERT_LE(0, from);
	ASSERT_LE(0, to);
	ASSERT_EQ(0, importer_map(self->importer, from, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, importer_map(self->importer, to, IMPORTER_FROM_DEVICE, &map));
	ASSERT_EQ(0, importer_dma(self->importer, from, IMPORTER_TO_DEVICE, 0, 4088));
	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, importer_dma(self->importer, to, IMPORTER_FROM_DEVICE,
					  i * PAGE, 4088));
	ASSERT_EQ(0, importer_unmap(self->importer, to));
	press(self->device, self->fd);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, fresh));
	ASSERT_EQ(0, buffer_map(fresh, &mapping));
	for (i = 0; i < 64; i++)
		EXPECT_TRUE(has_words(mapping.bytes + i * PAGE, 4088, 12));
	buffer_unmap(&mapping);
	EXPECT_EQ(0, importer_unmap(self->importer, from));
	EXPECT_EQ(0, importer_detach(self->importer, to));
	close(fresh);
}

TEST_F(pageable, kernel_mappings_find_what_was_swapped_out)
{
	struct importer_vmap vmap;

	ASSERT_EQ(0, fill(self->fd, LENGTH, 7));
	press(self->device, self->fd);
	ASSERT_EQ(0, importer_vmap(self->importer, self->fd, 8 * MIB, &vmap));
	EXPECT_EQ(word_at(MIB, 7), vmap.out_value);
	/* And it is gone. */
	press(self->device, self->fd);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, self->fd));
}

/* By an importer that is not attached: only that the pages are coming is busy then. */
static int map_for_kernel(int fd)
{
	struct importer_vmap vmap;

	return importer_vmap(importer_open(), fd, 0, &vmap) ? 1 : 0;
}

static int look_at(int device, int fd)
{
	long bytes = resident(device, fd);
	struct mapping mapping;

	if (bytes < 0 || bytes >= (long)LENGTH)
		return 1;
	if (bufalloc_commit(device, &fd, 1, NULL, NULL))
		return 2;
	if (buffer_map(fd, &mapping))
		return 3;
	buffer_unmap(&mapping);
	return 0;
}

/* One page that never comes, as from a swap device that is slow. */
TEST_F(pageable, nobody_waits_for_what_an_importer_brings)
{
	int locker = importer_open(), status = -1;
	struct mapping mapping;
	pid_t maps, looks;
	bool mapped, looked;

	ASSERT_LE(0, locker);
	ASSERT_EQ(0, fill(self->fd, LENGTH, 14));
	press(self->device, self->fd);
	ASSERT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	EXPECT_TRUE(has_words(mapping.bytes, PAGE, 14));
	ASSERT_EQ(0, importer_busy(locker, mapping.bytes));
	buffer_unmap(&mapping);
	maps = fork();
	ASSERT_LE(0, maps);
	if (!maps) {
		close(locker);
		_exit(map_for_kernel(self->fd));
	}
	mapped = blocked_ends(maps, "shmem_read", &status);
	EXPECT_FALSE(mapped);
	looks = fork();
	ASSERT_LE(0, looks);
	if (!looks) {
		close(locker);
		_exit(look_at(self->device, self->fd));
	}
	looked = blocked_ends(looks, "[bufalloc]", &status);
	EXPECT_TRUE(looked);
	EXPECT_EQ(0, status);
	EXPECT_TRUE(blocked_is_in(maps, "shmem_read"));
	/* Nor is it given away in the middle of that. */
	EXPECT_EQ(-EBUSY, bufalloc_advise(self->device, self->fd,
					  BUFALLOC_ADVICE_DONTNEED, NULL));

	ASSERT_EQ(0, importer_busy(locker, NULL));
	if (!looked)
		waitpid(looks, &status, 0);
	ASSERT_EQ(maps, waitpid(maps, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(has(self->fd, LENGTH, 14));
	close(locker);
}

/* Whoever touches it, and however. */
TEST_F(pageable, allocator_pays)
{
	long before = group_held(GROUP), other;
	static struct importer_map map;
	struct mapping mapping;
	int id;

	ASSERT_EQ(0, group_enter(OTHER));
	other = group_held(OTHER);
	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	memset(mapping.bytes, 1, LENGTH / 2);
	EXPECT_LE(before + (long)(LENGTH / 2) - (long)SLACK, group_held(GROUP));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_LE(before + (long)LENGTH - (long)SLACK, group_held(GROUP));
	EXPECT_GT(other + (long)SLACK, group_held(OTHER));
	EXPECT_EQ(0, importer_detach(self->importer, id));

	/* What comes back from the swap device, too. */
	press(self->device, self->fd);
	EXPECT_GT(before + (long)(LENGTH / 8), group_held(GROUP));
	memset(mapping.bytes, 2, LENGTH);
	EXPECT_LE(before + (long)LENGTH - (long)SLACK, group_held(GROUP));
	EXPECT_GT(other + (long)SLACK, group_held(OTHER));
	buffer_unmap(&mapping);
}

static int touch(int fd)
{
	struct mapping mapping;

	if (buffer_map(fd, &mapping))
		return 1;
	memset(mapping.bytes, 1, LENGTH);
	buffer_unmap(&mapping);
	return 0;
}

/* Past the limit of the allocator: an error where there is one, else SIGBUS; no kill. */
TEST_F(pageable, limit_of_the_allocator_holds)
{
	static struct importer_map map;
	struct bufalloc_query query;
	int id, status;
	pid_t child;

	ASSERT_EQ(0, write_string(GROUP "/memory.swap.max", "0"));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "8M"));
	ASSERT_EQ(0, group_enter(GROUPS));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(-ENOMEM, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					&map));
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(BUFALLOC_REASON_MEMORY, query.out_refusal);
	EXPECT_EQ(0, query.out_chunks);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(touch(self->fd));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);

	/* With more of it, everything works. */
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "max"));
	EXPECT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_EQ(0, importer_detach(self->importer, id));
	EXPECT_EQ(0, touch(self->fd));
}

/* What was there when the rest of it could not be brought is swapped out as before. */
TEST_F(pageable, refused_map_leaves_nothing_unevictable)
{
	static struct importer_map map;
	long before = meminfo("Unevictable");
	int id;

	ASSERT_EQ(0, fill(self->fd, LENGTH, 8));
	press(self->device, self->fd);
	ASSERT_TRUE(has_second_half(self->fd, 8));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "12M"));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(-ENOMEM, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					&map));
	/* Each processor counts some of them for itself. */
	EXPECT_GT(before + 512, meminfo("Unevictable"));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "max"));
	press(self->device, self->fd);
	EXPECT_GT((long)LENGTH / 8, resident(self->device, self->fd));
	EXPECT_TRUE(has(self->fd, LENGTH, 8));
}

/* A mapping holds the buffer, and what it is charged for. */
TEST_F(pageable, mapping_outlives_the_file_descriptor)
{
	struct mapping mapping;
	int status;
	pid_t child;

	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	write_words(mapping.bytes, LENGTH, 8);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(self->bytes + (long)LENGTH, live_bytes());
	press(self->device, self->fd);
	EXPECT_TRUE(has_words(mapping.bytes, LENGTH, 8));

	/* As does each part of it, and each copy. */
	munmap(mapping.bytes + LENGTH / 2, PAGE);
	munmap(mapping.bytes, PAGE);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(mapping.bytes[LENGTH - 1] !=
		      word_at(LENGTH / 8 - 1, 8) >> 56);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(self->bytes + (long)LENGTH, live_bytes());
	munmap(mapping.bytes, LENGTH);
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(pageable, rights_are_kept)
{
	struct bufalloc_request request = request_pageable(PAGE);
	struct bufalloc_result result;
	void *at;

	request.fd_flags = O_RDONLY | O_CLOEXEC;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, RW, MAP_SHARED, result.fd, 0));
	EXPECT_EQ(EACCES, errno);
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, result.fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, *(char *)at);
	EXPECT_EQ(-1, mprotect(at, PAGE, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(at, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	munmap(at, PAGE);
	close(result.fd);

	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED,
				   self->fd, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, RW, MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, LENGTH + 1, RW, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, RW, MAP_SHARED, self->fd, LENGTH));
	EXPECT_EQ(EINVAL, errno);
}

/* What is mapped at an address, opened by who may look into the files of processes. */
static int open_mapped(const void *at, size_t length)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)at, (unsigned long)at + length);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* A device would go on with pages that are no longer those of the buffer. */
TEST_F(pageable, no_holes_are_punched)
{
	struct mapping mapping;
	int file;

	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	write_words(mapping.bytes, LENGTH, 9);
	EXPECT_EQ(-1, madvise(mapping.bytes, LENGTH, MADV_REMOVE));
	EXPECT_EQ(EOPNOTSUPP, errno);
	file = open_mapped(mapping.bytes, LENGTH);
	ASSERT_LE(0, file);
	EXPECT_EQ(-1, fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				0, LENGTH));
	EXPECT_EQ(EPERM, errno);
	close(file);
	EXPECT_TRUE(has_words(mapping.bytes, LENGTH, 9));
	buffer_unmap(&mapping);
}

static int remap(void *at, size_t length)
{
	return syscall(SYS_remap_file_pages, at, length, 0, 0, 0) ? -errno : 0;
}

/* What is mapped through its file by another way would not be counted as mapped. */
TEST_F(pageable, mappings_are_not_made_anew)
{
	const int rights[] = { PROT_READ, RW };
	uint32_t retained;
	char *at;
	size_t i;

	ASSERT_EQ(0, fill(self->fd, LENGTH, 13));
	for (i = 0; i < 2; i++) {
		at = mmap(NULL, LENGTH, rights[i], MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, at);
		EXPECT_EQ(-ENODEV, remap(at, LENGTH));
		EXPECT_EQ(-ENODEV, remap(at + PAGE, PAGE));
		EXPECT_EQ(-EBUSY, bufalloc_advise(self->device, self->fd,
						  BUFALLOC_ADVICE_DONTNEED,
						  &retained));
		EXPECT_EQ(-1, mprotect(at, LENGTH, rights[i] | PROT_EXEC));
		EXPECT_EQ(EACCES, errno);
		press(self->device, self->fd);
		EXPECT_TRUE(has_words(at, LENGTH, 13));
		EXPECT_EQ(0, msync(at, LENGTH, MS_SYNC));
		munmap(at, LENGTH);
	}
	EXPECT_EQ(0, bufalloc_advise(self->device, self->fd,
				     BUFALLOC_ADVICE_DONTNEED, &retained));
}

TEST_F(pageable, importers_map_parts_of_it)
{
	const size_t at = 5 * MIB;
	int id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	uint64_t *words;

	ASSERT_LE(0, id);
	ASSERT_EQ(0, fill(self->fd, LENGTH, 10));
	words = mmap(NULL, LENGTH, RW, MAP_SHARED, self->importer,
		     id * IMPORTER_MMAP_STEP);
	ASSERT_NE(MAP_FAILED, words);
	press(self->device, self->fd);
	EXPECT_EQ(word_at(at / 8, 10), words[at / 8]);
	munmap(words, LENGTH);
}

TEST_F(pageable, commit_changes_nothing)
{
	uint32_t failed, reason;

	EXPECT_EQ(0, bufalloc_commit(self->device, &self->fd, 1, &failed, &reason));
	EXPECT_EQ(0, resident(self->device, self->fd));
}

/* Then not even the quota counts it. */
TEST_F(pageable, may_be_deferred)
{
	struct bufalloc_request request = request_pageable(LENGTH);
	struct bufalloc_result result;
	struct bufalloc_info info;

	request.flags |= BUFALLOC_ALLOC_DEFERRED;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(BUFALLOC_STATE_PAGEABLE, result.state);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(LENGTH, info.out_client_bytes);
	ASSERT_EQ(0, bufalloc_commit(self->device, &result.fd, 1, NULL, NULL));
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(2 * LENGTH, info.out_client_bytes);
	EXPECT_EQ(0, resident(self->device, result.fd));
	ASSERT_EQ(0, fill(result.fd, LENGTH, 11));
	EXPECT_TRUE(has(result.fd, LENGTH, 11));
	close(result.fd);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(LENGTH, info.out_client_bytes);
}

#define EXPECT_REFUSED(request, expected) \
	do { \
		struct bufalloc_result result; \
		uint32_t reason = 0; \
		EXPECT_EQ(-EINVAL, bufalloc_alloc(self->device, request, \
						  &result, &reason)); \
		EXPECT_EQ(expected, reason); \
	} while (0)

/* All of it counts, where it is or not. */
TEST_F(pageable, past_a_quota_is_EDQUOT)
{
	struct quotas before, low;

	ASSERT_EQ(0, quotas_read(&before));
	low = before;
	low.max[SYSTEM_BYTES] = live_bytes() + LENGTH / 2 +
				(live_buffers() + 1) * PAGE;
	ASSERT_EQ(0, quotas_write(&low));
	EXPECT_EQ(-EDQUOT, open_pageable(self->device, LENGTH));
	EXPECT_EQ(0, quotas_write(&before));
}

struct deferred {
	int device;
	int fd;
};

static bool commit_finds_no_file(void *data)
{
	struct deferred *buffer = data;
	uint32_t reason = BUFALLOC_REASON_NONE;

	return bufalloc_commit(buffer->device, &buffer->fd, 1, NULL, &reason) ==
		       -ENFILE &&
	       reason == BUFALLOC_REASON_FDS;
}

/* The file that has its pages is one of the system's, for somebody who is not root. */
TEST_F(pageable, no_file_is_left_for_it)
{
	struct bufalloc_request request = request_pageable(LENGTH);
	struct deferred buffer = { .device = self->device };
	struct bufalloc_result result;

	request.flags |= BUFALLOC_ALLOC_DEFERRED;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	buffer.fd = result.fd;
	EXPECT_EQ(0, nobody_without_files(commit_finds_no_file, &buffer));
	EXPECT_EQ(0, bufalloc_commit(self->device, &buffer.fd, 1, NULL, NULL));
	close(buffer.fd);
}

TEST_F(pageable, what_it_cannot_be_is_EINVAL)
{
	struct bufalloc_request request = request_pageable(LENGTH);

	request.caching = BUFALLOC_CACHING_WC;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_CACHING);
	request.caching = BUFALLOC_CACHING_COHERENT;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_CACHING);
	request = request_pageable(LENGTH);
	request.flags |= BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_FIELD);
	request = request_pageable(LENGTH);
	request.flags |= BUFALLOC_ALLOC_ANY_CACHING;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_FIELD);
	request = request_pageable(LENGTH);
	request.heap = 0;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_HEAP);
	request = request_pageable(LENGTH);
	request.dma_bits = 64;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_DMA_BITS);
	request = request_pageable(LENGTH);
	request.alignment = 2 * PAGE;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_ALIGNMENT);
	request = request_pageable(LENGTH);
	request.max_segments = 8;
	EXPECT_REFUSED(&request, BUFALLOC_REASON_SEGMENTS);
}

/* Each page may be anywhere, and one is enough. */
TEST_F(pageable, device_that_does_not_reach_it_is_EIO)
{
	static struct importer_map map;
	struct bufalloc_query query;
	struct edus edus;
	int i, id, refused = 0;

	edus_find(self->importer, &edus);
	for (i = 0; i < edus.count; i++) {
		if (is_translated(&edus.facts[i]) || mask_bits(&edus.facts[i]) > 28)
			continue;
		id = importer_attach(self->importer, self->fd, edus.facts[i].device);
		ASSERT_LE(0, id);
		EXPECT_EQ(-EIO, importer_map(self->importer, id,
					     IMPORTER_TO_DEVICE, &map));
		ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
		EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE, query.out_refusal);
		EXPECT_EQ(0, query.out_chunks);
		EXPECT_EQ(0, importer_detach(self->importer, id));
		refused++;
	}
	EXPECT_EQ(!strcmp(machine(), "narrow"), refused);
}

TEST_HARNESS_MAIN

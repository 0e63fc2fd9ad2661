// SPDX-License-Identifier: MIT
/*
 * Every failure path of ALLOC, see failures.c, where a change of type has to split
 * a large page of the kernel's mapping. What it split stays so, so that each time
 * other memory is needed.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/faults.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/quotas.h"
#include "lib/sweep.h"

#define PAGE 4096
#define SOAKED_MAX 512
#define GROUP "/run/cgroup/bufalloc-failures"

struct split {
	int device;
	/* A client that gets nothing from CMA, in one run or not. */
	int charged;
	int importer;
	int fd;
	size_t length;
	/* Memory whose mapping is in small pages already. */
	int soaked[SOAKED_MAX];
	int count;
	long small;
	struct quotas before;
};

FIXTURE(split)
{
	struct split split;
};

FIXTURE_SETUP(split)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	ASSERT_EQ(0, faults_open());
	self->split.importer = importer_open();
	ASSERT_LE(0, self->split.importer);
	self->split.device = bufalloc_open(NULL);
	ASSERT_LE(0, self->split.device);
	self->split.charged = bufalloc_open(BUFALLOC_DEVICE_CHARGED);
	ASSERT_LE(0, self->split.charged);
	self->split.small = meminfo("DirectMap4k");
	ASSERT_EQ(0, quotas_read(&self->split.before));
}

FIXTURE_TEARDOWN(split)
{
	EXPECT_EQ(0, quotas_write(&self->split.before));
	while (self->split.count > 0)
		close(self->split.soaked[--self->split.count]);
	bufalloc_close(self->split.charged);
	bufalloc_close(self->split.device);
	close(self->split.importer);
	faults_close();
}

static bool is_split(int importer, int fd)
{
	struct mapping mapping;
	int64_t size;

	if (buffer_map(fd, &mapping))
		return true;
	size = direct_size(importer, user_pfn(importer, mapping.bytes));
	buffer_unmap(&mapping);
	return size <= PAGE;
}

/* Until the next run of that length, of what chunks are made of, is not split. */
static int soak(struct split *split, size_t length)
{
	int fd;

	while (split->count < SOAKED_MAX) {
		fd = buffer_open_contiguous(split->charged, length,
					    BUFALLOC_CACHING_COHERENT);
		if (fd < 0)
			return fd;
		if (!is_split(split->importer, fd)) {
			close(fd);
			return 0;
		}
		split->soaked[split->count++] = fd;
	}
	return -ENOSPC;
}

/* Too little for a block, which needs no split; enough for a chunk. */
static int prepare_small(void *of)
{
	struct split *split = of;
	int ret;

	ret = soak(split, split->length);
	if (!ret && mkdir(GROUP, 0755) && errno != EEXIST)
		ret = -errno;
	if (!ret)
		ret = write_string(GROUP "/memory.max", "1800K");
	if (!ret)
		ret = write_string(GROUP "/cgroup.procs", "0");
	return ret;
}

static void finish_small(void *of)
{
	write_string("/run/cgroup/cgroup.procs", "0");
	rmdir(GROUP);
}

static int run_small(void *of)
{
	struct split *split = of;

	split->fd = buffer_open(split->device, split->length, BUFALLOC_CACHING_WC);
	return split->fd;
}

static void undo_split(void *of)
{
	struct split *split = of;

	close(split->fd);
}

TEST_F_TIMEOUT(split, a_small_chunk, PATIENCE)
{
	static const struct operation operation = {
		.name = "alloc-1M-without-a-block-wc",
		.prepare = prepare_small,
		.run = run_small,
		.undo = undo_split,
		.finish = finish_small,
		.errors = { ENOMEM },
		.once = true,
	};

	write_string("/run/cgroup/cgroup.subtree_control", "+memory");
	self->split.length = MIB;
	SWEEP(&operation, &self->split, self->split.importer);
	/* It was split in the end, so that it was not before. */
	EXPECT_LT(self->split.small, meminfo("DirectMap4k"));
}

/*
 * Longer by more than a large page each time, so that the end is in a large page that is
 * still whole, and by so little that the CMA area has room for 40 times; and a quota
 * leaves no room for whole large pages beside it.
 */
static int prepare_long(void *of)
{
	struct split *split = of;
	struct quotas low = split->before;

	split->length += 3 * MIB;
	low.max[SYSTEM_BYTES] = live_bytes() + live_buffers() * PAGE +
				split->length + MIB;
	return quotas_write(&low);
}

static int run_long(void *of)
{
	struct split *split = of;

	split->fd = buffer_open_contiguous(split->device, split->length,
					   BUFALLOC_CACHING_WC);
	return split->fd;
}

/* Whole large pages, and half of one: its end fails when the rest is done. */
TEST_F_TIMEOUT(split, half_way, PATIENCE)
{
	static const struct operation operation = {
		.name = "alloc-contiguous-half-way-wc",
		.prepare = prepare_long,
		.run = run_long,
		.undo = undo_split,
		.errors = { ENOMEM },
		.once = true,
	};
	uint64_t start, end;

	/* Only CMA gives more than 4 MiB in one contiguous range. */
	ASSERT_TRUE(cma_area(&start, &end));
	ASSERT_LE(128 * MIB, end - start);
	/* CMA aligns to 1 MiB: this ends inside of a large page wherever CMA lets it begin. */
	self->split.length = 4 * MIB + 512 * KIB;
	SWEEP(&operation, &self->split, self->split.importer);
	EXPECT_LT(self->split.small, meminfo("DirectMap4k"));
}

TEST_HARNESS_MAIN

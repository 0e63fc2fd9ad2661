// SPDX-License-Identifier: MIT
/*
 * Every failure path of ALLOC: it is done again and again, until each allocation
 * that it makes has failed once. What fails so must fail with an errno that the ABI
 * lists, leave nothing behind, and work the next time.
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
#include "lib/sweep.h"

#define PAGE 4096

/* ALLOC, in each caching and of each heap of the system's memory. */
struct call {
	int device;
	int importer;
	const char *variant;
	uint32_t caching;
	uint32_t dma_bits;
	uint32_t count;
	uint32_t failed;
	uint32_t reason;
	struct bufalloc_request requests[BUFALLOC_MAX_BATCH];
	struct bufalloc_result results[BUFALLOC_MAX_BATCH];
	/* A failure that was told wrongly. */
	bool misreported;
	char name[64];
};

static int call_open(struct call *call, const char *variant, uint32_t caching,
		     uint32_t dma_bits)
{
	int ret = faults_open();

	if (ret)
		return ret;
	call->variant = variant;
	call->caching = caching;
	call->dma_bits = dma_bits;
	call->importer = importer_open();
	call->device = bufalloc_open(NULL);
	if (call->importer < 0)
		return call->importer;
	return call->device < 0 ? call->device : 0;
}

/* Whether each failure was told as it should be. */
static bool call_close(struct call *call)
{
	bufalloc_close(call->device);
	close(call->importer);
	faults_close();
	return !call->misreported;
}

FIXTURE(alloc)
{
	struct call call;
};

FIXTURE_VARIANT(alloc)
{
	const char *name;
	uint32_t caching;
	uint32_t dma_bits;
};

FIXTURE_VARIANT_ADD(alloc, wc) {
	.name = "wc",
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(alloc, coherent) {
	.name = "coherent",
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(alloc, cached) {
	.name = "cached",
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_VARIANT_ADD(alloc, wc_below_4_GiB) {
	.name = "wc-32",
	.caching = BUFALLOC_CACHING_WC,
	.dma_bits = 32,
};

FIXTURE_VARIANT_ADD(alloc, cached_below_4_GiB) {
	.name = "cached-32",
	.caching = BUFALLOC_CACHING_CACHED,
	.dma_bits = 32,
};

FIXTURE_SETUP(alloc)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	ASSERT_EQ(0, call_open(&self->call, variant->name, variant->caching,
			       variant->dma_bits));
}

FIXTURE_TEARDOWN(alloc)
{
	EXPECT_TRUE(call_close(&self->call));
}

/* Which request it was is told, unless it was the call itself. */
static bool is_explained(const struct call *call)
{
	uint32_t reason = call->requests[0].flags & BUFALLOC_ALLOC_CONTIGUOUS ?
				  BUFALLOC_REASON_CONTIGUOUS :
				  BUFALLOC_REASON_MEMORY;

	if (call->reason == BUFALLOC_REASON_NONE)
		return call->failed == call->count;
	if (call->failed >= call->count)
		return false;
	return call->reason == reason || call->reason == BUFALLOC_REASON_MEMORY;
}

static int run_alloc(void *of)
{
	struct call *call = of;
	int ret;

	ret = bufalloc_alloc_batch(call->device, call->requests, call->results,
				   call->count, &call->failed, &call->reason);
	if (ret && !is_explained(call))
		call->misreported = true;
	return ret;
}

static void undo_alloc(void *of)
{
	struct call *call = of;
	uint32_t i;

	for (i = 0; i < call->count; i++)
		close(call->results[i].fd);
}

static struct operation operation_alloc(struct call *call, const char *what, size_t length,
					uint32_t flags, uint32_t count)
{
	uint32_t i;

	call->count = count;
	for (i = 0; i < count; i++) {
		call->requests[i] = request_of(length, call->caching);
		call->requests[i].flags = flags;
		call->requests[i].dma_bits = call->dma_bits;
	}
	snprintf(call->name, sizeof(call->name), "alloc-%s-%s", what,
		 call->variant);
	return (struct operation) {
		.name = call->name,
		.run = run_alloc,
		.undo = undo_alloc,
		.errors = { ENOMEM },
	};
}

TEST_F_TIMEOUT(alloc, a_page, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "4K",
						     4 * KIB, 0, 1);

	SWEEP(&operation, &self->call, self->call.importer);
}

TEST_F_TIMEOUT(alloc, a_piece, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "64K",
						     64 * KIB, 0, 1);

	SWEEP(&operation, &self->call, self->call.importer);
}

/* A block, and pieces of another one. */
TEST_F_TIMEOUT(alloc, several_chunks, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "3M",
						     3 * MIB, 0, 1);

	SWEEP(&operation, &self->call, self->call.importer);
}

TEST_F_TIMEOUT(alloc, contiguous, PATIENCE)
{
	struct operation operation =
		operation_alloc(&self->call, "contiguous-1M", MIB,
				BUFALLOC_ALLOC_CONTIGUOUS, 1);

	SWEEP(&operation, &self->call, self->call.importer);
}

TEST_F_TIMEOUT(alloc, a_batch, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "3-of-64K",
						     64 * KIB, 0, 3);

	SWEEP(&operation, &self->call, self->call.importer);
}

/*
 * The largest batch: its list takes more than a page, and its file descriptors
 * need a larger table, which a process keeps. Its buffers are like others.
 */
FIXTURE(largest)
{
	struct call call;
};

FIXTURE_SETUP(largest)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	ASSERT_EQ(0, call_open(&self->call, "coherent",
			       BUFALLOC_CACHING_COHERENT, 0));
}

FIXTURE_TEARDOWN(largest)
{
	EXPECT_TRUE(call_close(&self->call));
}

TEST_F_TIMEOUT(largest, batch, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "1024-of-4K",
						     4 * KIB, 0,
						     BUFALLOC_MAX_BATCH);

	operation.apart = true;
	operation.most = 12;
	SWEEP(&operation, &self->call, self->call.importer);
}

/*
 * Where a change of type has to split a large page of the kernel's mapping. What
 * it split stays so, so that each time other memory is needed.
 */
#define SOAKED_MAX 512
#define GROUP "/run/cgroup/bufalloc-failures"

struct split {
	int device;
	int importer;
	int fd;
	size_t length;
	/* Memory whose mapping is in small pages already. */
	int soaked[SOAKED_MAX];
	int count;
	long small;
};

FIXTURE(split)
{
	struct split split;
};

FIXTURE_SETUP(split)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (!machine_has_wc() || !machine_types_memory())
		SKIP(return, "no type is one of the memory on this machine");
	ASSERT_EQ(0, faults_open());
	self->split.importer = importer_open();
	ASSERT_LE(0, self->split.importer);
	self->split.device = bufalloc_open(NULL);
	ASSERT_LE(0, self->split.device);
	self->split.small = meminfo("DirectMap4k");
}

FIXTURE_TEARDOWN(split)
{
	while (self->split.count > 0)
		close(self->split.soaked[--self->split.count]);
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

/* Until the next run of that length is one that is not split. */
static int soak(struct split *split, size_t length)
{
	int fd;

	while (split->count < SOAKED_MAX) {
		fd = buffer_open_contiguous(split->device, length,
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

/* Longer each time, so that the end is where none was before. */
static int prepare_long(void *of)
{
	struct split *split = of;

	split->length += 2 * MIB;
	return 0;
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

	if (!cma_area(&start, &end) || end - start < 128 * MIB)
		SKIP(return, "only CMA gives more than 4 MiB in one run");
	self->split.length = 3 * MIB;
	SWEEP(&operation, &self->split, self->split.importer);
	EXPECT_LT(self->split.small, meminfo("DirectMap4k"));
}

TEST_HARNESS_MAIN

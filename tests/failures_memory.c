// SPDX-License-Identifier: MIT
/*
 * Every failure path of memory that comes and goes while its buffer lives, or that a
 * process has: see failures.c. What failed holds no page of it: it can still be offered,
 * taken out, and used. And what takes no memory at all: ADVISE, SYNC, QUERY.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/faults.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/nobody.h"
#include "lib/swap.h"
#include "lib/sweep.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define USER_MEMORY "/sys/module/bufalloc/parameters/user_memory"
#define DROP_CACHES "/proc/sys/vm/drop_caches"
#define REFERENCES "/sys/module/bufalloc/refcnt"

/* Each page of shmem is an allocation: so many fail, of each kind. */
#define LONG (64 * PAGE)
#define MOST 16
/* So many are purged at once. */
#define STOCK 32

/* A buffer, what is done with it again and again, and what is then looked at. */
struct use {
	int device;
	int importer;
	struct bufalloc_request request;
	int fd;
	int id;
	void *mapping;
	unsigned char *pages;
	/* Others that were purged, and how many of them are left; then some without memory. */
	int stock[STOCK];
	unsigned int stocked;
	/* Where it was seen that a failure left what it must not, or was told wrongly. */
	int broken;
	/* The reasons that were told, a bit for each. */
	unsigned long told;
};

static int use_open(struct use *use)
{
	int ret = faults_open();

	if (ret)
		return ret;
	use->importer = importer_open();
	use->device = bufalloc_open(NULL);
	if (use->importer < 0)
		return use->importer;
	return use->device < 0 ? use->device : 0;
}

static void use_close(struct use *use)
{
	bufalloc_close(use->device);
	close(use->importer);
	faults_close();
}

static void must_at(struct use *use, bool holds, int line)
{
	if (!holds && !use->broken)
		use->broken = line;
}

#define must(use, holds) must_at(use, holds, __LINE__)

static bool is_told(const struct use *use, uint32_t reason)
{
	return use->told & 1UL << reason;
}

static void note(struct use *use, uint32_t reason)
{
	use->told |= 1UL << reason;
}

/* The core may fail after us: it was no refusal of ours then. */
static void note_refusal(struct use *use)
{
	uint32_t reason;

	if (buffer_refusals(use->device, use->fd, &reason) > 0)
		note(use, reason);
}

static int alloc(struct use *use)
{
	struct bufalloc_result result;
	uint32_t reason = BUFALLOC_REASON_NONE;
	int ret;

	ret = bufalloc_alloc(use->device, &use->request, &result, &reason);
	if (ret)
		note(use, reason);
	else
		use->fd = result.fd;
	return ret;
}

static int run_alloc(void *of)
{
	return alloc(of);
}

static void undo_alloc(void *of)
{
	struct use *use = of;

	close(use->fd);
}

/* Whose memory failed says no more than that there was none. */
static bool tells_of_memory(const struct use *use)
{
	return !(use->told & ~(1UL << BUFALLOC_REASON_NONE |
			       1UL << BUFALLOC_REASON_MEMORY));
}

/* Tables may have come from memory, or from what a device's addresses take. */
static bool tells_of_mapping(const struct use *use)
{
	return !(use->told & ~(1UL << BUFALLOC_REASON_MEMORY |
			       1UL << BUFALLOC_REASON_MAPPING));
}

static int attach(struct use *use, uint32_t device)
{
	use->id = importer_attach(use->importer, use->fd, device);
	return use->id < 0 ? use->id : 0;
}

static int map(struct use *use)
{
	static struct importer_map map;

	return importer_map(use->importer, use->id, IMPORTER_TO_DEVICE, &map);
}

static void unmap(void *of)
{
	struct use *use = of;

	must(use, !importer_unmap(use->importer, use->id));
}

static void detach(struct use *use)
{
	must(use, !importer_detach(use->importer, use->id));
}

static bool query(const struct use *use, struct bufalloc_query *query)
{
	return !bufalloc_query(use->device, use->fd, query);
}

static long resident(const struct use *use)
{
	struct bufalloc_query facts;

	return query(use, &facts) ? (long)facts.out_resident : -1;
}

static bool has_state(const struct use *use, uint32_t state)
{
	struct bufalloc_query facts;

	return query(use, &facts) && (facts.out_state & state) == state;
}

static int advise(const struct use *use, uint32_t advice, uint32_t *retained)
{
	return bufalloc_advise(use->device, use->fd, advice, retained);
}

/* EBUSY where a map was not counted out. No importer is attached. */
static bool can_be_offered(const struct use *use)
{
	uint32_t retained;

	return !advise(use, BUFALLOC_ADVICE_DONTNEED, &retained) && retained &&
	       !advise(use, BUFALLOC_ADVICE_WILLNEED, &retained) && retained;
}

FIXTURE(pageable)
{
	struct use use;
};

FIXTURE_SETUP(pageable)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	/* Pages that a processor has just seen are held by it for a while. */
	ASSERT_EQ(0, run_on(0));
	ASSERT_EQ(0, swap_start());
	ASSERT_EQ(0, use_open(&self->use));
	self->use.request = request_of(LONG, BUFALLOC_CACHING_CACHED);
	self->use.request.flags = BUFALLOC_ALLOC_PAGEABLE;
}

FIXTURE_TEARDOWN(pageable)
{
	EXPECT_EQ(0, self->use.broken);
	use_close(&self->use);
	EXPECT_EQ(0, swap_stop());
}

/*
 * The kernel takes out each page that nobody holds. So no failure has kept one, or the
 * whole from being looked at.
 */
static bool can_be_taken_out(const struct use *use)
{
	void *at = mmap(NULL, LONG, PROT_READ, MAP_SHARED, use->fd, 0);
	bool out;

	if (at == MAP_FAILED)
		return false;
	out = !madvise(at, LONG, MADV_POPULATE_READ) &&
	      resident(use) == (long)LONG &&
	      !madvise(at, LONG, MADV_PAGEOUT) && !resident(use);
	munmap(at, LONG);
	return out;
}

static void must_be_free(struct use *use)
{
	must(use, can_be_offered(use));
	must(use, can_be_taken_out(use));
}

TEST_F_TIMEOUT(pageable, alloc, PATIENCE)
{
	struct operation operation = {
		.name = "alloc-pageable",
		.run = run_alloc,
		.undo = undo_alloc,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, -1);
	EXPECT_TRUE(tells_of_memory(&self->use));
	EXPECT_TRUE(is_told(&self->use, BUFALLOC_REASON_MEMORY));
}

static int prepare(void *of)
{
	return alloc(of);
}

static int prepare_attached(void *of)
{
	struct use *use = of;
	int ret;

	ret = alloc(use);
	return ret ? ret : attach(use, IMPORTER_DEVICE_64);
}

static void finish_attached(void *of)
{
	struct use *use = of;

	detach(use);
	must(use, can_be_offered(use));
	close(use->fd);
}

static int run_map(void *of)
{
	struct use *use = of;
	int ret;

	ret = map(use);
	if (ret)
		note_refusal(use);
	return ret;
}

static int run_first_map(void *of)
{
	struct use *use = of;
	int ret;

	ret = run_map(use);
	if (ret)
		must(use, can_be_taken_out(use));
	return ret;
}

static void undo_first_map(void *of)
{
	struct use *use = of;

	must(use, resident(use) == (long)LONG);
	unmap(use);
	must(use, can_be_taken_out(use));
}

TEST_F_TIMEOUT(pageable, map_for_a_device, PATIENCE)
{
	struct operation operation = {
		.name = "map-pageable",
		.prepare = prepare_attached,
		.run = run_first_map,
		.undo = undo_first_map,
		.finish = finish_attached,
		.errors = { ENOMEM },
		.most = MOST,
	};

	SWEEP(&operation, &self->use, self->use.importer);
	EXPECT_TRUE(tells_of_mapping(&self->use));
	EXPECT_TRUE(is_told(&self->use, BUFALLOC_REASON_MEMORY));
}

static int run_vmap(void *of)
{
	struct use *use = of;
	int ret;

	ret = importer_vmap_bare(use->importer, use->fd);
	if (ret)
		must_be_free(use);
	return ret;
}

TEST_F_TIMEOUT(pageable, map_for_the_kernel, PATIENCE)
{
	struct operation operation = {
		.name = "vmap-pageable",
		.prepare = prepare,
		.run = run_vmap,
		.finish = undo_alloc,
		.errors = { ENOMEM },
		.most = MOST,
	};

	SWEEP(&operation, &self->use, -1);
}

static int map_for_cpu(struct use *use)
{
	use->mapping = mmap(NULL, LONG, RW, MAP_SHARED, use->fd, 0);
	return use->mapping == MAP_FAILED ? -errno : 0;
}

/* A page that cannot be brought would be a SIGBUS. */
static int run_mmap(void *of)
{
	struct use *use = of;
	int ret;

	ret = map_for_cpu(use);
	if (!ret && madvise(use->mapping, LONG, MADV_POPULATE_READ)) {
		ret = -errno;
		munmap(use->mapping, LONG);
	}
	if (ret)
		must_be_free(use);
	return ret;
}

static void undo_mmap(void *of)
{
	struct use *use = of;

	must(use, resident(use) == (long)LONG);
	munmap(use->mapping, LONG);
	must_be_free(use);
}

TEST_F_TIMEOUT(pageable, map_for_the_CPU, PATIENCE)
{
	struct operation operation = {
		.name = "mmap-pageable",
		.prepare = prepare,
		.run = run_mmap,
		.undo = undo_mmap,
		.finish = undo_alloc,
		.errors = { ENOMEM, EFAULT },
		.most = MOST,
	};

	SWEEP(&operation, &self->use, -1);
}

/* What there is to be known of it takes no memory. */
static int run_query(void *of)
{
	return resident(of) == (long)LONG ? 0 : -EIO;
}

TEST_F_TIMEOUT(pageable, query, PATIENCE)
{
	struct operation operation = {
		.name = "query-pageable",
		.run = run_query,
	};

	ASSERT_EQ(0, alloc(&self->use));
	ASSERT_EQ(0, run_mmap(&self->use));
	SWEEP_NOTHING(&operation, &self->use, -1);
	undo_mmap(&self->use);
	close(self->use.fd);
}

/* Memory that was taken away, and comes anew. */
FIXTURE(purged)
{
	struct use use;
};

FIXTURE_VARIANT(purged)
{
	const char *commit;
	const char *mmap;
	uint32_t flags;
	size_t length;
};

/* Instead of one page there is nothing else. */
FIXTURE_VARIANT_ADD(purged, cached) {
	.commit = "commit-purged-cached",
	.mmap = "mmap-purged-cached",
	.length = PAGE,
};

FIXTURE_VARIANT_ADD(purged, pageable) {
	.commit = "commit-purged-pageable",
	.mmap = "mmap-purged-pageable",
	.flags = BUFALLOC_ALLOC_PAGEABLE,
	.length = LONG,
};

/* Without memory, as a purged one: where one of those was, as many are there still. */
static void stock_nothing(struct use *use, unsigned int i)
{
	use->request.flags |= BUFALLOC_ALLOC_DEFERRED;
	must(use, !alloc(use));
	use->request.flags &= ~BUFALLOC_ALLOC_DEFERRED;
	use->stock[i] = use->fd;
}

static void stock_offered(struct use *use, unsigned int i)
{
	close(use->stock[i]);
	must(use, !alloc(use));
	must(use, !advise(use, BUFALLOC_ADVICE_DONTNEED, NULL));
	use->stock[i] = use->fd;
}

static void check_purged(struct use *use, unsigned int i)
{
	uint32_t retained = 2;

	use->fd = use->stock[i];
	must(use, !advise(use, BUFALLOC_ADVICE_WILLNEED, &retained));
	must(use, !retained);
	must(use, has_state(use, BUFALLOC_STATE_PURGED));
}

/* The kernel frees memory and files by itself: sweeps count both. */
static bool is_settled(long bytes, long references)
{
	int i;

	for (i = 0; i < 6000; i++) {
		if (live_bytes() == bytes && read_number(REFERENCES) == references)
			return true;
		usleep(10000);
	}
	return false;
}

/* As if there were no memory left, for all that can give some back: that takes long. */
static void stock_up(struct use *use)
{
	long bytes = live_bytes(), references = read_number(REFERENCES);
	unsigned int i;

	for (i = 0; i < STOCK; i++)
		stock_offered(use, i);
	must(use, !write_string(DROP_CACHES, "2"));
	must(use, is_settled(bytes, references));
	for (i = 0; i < STOCK; i++)
		check_purged(use, i);
	use->stocked = STOCK;
}

static int prepare_purged(void *of)
{
	struct use *use = of;

	if (!use->stocked)
		stock_up(use);
	use->fd = use->stock[--use->stocked];
	return 0;
}

static void replace(struct use *use)
{
	close(use->fd);
	stock_nothing(use, use->stocked);
}

/* What failed and is still purged is good for another time. */
static void finish_purged(void *of)
{
	struct use *use = of;

	use->fd = use->stock[use->stocked];
	if (has_state(use, BUFALLOC_STATE_PURGED))
		use->stocked++;
}

FIXTURE_SETUP(purged)
{
	unsigned int i;

	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	/* No word of each in the log. */
	ASSERT_EQ(0, write_string(DROP_CACHES, "4"));
	ASSERT_EQ(0, use_open(&self->use));
	self->use.request = request_of(variant->length, BUFALLOC_CACHING_CACHED);
	self->use.request.flags = variant->flags;
	for (i = 0; i < STOCK; i++)
		stock_nothing(&self->use, i);
	ASSERT_EQ(0, self->use.broken);
}

FIXTURE_TEARDOWN(purged)
{
	unsigned int i;

	EXPECT_EQ(0, self->use.broken);
	for (i = 0; i < STOCK; i++)
		close(self->use.stock[i]);
	use_close(&self->use);
}

static int run_commit(void *of)
{
	struct use *use = of;
	uint32_t reason;
	int ret;

	ret = bufalloc_commit(use->device, &use->fd, 1, NULL, &reason);
	if (!ret)
		return 0;
	note(use, reason);
	must(use, has_state(use, BUFALLOC_STATE_PURGED));
	must(use, !has_state(use, BUFALLOC_STATE_BACKED));
	return ret;
}

static void undo_commit(void *of)
{
	must(of, has_state(of, BUFALLOC_STATE_BACKED));
	must(of, !has_state(of, BUFALLOC_STATE_PURGED));
	replace(of);
}

TEST_F_TIMEOUT(purged, commit, PATIENCE)
{
	struct operation operation = {
		.name = variant->commit,
		.prepare = prepare_purged,
		.run = run_commit,
		.undo = undo_commit,
		.finish = finish_purged,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, -1);
	EXPECT_TRUE(tells_of_memory(&self->use));
	EXPECT_TRUE(is_told(&self->use, BUFALLOC_REASON_MEMORY));
}

static int run_mmap_purged(void *of)
{
	struct use *use = of;
	int ret;

	use->mapping = mmap(NULL, use->request.length, RW, MAP_SHARED, use->fd, 0);
	ret = use->mapping == MAP_FAILED ? -errno : 0;
	/* The memory may have come, if not the mapping of it. */
	if (ret && has_state(use, BUFALLOC_STATE_BACKED))
		replace(use);
	return ret;
}

static void undo_mmap_purged(void *of)
{
	struct use *use = of;

	munmap(use->mapping, use->request.length);
	undo_commit(use);
}

TEST_F_TIMEOUT(purged, map_for_the_CPU, PATIENCE)
{
	struct operation operation = {
		.name = variant->mmap,
		.prepare = prepare_purged,
		.run = run_mmap_purged,
		.undo = undo_mmap_purged,
		.finish = finish_purged,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, -1);
}

/* A buffer that a device uses, or has used. */
FIXTURE(used)
{
	struct use use;
};

FIXTURE_SETUP(used)
{
	struct importer_facts facts;
	uint32_t device = IMPORTER_DEVICE_64;

	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	ASSERT_EQ(0, use_open(&self->use));
	self->use.request = request_of(LONG, BUFALLOC_CACHING_CACHED);
	ASSERT_EQ(0, alloc(&self->use));
	/* Behind the IOMMU, if there is one. */
	if (!importer_facts(self->use.importer, IMPORTER_DEVICE_EDU_0, &facts))
		device = IMPORTER_DEVICE_EDU_0;
	ASSERT_EQ(0, attach(&self->use, device));
}

FIXTURE_TEARDOWN(used)
{
	EXPECT_EQ(0, self->use.broken);
	detach(&self->use);
	close(self->use.fd);
	use_close(&self->use);
}

/* No importer is attached any more. */
static int prepare_used(void *of)
{
	struct use *use = of;
	int ret;

	ret = attach(use, IMPORTER_DEVICE_64);
	if (ret)
		return ret;
	ret = map(use);
	if (!ret)
		unmap(use);
	detach(use);
	return ret;
}

static int run_advise(void *of)
{
	struct use *use = of;
	int ret;

	ret = advise(use, BUFALLOC_ADVICE_DONTNEED, NULL);
	return ret ? ret : advise(use, BUFALLOC_ADVICE_WILLNEED, NULL);
}

/* Whoever says so when memory has run out is not asked for some. */
TEST_F_TIMEOUT(used, advise, PATIENCE)
{
	struct operation operation = {
		.name = "advise",
		.prepare = prepare_used,
		.run = run_advise,
	};

	detach(&self->use);
	SWEEP_NOTHING(&operation, &self->use, self->use.importer);
	ASSERT_EQ(0, attach(&self->use, IMPORTER_DEVICE_64));
}

static int run_sync(void *of)
{
	struct use *use = of;
	uint64_t offset = LONG / 2 - 100, length = PAGE + 10;
	int ret;

	ret = bufalloc_begin_cpu_access_range(use->device, use->fd, offset, length,
					      DMA_BUF_SYNC_RW);
	if (!ret)
		ret = bufalloc_end_cpu_access_range(use->device, use->fd, offset,
						    length, DMA_BUF_SYNC_RW);
	return ret;
}

/* Once for each frame, or for each line of text: nothing in it can fail. */
TEST_F_TIMEOUT(used, sync_of_a_part, PATIENCE)
{
	struct operation operation = {
		.name = "sync-part",
		.run = run_sync,
	};

	ASSERT_EQ(0, map(&self->use));
	SWEEP_NOTHING(&operation, &self->use, self->use.importer);
	unmap(&self->use);
}

/*
 * Memory of a process. More than what is pinned at once was used before, and then some
 * pages were not: one that cannot be had leaves others pinned, if nobody unpins them.
 */
#define TOUCHED (512 * PAGE)
#define UNTOUCHED (16 * PAGE)

FIXTURE(user)
{
	struct use use;
	long pins;
};

FIXTURE_VARIANT(user)
{
	const char *alloc;
	const char *map;
	int flags;
};

FIXTURE_VARIANT_ADD(user, anonymous) {
	.alloc = "alloc-user-anonymous",
	.map = "map-user-anonymous",
	.flags = MAP_PRIVATE | MAP_ANONYMOUS,
};

FIXTURE_VARIANT_ADD(user, shmem) {
	.alloc = "alloc-user-shmem",
	.map = "map-user-shmem",
	.flags = MAP_SHARED | MAP_ANONYMOUS,
};

/* Of all processes: each processor counts for itself, until it is asked. */
static long pins(void)
{
	read_number("/proc/sys/vm/stat_refresh");
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

FIXTURE_SETUP(user)
{
	struct use *use = &self->use;

	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	ASSERT_EQ(0, use_open(use));
	ASSERT_EQ(0, write_string(USER_MEMORY, "1"));
	use->pages = mmap(NULL, TOUCHED + UNTOUCHED, RW, variant->flags, -1, 0);
	ASSERT_NE(MAP_FAILED, use->pages);
	ASSERT_EQ(0, madvise(use->pages, TOUCHED + UNTOUCHED, MADV_NOHUGEPAGE));
	memset(use->pages, 1, TOUCHED);
	use->request = request_of(TOUCHED + UNTOUCHED, BUFALLOC_CACHING_CACHED);
	use->request.flags = BUFALLOC_ALLOC_USER_MEMORY;
	use->request.address = (uintptr_t)use->pages;
	ASSERT_LE(0, vmstat("nr_foll_pin_acquired"));
	self->pins = pins();
}

FIXTURE_TEARDOWN(user)
{
	EXPECT_EQ(0, self->use.broken);
	EXPECT_EQ(self->pins, pins());
	EXPECT_EQ(0, status_number("VmPin"));
	EXPECT_EQ(0, write_string(USER_MEMORY, "0"));
	use_close(&self->use);
}

static int run_pin(void *of)
{
	int ret = alloc(of);

	if (ret)
		must(of, !status_number("VmPin"));
	return ret;
}

static void undo_pin(void *of)
{
	struct use *use = of;

	must(use, status_number("VmPin") * KIB == TOUCHED + UNTOUCHED);
	close(use->fd);
	must(use, !status_number("VmPin"));
}

static int forget_anonymous(void *of)
{
	struct use *use = of;

	return madvise(use->pages + TOUCHED, UNTOUCHED, MADV_DONTNEED) ? -errno : 0;
}

static int forget_shared(void *of)
{
	struct use *use = of;

	return madvise(use->pages + TOUCHED, UNTOUCHED, MADV_REMOVE) ? -errno : 0;
}

TEST_F_TIMEOUT(user, alloc, PATIENCE)
{
	struct operation operation = {
		.name = variant->alloc,
		.prepare = variant->flags & MAP_SHARED ? forget_shared :
							 forget_anonymous,
		.run = run_pin,
		.undo = undo_pin,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, -1);
	EXPECT_TRUE(tells_of_memory(&self->use));
	EXPECT_TRUE(is_told(&self->use, BUFALLOC_REASON_MEMORY));
}

static int run_attach_and_map(void *of)
{
	struct use *use = of;
	int ret;

	ret = attach(use, IMPORTER_DEVICE_64);
	if (ret) {
		note_refusal(use);
		return ret;
	}
	ret = run_map(use);
	if (ret)
		detach(use);
	return ret;
}

static void undo_attach_and_map(void *of)
{
	unmap(of);
	detach(of);
}

TEST_F_TIMEOUT(user, map_for_a_device, PATIENCE)
{
	struct operation operation = {
		.name = variant->map,
		.run = run_attach_and_map,
		.undo = undo_attach_and_map,
		.errors = { ENOMEM },
	};

	ASSERT_EQ(0, alloc(&self->use));
	SWEEP(&operation, &self->use, self->use.importer);
	EXPECT_TRUE(tells_of_mapping(&self->use));
	close(self->use.fd);
}

TEST_HARNESS_MAIN

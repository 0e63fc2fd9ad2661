// SPDX-License-Identifier: MIT
/*
 * Every failure path of ALLOC: it is done again and again, until each allocation
 * that it makes has failed once. What fails so must fail with an errno that the ABI
 * lists, leave nothing behind, and work the next time.
 */
#include <errno.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/faults.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/sweep.h"

/* ALLOC, as one test asks for it. */
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

FIXTURE_SETUP(alloc)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	ASSERT_EQ(0, call_open(&self->call, variant->name, variant->caching,
			       0));
}

FIXTURE_TEARDOWN(alloc)
{
	EXPECT_TRUE(call_close(&self->call));
}

/* Of a request whose memory is not to be had. */
static uint32_t reason_of(const struct bufalloc_request *request)
{
	if (request->flags & BUFALLOC_ALLOC_CONTIGUOUS)
		return BUFALLOC_REASON_CONTIGUOUS;
	if (request->alignment)
		return BUFALLOC_REASON_ALIGNMENT;
	if (request->max_segments)
		return BUFALLOC_REASON_SEGMENTS;
	return BUFALLOC_REASON_MEMORY;
}

/* Which request it was is told, unless it was the call itself. */
static bool is_explained(const struct call *call)
{
	uint32_t reason = reason_of(&call->requests[0]);

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

/* Memory that is had, but not like that, is given back. */
TEST_F_TIMEOUT(alloc, aligned, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "aligned-192K",
						     192 * KIB, 0, 1);

	self->call.requests[0].alignment = 64 * KIB;
	SWEEP(&operation, &self->call, self->call.importer);
}

TEST_F_TIMEOUT(alloc, aligned_to_4_MiB_and_padded, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "aligned-8M",
						     4 * MIB, 0, 1);

	self->call.requests[0].alignment = 4 * MIB;
	self->call.requests[0].padding = MIB;
	SWEEP(&operation, &self->call, self->call.importer);
}

TEST_F_TIMEOUT(alloc, few_segments, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "2-segments-3M",
						     3 * MIB, 0, 1);

	self->call.requests[0].max_segments = 2;
	SWEEP(&operation, &self->call, self->call.importer);
}

/* Only what is not memory is taken. */
TEST_F_TIMEOUT(alloc, deferred, PATIENCE)
{
	struct operation operation =
		operation_alloc(&self->call, "deferred-3M", 3 * MIB,
				BUFALLOC_ALLOC_DEFERRED, 1);

	SWEEP(&operation, &self->call, self->call.importer);
}

/* Another heap of the system's memory. */
FIXTURE(alloc_below_4_GiB)
{
	struct call call;
};

FIXTURE_VARIANT(alloc_below_4_GiB)
{
	const char *name;
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(alloc_below_4_GiB, wc) {
	.name = "wc-32",
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(alloc_below_4_GiB, cached) {
	.name = "cached-32",
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(alloc_below_4_GiB)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	ASSERT_EQ(0, call_open(&self->call, variant->name, variant->caching,
			       32));
}

FIXTURE_TEARDOWN(alloc_below_4_GiB)
{
	EXPECT_TRUE(call_close(&self->call));
}

TEST_F_TIMEOUT(alloc_below_4_GiB, several_chunks, PATIENCE)
{
	struct operation operation = operation_alloc(&self->call, "3M",
						     3 * MIB, 0, 1);

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
	operation.most = 8;
	SWEEP(&operation, &self->call, self->call.importer);
}

#define BLOCKS_LOCK "blocks_lock"
#define RECLAIM "fs_reclaim"

/* What lockdep has seen until now, from @locks on: taken with that lock held. */
static void read_locks(FILE *locks, bool *seen, bool *takes_memory)
{
	bool inside = false;
	char line[256];

	while (fgets(line, sizeof(line), locks)) {
		if (strncmp(line, " -> ", 4))
			inside = strstr(line, BLOCKS_LOCK);
		else if (inside && strstr(line, RECLAIM))
			*takes_memory = true;
		*seen |= inside;
	}
}

/* Whoever gives a piece back, for whomever, would wait for all that it takes. */
TEST(blocks_are_taken_unlocked)
{
	int device = bufalloc_open(NULL), fd;
	bool seen = false, takes_memory = false;
	FILE *locks;

	ASSERT_LE(0, device);
	fd = buffer_open(device, 64 * KIB, BUFALLOC_CACHING_WC);
	ASSERT_LE(0, fd);
	locks = fopen("/proc/lockdep", "r");
	if (!locks)
		SKIP(return, "nobody notes which locks are taken");
	read_locks(locks, &seen, &takes_memory);
	fclose(locks);
	EXPECT_TRUE(seen);
	EXPECT_FALSE(takes_memory);
	close(fd);
	bufalloc_close(device);
}

/*
 * Calls that fail while others take memory try again, one at a time. Past memory.high of
 * its cgroup the kernel delays a thread for seconds in each allocation: a call that is
 * delayed loses its turn to the next one.
 */
FIXTURE(contention)
{
	int device;
	long bytes;
	pid_t taking;
	pid_t delayed;
};

/* The cgroup of the call that only has to be there. */
#define OTHER_GROUP GROUPS "/bufalloc-other"

/* The kernel delays that for minutes. */
#define MUCH (256 * MIB)

FIXTURE_SETUP(contention)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, group_make(OTHER_GROUP));
	ASSERT_EQ(0, write_string(GROUP "/memory.high", "1M"));
	ASSERT_EQ(0, write_string(OTHER_GROUP "/memory.high", "1M"));
}

static void end_child(pid_t *child)
{
	if (*child > 0) {
		kill(*child, SIGKILL);
		waitpid(*child, NULL, 0);
	}
	*child = 0;
}

FIXTURE_TEARDOWN(contention)
{
	end_child(&self->taking);
	end_child(&self->delayed);
	group_remove(GROUP);
	group_remove(OTHER_GROUP);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

/*
 * Two buffers, again and again, until each allocation of the kernel has failed once. The
 * record of the first buffer's memory is one of them: the call fails, and tries again.
 */
static int alloc_with_faults(int device, size_t length)
{
	struct bufalloc_request requests[] = {
		request_of(4 * KIB, BUFALLOC_CACHING_CACHED),
		request_of(length, BUFALLOC_CACHING_CACHED),
	};
	struct bufalloc_result results[ARRAY_SIZE(requests)];
	unsigned int nth, left = 0;
	int ret = faults_open();

	if (!ret)
		ret = faults_choose(FAULTS_OF_OBJECTS);
	for (nth = 1; !ret && !left; nth++) {
		faults_arm(nth);
		ret = bufalloc_alloc_batch(device, requests, results, ARRAY_SIZE(requests),
					   NULL, NULL);
		left = faults_disarm();
		if (!ret) {
			close(results[0].fd);
			close(results[1].fd);
		}
		ret = ret == -ENOMEM ? 0 : ret;
	}
	faults_close();
	return ret;
}

TEST_F_TIMEOUT(contention, delayed_call_loses_its_turn, PATIENCE)
{
	self->taking = fork();
	ASSERT_LE(0, self->taking);
	if (!self->taking) {
		if (!group_enter(OTHER_GROUP))
			buffer_open(self->device, MUCH, BUFALLOC_CACHING_CACHED);
		_exit(0);
	}
	ASSERT_TRUE(group_exceeds(OTHER_GROUP, 8 * MIB, self->taking));
	self->delayed = fork();
	ASSERT_LE(0, self->delayed);
	if (!self->delayed) {
		if (!group_enter(GROUP))
			alloc_with_faults(self->device, MUCH);
		_exit(0);
	}
	ASSERT_TRUE(group_exceeds(GROUP, 8 * MIB, self->delayed));
	EXPECT_EQ(0, alloc_with_faults(self->device, 4 * KIB));
	/* Else this call had waited for the end of that one. */
	EXPECT_FALSE(has_ended(self->delayed));
	EXPECT_FALSE(has_ended(self->taking));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * S5, S10, S11: a deferred buffer takes no memory until it is used, and what it gets
 * then is where all its devices reach it, on the account of who allocated it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define LENGTH (1 * MIB)
#define CHUNK 2048UL

#define OTHER GROUPS "/bufalloc-other"
#define SLACK (2 * MIB)

FIXTURE(deferred)
{
	int device;
	int importer;
	int fd;
	long bytes;
};

FIXTURE_VARIANT(deferred)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(deferred, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(deferred, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(deferred, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

static int open_deferred(int device, size_t length, uint32_t caching)
{
	struct bufalloc_request request = request_of(length, caching);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_DEFERRED;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

FIXTURE_SETUP(deferred)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = open_deferred(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(deferred)
{
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

static bool is_backed(int device, int fd)
{
	struct bufalloc_query query;

	return !bufalloc_query(device, fd, &query) &&
	       query.out_state & BUFALLOC_STATE_BACKED;
}

/* A gigabyte of buffers costs what their files do. */
TEST_F(deferred, takes_no_memory)
{
	enum { COUNT = 64,
	       EACH = 16 << 10 };
	struct bufalloc_query query;
	struct bufalloc_info info;
	int fds[COUNT], i;
	long before, after;

	before = meminfo("MemFree");
	for (i = 0; i < COUNT; i++) {
		fds[i] = open_deferred(self->device, 16 * MIB,
				       variant->caching);
		ASSERT_LE(0, fds[i]);
	}
	after = meminfo("MemFree");
	EXPECT_LT(before - after, COUNT * EACH / 4);
	EXPECT_EQ(self->bytes, live_bytes());
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(0, info.out_client_bytes);
	EXPECT_EQ(COUNT + 1, info.out_client_buffers);
	ASSERT_EQ(0, bufalloc_query(self->device, fds[0], &query));
	EXPECT_EQ(0, query.out_state);
	EXPECT_EQ(0, query.out_chunks);
	EXPECT_EQ(0, query.out_segments);
	EXPECT_EQ(16 * MIB, query.out_length);
	for (i = 0; i < COUNT; i++)
		close(fds[i]);
}

TEST_F(deferred, attach_takes_no_memory)
{
	int id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);

	ASSERT_LE(0, id);
	EXPECT_FALSE(is_backed(self->device, self->fd));
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(0, importer_detach(self->importer, id));
}

TEST_F(deferred, first_device_map_brings_it)
{
	static struct importer_map map;
	int id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);

	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_TRUE(is_backed(self->device, self->fd));
	EXPECT_LE(self->bytes + (long)LENGTH, live_bytes());
	EXPECT_LT(0, map.out_nents);
}

TEST_F(deferred, first_cpu_mapping_brings_it_zeroed)
{
	struct mapping mapping;

	ASSERT_EQ(0, memory_dirty(self->device, variant->caching, LENGTH,
				  16 * MIB, 0xa5));
	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	EXPECT_TRUE(is_backed(self->device, self->fd));
	EXPECT_TRUE(mapping_is(&mapping, 0));
	buffer_unmap(&mapping);
}

TEST_F(deferred, first_kernel_mapping_brings_it)
{
	struct importer_vmap vmap;

	ASSERT_EQ(0, importer_vmap(self->importer, self->fd, 0, &vmap));
	EXPECT_TRUE(is_backed(self->device, self->fd));
	EXPECT_EQ(0, vmap.out_value);
}

TEST_F(deferred, refused_cpu_mapping_brings_none)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * LENGTH, PROT_READ, MAP_SHARED,
				   self->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, LENGTH, PROT_READ | PROT_EXEC,
				   MAP_SHARED, self->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, LENGTH, PROT_READ, MAP_PRIVATE,
				   self->fd, 0));
	EXPECT_FALSE(is_backed(self->device, self->fd));
}

/* Once it is there it stays, and later users find it. */
TEST_F(deferred, memory_stays)
{
	static struct importer_map map;
	struct mapping mapping;
	uint64_t value;
	int id;

	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	memset(mapping.bytes, 0x6e, mapping.length);
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, importer_peek(self->importer, id, LENGTH - 8, &value));
	EXPECT_EQ(0x6e6e6e6e6e6e6e6eULL, value);
	buffer_unmap(&mapping);
}

/* Who asks for too much is told at the first use, and nothing is left of it. */
TEST_F(deferred, too_much_is_ENOMEM_at_first_use)
{
	struct bufalloc_request request = request_of(256 * MIB,
						     variant->caching);
	struct bufalloc_result result;
	struct bufalloc_query query;
	static struct importer_map map;
	int id;

	request.flags = BUFALLOC_ALLOC_DEFERRED | BUFALLOC_ALLOC_CONTIGUOUS;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, LENGTH, PROT_READ, MAP_SHARED,
				   result.fd, 0));
	EXPECT_EQ(ENOMEM, errno);
	id = importer_attach(self->importer, result.fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(-ENOMEM, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					&map));
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(1, query.out_refusals);
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, query.out_refusal);
	EXPECT_EQ(0, query.out_state);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(0, importer_detach(self->importer, id));
	close(result.fd);
}

/* Not who touches it first pays. */
TEST_F(deferred, allocator_pays)
{
	struct mapping mapping;
	long before, other;
	int fd;

	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, group_make(OTHER));
	ASSERT_EQ(0, group_enter(GROUP));
	fd = open_deferred(self->device, 32 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	before = group_held(GROUP);

	ASSERT_EQ(0, group_enter(OTHER));
	other = group_held(OTHER);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	EXPECT_LE(before + (long)(32 * MIB) - (long)SLACK, group_held(GROUP));
	EXPECT_GT(other + (long)SLACK, group_held(OTHER));
	buffer_unmap(&mapping);
	close(fd);
	EXPECT_GT(before + (long)SLACK, group_held(GROUP));

	EXPECT_EQ(0, group_enter(GROUPS));
	rmdir(GROUP);
	rmdir(OTHER);
}

/* Past the limit of who allocated it, whatever room who uses it has; and no kill. */
TEST_F(deferred, limit_of_the_allocator_holds)
{
	long kills = vmstat("oom_kill");
	static struct importer_map map;
	uint32_t reason;
	int fd, id;

	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "16M"));
	ASSERT_EQ(0, group_enter(GROUP));
	fd = open_deferred(self->device, 32 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, group_enter(GROUPS));
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, 32 * MIB, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENOMEM, errno);
	/* One run of it might come from an area that nobody is charged for. */
	ASSERT_EQ(0, importer_limit(self->importer, IMPORTER_DEVICE_64, MIB));
	id = importer_attach(self->importer, fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(0, buffer_refusals(self->device, fd, &reason));
	EXPECT_EQ(-ENOMEM, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					&map));
	EXPECT_EQ(1, buffer_refusals(self->device, fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_MEMORY, reason);
	EXPECT_EQ(0, importer_detach(self->importer, id));
	EXPECT_FALSE(is_backed(self->device, fd));
	EXPECT_EQ(kills, vmstat("oom_kill"));
	close(fd);
	rmdir(GROUP);
}

/* A buffer that two want to use first, and what the importer calls it. */
struct prize {
	int importer;
	int fd;
	int id;
};

/* Each is 0 or a negative errno. */
static int use_by_cpu(const struct prize *prize)
{
	struct mapping mapping;
	int ret = buffer_map(prize->fd, &mapping);

	if (!ret)
		buffer_unmap(&mapping);
	return ret;
}

static int use_by_device(const struct prize *prize)
{
	static struct importer_map map;

	int ret = importer_map(prize->importer, prize->id, IMPORTER_TO_DEVICE,
			       &map);

	return ret ? ret : importer_unmap(prize->importer, prize->id);
}

static int use_by_kernel(const struct prize *prize)
{
	struct importer_vmap vmap;

	return importer_vmap(prize->importer, prize->fd, 0, &vmap);
}

/* In processes of their own: a mapping keeps all others of its process waiting. */
static const struct {
	int (*first)(const struct prize *prize);
	int (*second)(const struct prize *prize);
} firsts[] = {
	{ use_by_cpu, use_by_cpu },
	{ use_by_cpu, use_by_device },
	{ use_by_device, use_by_cpu },
	{ use_by_cpu, use_by_kernel },
	{ use_by_kernel, use_by_cpu },
};

/* Large enough that one comes while the other is at it. */
#define PRIZE (32 * MIB)
#define PRIZES 10

/* Until it has begun; it may have ended by then. */
static void wait_for_first(pid_t first, long bytes)
{
	siginfo_t info = {};

	while (live_bytes() == bytes && !info.si_pid) {
		waitid(P_PID, first, &info, WEXITED | WNOHANG | WNOWAIT);
		usleep(100);
	}
}

static int end_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * There is room for one copy, and one of them has a part of it when the other comes:
 * both are served, since it is the same memory that they want.
 */
TEST_F_TIMEOUT(deferred, who_comes_beside_the_first_is_served_as_well, PATIENCE)
{
	struct prize prize = { .importer = self->importer };
	struct quotas before, low;
	int kind, round, beside = 0;
	pid_t first;

	ASSERT_EQ(0, quotas_read(&before));
	low = before;
	low.max[SYSTEM_BYTES] = self->bytes + PRIZE +
				(live_buffers() + 1) * 4096;
	for (round = 0; round < PRIZES || !beside; round++) {
		kind = round % ARRAY_SIZE(firsts);
		prize.fd = open_deferred(self->device, PRIZE, variant->caching);
		ASSERT_LE(0, prize.fd);
		prize.id = importer_attach(self->importer, prize.fd,
					   IMPORTER_DEVICE_64);
		ASSERT_LE(0, prize.id);
		ASSERT_EQ(0, quotas_write(&low));
		first = fork();
		ASSERT_LE(0, first);
		if (!first)
			_exit(-firsts[kind].first(&prize));
		wait_for_first(first, self->bytes);
		beside += !is_backed(self->device, prize.fd);
		EXPECT_EQ(0, firsts[kind].second(&prize));
		EXPECT_EQ(0, end_of(first));
		EXPECT_EQ(0, quotas_write(&before));
		EXPECT_EQ(self->bytes + (long)PRIZE, live_bytes());
		EXPECT_EQ(0, importer_detach(self->importer, prize.id));
		close(prize.fd);
		ASSERT_EQ(self->bytes, live_bytes());
	}
	TH_LOG("%d of %d came while the first was at it", beside, round);
}

/* In one contiguous range these cost 4 MiB and 8 MiB. */
static const size_t odd_lengths[] = { 2 * MIB + 100 * KIB, 5 * MIB + 100 * KIB };

static const uint32_t odd_limits[] = {
	/* To quiet a check, as drivers of GPUs do: no wish for one run. */
	UINT32_MAX,
	/* A wish for one, which is not worth so much more memory. */
	16 * MIB,
};

#define ODD_BUFFERS 8

/* Buffers of that length that the device has mapped cost no more than they are long. */
static void check_cost(struct __test_metadata *_metadata, int device, int importer,
		       size_t length, uint32_t caching)
{
	static struct importer_map map;
	int fds[ODD_BUFFERS], ids[ODD_BUFFERS], i;

	for (i = 0; i < ODD_BUFFERS; i++) {
		fds[i] = open_deferred(device, length, caching);
		ASSERT_LE(0, fds[i]);
		ids[i] = importer_attach(importer, fds[i], IMPORTER_DEVICE_64);
		ASSERT_LE(0, ids[i]);
		ASSERT_EQ(0, importer_map(importer, ids[i], IMPORTER_TO_DEVICE, &map));
	}
	EXPECT_LE(ODD_BUFFERS * length, client_bytes(device));
	/* But for a block, where there are any, that is not full yet. */
	EXPECT_GE(ODD_BUFFERS * length + 2 * MIB, client_bytes(device));
	for (i = 0; i < ODD_BUFFERS; i++) {
		EXPECT_EQ(0, importer_detach(importer, ids[i]));
		close(fds[i]);
	}
}

/* A device that takes long segments is no reason to take nearly twice the memory. */
TEST_F(deferred, long_segments_cost_no_power_of_two)
{
	unsigned int k, l;

	for (k = 0; k < ARRAY_SIZE(odd_limits); k++) {
		ASSERT_EQ(0, importer_limit(self->importer, IMPORTER_DEVICE_64,
					    odd_limits[k]));
		for (l = 0; l < ARRAY_SIZE(odd_lengths); l++)
			check_cost(_metadata, self->device, self->importer, odd_lengths[l],
				   variant->caching);
	}
}

#define LARGE (256 * MIB)

/* Who is killed while the memory comes has none of it. */
TEST_F(deferred, SIGKILL_ends_a_first_use)
{
	struct prize prize = { .importer = self->importer };
	pid_t child;
	int status;

	prize.fd = open_deferred(self->device, LARGE, variant->caching);
	ASSERT_LE(0, prize.fd);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(-use_by_cpu(&prize));
	/* Early, by what it has and not by a clock. */
	while (live_bytes() < self->bytes + (long)LARGE / 8 &&
	       !waitpid(child, &status, WNOHANG))
		;
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_FALSE(is_backed(self->device, prize.fd));
	EXPECT_EQ(self->bytes, live_bytes());
	close(prize.fd);
}

TEST_HARNESS_MAIN

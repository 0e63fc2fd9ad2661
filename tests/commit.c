// SPDX-License-Identifier: MIT
/*
 * S11, S12: COMMIT gives many buffers their memory, all or nothing, and two clients
 * that compete for too little of it both come to an end: one has it all, the other
 * none.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define SCENE 64
#define LENGTH (64 * KIB)

FIXTURE(commit)
{
	int device;
	int fds[SCENE];
	long bytes;
	struct quotas quotas;
	uint32_t failed;
	uint32_t reason;
};

FIXTURE_VARIANT(commit)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(commit, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(commit, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(commit, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

/* As many deferred buffers, each a file descriptor. 0 or a negative errno. */
static int open_scene(int device, uint32_t caching, uint32_t flags,
		      size_t length, int *fds, unsigned int count)
{
	struct bufalloc_request requests[SCENE] = {};
	struct bufalloc_result results[SCENE];
	unsigned int i;
	int ret;

	for (i = 0; i < count; i++) {
		requests[i] = request_of(length, caching);
		requests[i].flags = BUFALLOC_ALLOC_DEFERRED | flags;
	}
	ret = bufalloc_alloc_batch(device, requests, results, count, NULL,
				   NULL);
	for (i = 0; !ret && i < count; i++)
		fds[i] = results[i].fd;
	return ret;
}

static void close_scene(int *fds, unsigned int count)
{
	while (count--)
		close(fds[count]);
}

static bool is_backed(int device, int fd)
{
	struct bufalloc_query query;

	return !bufalloc_query(device, fd, &query) &&
	       query.out_state & BUFALLOC_STATE_BACKED;
}

static unsigned int count_backed(int device, const int *fds, unsigned int count)
{
	unsigned int backed = 0;

	while (count--)
		backed += is_backed(device, fds[count]);
	return backed;
}

FIXTURE_SETUP(commit)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	ASSERT_EQ(0, quotas_read(&self->quotas));
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, open_scene(self->device, variant->caching, 0, LENGTH,
				self->fds, SCENE));
}

FIXTURE_TEARDOWN(commit)
{
	EXPECT_EQ(0, quotas_write(&self->quotas));
	close_scene(self->fds, SCENE);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

#define COMMIT(fds, count) bufalloc_commit(self->device, fds, count, \
					   &self->failed, &self->reason)

TEST_F(commit, scene_gets_its_memory_at_once)
{
	struct mapping mapping;

	EXPECT_EQ(0, count_backed(self->device, self->fds, SCENE));
	ASSERT_EQ(0, COMMIT(self->fds, SCENE));
	EXPECT_EQ(SCENE, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_NONE, self->reason);
	EXPECT_EQ(SCENE, count_backed(self->device, self->fds, SCENE));
	ASSERT_EQ(0, buffer_map(self->fds[SCENE - 1], &mapping));
	EXPECT_TRUE(mapping_is(&mapping, 0));
	buffer_unmap(&mapping);
}

TEST_F(commit, again_changes_nothing)
{
	struct mapping mapping;
	long bytes;

	ASSERT_EQ(0, COMMIT(self->fds, SCENE / 2));
	bytes = live_bytes();
	ASSERT_EQ(0, buffer_map(self->fds[0], &mapping));
	memset(mapping.bytes, 0x47, mapping.length);
	ASSERT_EQ(0, COMMIT(self->fds, SCENE / 2));
	EXPECT_EQ(bytes, live_bytes());
	EXPECT_TRUE(mapping_is(&mapping, 0x47));
	/* Nor does it to those of a set that have theirs. */
	ASSERT_EQ(0, COMMIT(self->fds, SCENE));
	EXPECT_TRUE(mapping_is(&mapping, 0x47));
	buffer_unmap(&mapping);
}

/* The last one cannot be had: the 63 before it are as they were. */
TEST_F(commit, none_has_memory_when_the_last_cannot)
{
	close(self->fds[SCENE - 1]);
	ASSERT_EQ(0, open_scene(self->device, variant->caching,
				BUFALLOC_ALLOC_CONTIGUOUS, 256 * MIB,
				&self->fds[SCENE - 1], 1));
	EXPECT_EQ(-ENOMEM, COMMIT(self->fds, SCENE));
	EXPECT_EQ(SCENE - 1, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, self->reason);
	EXPECT_EQ(0, count_backed(self->device, self->fds, SCENE));
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(commit, same_buffer_twice_is_EINVAL)
{
	int other = dup(self->fds[3]);

	ASSERT_LE(0, other);
	close(self->fds[10]);
	self->fds[10] = other;
	EXPECT_EQ(-EINVAL, COMMIT(self->fds, SCENE));
	EXPECT_EQ(10, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_TWICE, self->reason);
	self->failed = 0;
	self->fds[10] = self->fds[3];
	EXPECT_EQ(-EINVAL, COMMIT(self->fds, SCENE));
	EXPECT_EQ(10, self->failed);
	self->fds[10] = other;
	EXPECT_EQ(0, count_backed(self->device, self->fds, SCENE));
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(commit, what_is_no_buffer_is_refused)
{
	int fds[3] = { self->fds[0], -1, self->fds[1] };

	EXPECT_EQ(-EBADF, COMMIT(fds, 3));
	EXPECT_EQ(1, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_FD, self->reason);
	fds[1] = self->device;
	EXPECT_EQ(-EINVAL, COMMIT(fds, 3));
	EXPECT_EQ(1, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_FD, self->reason);
	EXPECT_EQ(0, count_backed(self->device, self->fds, SCENE));
}

TEST_F(commit, count_and_array_are_checked)
{
	static int fds[BUFALLOC_MAX_BATCH + 1];

	EXPECT_EQ(-EINVAL, COMMIT(self->fds, 0));
	EXPECT_EQ(-E2BIG, COMMIT(fds, BUFALLOC_MAX_BATCH + 1));
	EXPECT_EQ(-EFAULT, COMMIT((int *)8, 1));
	EXPECT_EQ(1, self->failed);
}

/* The call itself is refused: none of them could not be. */
TEST_F(commit, refused_call_tells_of_no_buffer)
{
	struct bufalloc_commit arg = {
		.size = sizeof(arg),
		.fds = (uintptr_t)self->fds,
		.count = 2,
		.flags = 1,
		.out_reason = 1,
	};

	EXPECT_EQ(-1, ioctl(self->device, BUFALLOC_IOCTL_COMMIT, &arg));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(2, arg.out_failed);
	EXPECT_EQ(BUFALLOC_REASON_NONE, arg.out_reason);
}

/* The reason names the limit that is in the way, and the first past it. */
TEST_F(commit, quota_is_EDQUOT)
{
	struct quotas low = self->quotas;

	low.max[SYSTEM_BYTES] = self->bytes + 16 * MIB;
	ASSERT_EQ(0, quotas_write(&low));
	close(self->fds[0]);
	ASSERT_EQ(0, open_scene(self->device, variant->caching, 0, 32 * MIB,
				&self->fds[0], 1));
	EXPECT_EQ(-EDQUOT, COMMIT(self->fds, SCENE));
	EXPECT_EQ(0, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_SYSTEM_BYTES, self->reason);
	EXPECT_EQ(0, count_backed(self->device, self->fds, SCENE));
	EXPECT_EQ(self->bytes, live_bytes());
}

/* Each buffer has room, and not both: no memory is asked for. */
TEST_F(commit, refused_set_takes_nothing)
{
	bool cached = variant->caching == BUFALLOC_CACHING_CACHED;
	struct quotas low = self->quotas;
	int fds[2];

	ASSERT_EQ(0, open_scene(self->device, variant->caching, 0, 16 * MIB,
				fds, 2));
	low.max[SYSTEM_BYTES] = self->bytes + live_buffers() * 4096 + 24 * MIB;
	ASSERT_EQ(0, quotas_write(&low));
	ASSERT_EQ(0, probe_start(cached ? "dma_alloc_pages" : "dma_alloc_attrs",
				 ""));
	EXPECT_EQ(-EDQUOT, COMMIT(fds, 2));
	EXPECT_EQ(0, probe_hits());
	probe_stop();
	EXPECT_EQ(1, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_SYSTEM_BYTES, self->reason);
	EXPECT_EQ(0, count_backed(self->device, fds, 2));
	close_scene(fds, 2);
}

/* Who has no right to the device's memory of others has one to commit it. */
TEST_F(commit, client_that_allocated_pays)
{
	struct bufalloc_info info;
	int other = bufalloc_open(NULL);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, bufalloc_commit(other, self->fds, SCENE, NULL, NULL));
	ASSERT_EQ(0, bufalloc_get_info(other, &info));
	EXPECT_EQ(0, info.out_client_bytes);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_LE(SCENE * LENGTH, info.out_client_bytes);
	bufalloc_close(other);
}

/* One COMMIT in a thread of its own. */
struct other {
	pthread_t thread;
	int device;
	int fds[2];
	int ret;
};

static void *commit_two(void *data)
{
	struct other *other = data;

	other->ret = bufalloc_commit(other->device, other->fds, 2, NULL, NULL);
	return NULL;
}

static void *map_one(void *data)
{
	struct other *other = data;
	struct mapping mapping;

	other->ret = buffer_map(other->fds[0], &mapping);
	if (!other->ret)
		buffer_unmap(&mapping);
	return NULL;
}

/*
 * Two sets in opposite orders, where the second to come has one buffer when the first
 * gets the other: it lets go, and both are served. What holds them up until then is
 * the first use of a large buffer, by a third.
 */
TEST_F(commit, crossing_sets_do_not_wait_for_each_other)
{
	struct other others[3];
	int large, i;

	ASSERT_EQ(0, open_scene(self->device, variant->caching, 0, 128 * MIB,
				&large, 1));
	for (i = 0; i < 3; i++) {
		others[i].device = self->device;
		others[i].fds[i == 2] = large;
		others[i].fds[i != 2] = self->fds[0];
		ASSERT_EQ(0, pthread_create(&others[i].thread, NULL,
					    i ? commit_two : map_one,
					    &others[i]));
		usleep(5000);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(others[i].thread, NULL);
		EXPECT_EQ(0, others[i].ret);
	}
	EXPECT_TRUE(is_backed(self->device, large));
	EXPECT_TRUE(is_backed(self->device, self->fds[0]));
	close(large);
}

/*
 * One buffer of a set gets its memory from another, while a first one is taken, and the
 * room that was left for it is gone by that: it is not needed any more.
 */
TEST_F_TIMEOUT(commit, what_another_has_brought_needs_no_room, PATIENCE)
{
	enum { LARGE = 128 << 20,
	       SMALL = 2 << 20 };
	struct quotas low = self->quotas;
	struct other other = { .device = self->device };
	bool late;

	do {
		ASSERT_EQ(0, open_scene(self->device, variant->caching, 0, LARGE,
					&other.fds[0], 1));
		ASSERT_EQ(0, open_scene(self->device, variant->caching, 0, SMALL,
					&other.fds[1], 1));
		low.max[SYSTEM_BYTES] = self->bytes + LARGE + SMALL +
					live_buffers() * 4096;
		ASSERT_EQ(0, quotas_write(&low));
		ASSERT_EQ(0, pthread_create(&other.thread, NULL, commit_two,
					    &other));
		while (live_bytes() == self->bytes)
			usleep(100);
		EXPECT_EQ(0, COMMIT(&other.fds[1], 1));
		/* Where that is so, this round has shown nothing. */
		late = is_backed(self->device, other.fds[0]);
		pthread_join(other.thread, NULL);
		EXPECT_EQ(0, other.ret);
		EXPECT_EQ(2, count_backed(self->device, other.fds, 2));
		close_scene(other.fds, 2);
	} while (late);
}

/**
 * struct rival - one of two who want the same memory, again and again
 * @device: his client.
 * @fds: his set, in his order.
 * @count: of it.
 * @gate: both begin at once.
 * @ret: what the last COMMIT said.
 * @longest: nanoseconds that one took.
 */
struct rival {
	int device;
	int fds[SCENE];
	unsigned int count;
	pthread_barrier_t *gate;
	int rounds;
	int ret;
	long longest;
};

static long nanoseconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000000L + now.tv_nsec -
	       start->tv_nsec;
}

/* Between two gates each round: the judge looks while nobody does anything. */
static void *compete(void *data)
{
	struct rival *rival = data;
	struct timespec start;
	long taken;
	int i;

	for (i = 0; i < rival->rounds; i++) {
		pthread_barrier_wait(rival->gate);
		clock_gettime(CLOCK_MONOTONIC, &start);
		rival->ret = bufalloc_commit(rival->device, rival->fds,
					     rival->count, NULL, NULL);
		taken = nanoseconds_since(&start);
		if (taken > rival->longest)
			rival->longest = taken;
		pthread_barrier_wait(rival->gate);
		pthread_barrier_wait(rival->gate);
	}
	return NULL;
}

#define ROUNDS 10000
#define LONG_ROUNDS 50

FIXTURE(rivals)
{
	struct rival rivals[2];
	pthread_barrier_t gate;
	pthread_t threads[2];
	struct quotas quotas;
	long bytes;
};

FIXTURE_VARIANT(rivals)
{
	size_t piece;
	unsigned int each;
	int rounds;
	/* Both on one processor, which takes turns while they clear their memory. */
	bool in_turn;
};

FIXTURE_VARIANT_ADD(rivals, often) {
	.piece = 16 * KIB,
	.each = 4,
	.rounds = ROUNDS,
};

FIXTURE_VARIANT_ADD(rivals, long) {
	.piece = 2 * MIB,
	.each = 16,
	.rounds = LONG_ROUNDS,
	.in_turn = true,
};

FIXTURE_SETUP(rivals)
{
	struct quotas low;
	int i;

	self->bytes = live_bytes();
	ASSERT_EQ(0, quotas_read(&self->quotas));
	low = self->quotas;
	/* Room for one set and a half; all buffers are there already. */
	low.max[SYSTEM_BYTES] = self->bytes + variant->each * variant->piece * 3 / 2 +
				(live_buffers() + 2 * variant->each) * 4096;
	if (variant->in_turn)
		ASSERT_EQ(0, run_on(0));
	ASSERT_EQ(0, pthread_barrier_init(&self->gate, NULL, 3));
	for (i = 0; i < 2; i++) {
		self->rivals[i] = (struct rival) {
			.device = bufalloc_open(NULL),
			.count = variant->each,
			.gate = &self->gate,
			.rounds = rounds_of(variant->rounds),
		};
		ASSERT_LE(0, self->rivals[i].device);
	}
	ASSERT_EQ(0, quotas_write(&low));
}

FIXTURE_TEARDOWN(rivals)
{
	EXPECT_EQ(0, quotas_write(&self->quotas));
	bufalloc_close(self->rivals[0].device);
	bufalloc_close(self->rivals[1].device);
	pthread_barrier_destroy(&self->gate);
	EXPECT_EQ(self->bytes, live_bytes());
}

/* What is rounded to blocks would leave room for both: no write-combining. */
static int open_for(struct rival *rival, size_t piece)
{
	return open_scene(rival->device, BUFALLOC_CACHING_CACHED, 0, piece,
			  rival->fds, rival->count);
}

static bool has_all(const struct rival *rival)
{
	return count_backed(rival->device, rival->fds, rival->count) ==
	       rival->count;
}

static bool has_none(const struct rival *rival)
{
	return !count_backed(rival->device, rival->fds, rival->count);
}

/* Whether what it was told is true. */
static bool is_told(const struct rival *rival)
{
	return rival->ret ? rival->ret == -EDQUOT && has_none(rival) :
			    has_all(rival);
}

/*
 * Two sets that have no buffer in common, and room for one: one wins, the other fails
 * and has nothing, in each round.
 */
TEST_F_TIMEOUT(rivals, one_wins_and_one_fails, PATIENCE)
{
	struct rival *a = &self->rivals[0], *b = &self->rivals[1];
	int i, wins[2] = {};

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&self->threads[i], NULL, compete,
					    &self->rivals[i]));
	for (i = 0; i < a->rounds; i++) {
		ASSERT_EQ(0, open_for(a, variant->piece));
		ASSERT_EQ(0, open_for(b, variant->piece));
		pthread_barrier_wait(&self->gate);
		pthread_barrier_wait(&self->gate);
		ASSERT_TRUE(is_told(a) && is_told(b));
		ASSERT_NE(!a->ret, !b->ret)
		{
			TH_LOG("round %d: %d and %d", i, a->ret, b->ret);
		}
		wins[!b->ret]++;
		close_scene(a->fds, variant->each);
		close_scene(b->fds, variant->each);
		pthread_barrier_wait(&self->gate);
	}
	for (i = 0; i < 2; i++)
		pthread_join(self->threads[i], NULL);
	TH_LOG("%d rounds: %d and %d won; the longest COMMIT took %ld us",
	       a->rounds, wins[0], wins[1],
	       (a->longest > b->longest ? a->longest : b->longest) / 1000);
}

/* The same buffers in opposite orders: both are served, and none has two memories. */
TEST_F_TIMEOUT(rivals, same_set_serves_both, PATIENCE)
{
	struct rival *a = &self->rivals[0], *b = &self->rivals[1];
	struct quotas wide = self->quotas;
	int i;
	unsigned int j;

	ASSERT_EQ(0, quotas_write(&wide));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&self->threads[i], NULL, compete,
					    &self->rivals[i]));
	for (i = 0; i < a->rounds; i++) {
		ASSERT_EQ(0, open_for(a, variant->piece));
		for (j = 0; j < variant->each; j++)
			b->fds[j] = a->fds[variant->each - 1 - j];
		pthread_barrier_wait(&self->gate);
		pthread_barrier_wait(&self->gate);
		ASSERT_EQ(0, a->ret);
		ASSERT_EQ(0, b->ret);
		ASSERT_TRUE(has_all(a));
		ASSERT_EQ(self->bytes + (long)(variant->each * variant->piece), live_bytes());
		close_scene(a->fds, variant->each);
		pthread_barrier_wait(&self->gate);
	}
	for (i = 0; i < 2; i++)
		pthread_join(self->threads[i], NULL);
	TH_LOG("%d rounds; the longest COMMIT took %ld us", a->rounds,
	       (a->longest > b->longest ? a->longest : b->longest) / 1000);
}

/* Half of each set is in the other, in opposite orders, with room for one. */
TEST_F_TIMEOUT(rivals, overlapping_sets_end, PATIENCE)
{
	struct rival *a = &self->rivals[0], *b = &self->rivals[1];
	int i;
	unsigned int j;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&self->threads[i], NULL, compete,
					    &self->rivals[i]));
	for (i = 0; i < a->rounds; i++) {
		ASSERT_EQ(0, open_for(a, variant->piece));
		ASSERT_EQ(0, open_for(b, variant->piece));
		for (j = 0; j < variant->each / 2; j++) {
			close(b->fds[j]);
			b->fds[j] = dup(a->fds[variant->each - 1 - j]);
			ASSERT_LE(0, b->fds[j]);
		}
		pthread_barrier_wait(&self->gate);
		pthread_barrier_wait(&self->gate);
		/* Of what they share either may have made the other's memory. */
		ASSERT_TRUE(!a->ret || !b->ret);
		ASSERT_TRUE(a->ret ? a->ret == -EDQUOT : has_all(a));
		ASSERT_TRUE(b->ret ? b->ret == -EDQUOT : has_all(b));
		close_scene(a->fds, variant->each);
		close_scene(b->fds, variant->each);
		pthread_barrier_wait(&self->gate);
		ASSERT_EQ(self->bytes, live_bytes());
	}
	for (i = 0; i < 2; i++)
		pthread_join(self->threads[i], NULL);
	TH_LOG("%d rounds; the longest COMMIT took %ld us", a->rounds,
	       (a->longest > b->longest ? a->longest : b->longest) / 1000);
}

TEST_HARNESS_MAIN

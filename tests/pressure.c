// SPDX-License-Identifier: MIT
/*
 * Memory that is nearly gone, or in pieces; more buffers and more threads than
 * anybody has; and a process that is killed while it takes much. A call ends in
 * bounded time, with memory or with ENOMEM, and the machine goes on: the OOM
 * killer has nothing to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
/* Of one call. */
#define SECONDS_MAX 30
#define COMPACT "/proc/sys/vm/compact_unevictable_allowed"

FIXTURE(pressure)
{
	int device;
	long bytes;
	long buffers;
	long kills;
	long compact;
	struct quotas before;
};

FIXTURE_SETUP(pressure)
{
	self->compact = read_number(COMPACT);
	ASSERT_EQ(0, quotas_lift(&self->before));
	self->bytes = live_bytes();
	self->buffers = live_buffers();
	self->kills = vmstat("oom_kill");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(pressure)
{
	bufalloc_close(self->device);
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
	EXPECT_EQ(0, quotas_write(&self->before));
	EXPECT_EQ(0, write_string(COMPACT, self->compact ? "1" : "0"));
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static uint32_t cachings(int i)
{
	static const uint32_t all[] = {
		BUFALLOC_CACHING_CACHED,
		BUFALLOC_CACHING_COHERENT,
		BUFALLOC_CACHING_WC,
	};

	return all[i];
}

static int cachings_count(void)
{
	return machine_has_wc() ? 3 : 2;
}

/* Touch memory until only so many KiB are to be had. Returns how much. */
static size_t fill(char *bytes, size_t length, long leave)
{
	size_t step = 4 * MIB;
	size_t done;

	for (done = 0; done + step <= length && meminfo("MemAvailable") > leave;
	     done += step)
		memset(bytes + done, 1, step);
	return done;
}

/*
 * Give eight of each sixteen pages back. What stays is locked, and the kernel told
 * not to move that: nobody makes longer runs of what is free, but there are some
 * for those who cannot do without.
 */
static int punch(char *bytes, size_t length)
{
	size_t at;

	for (at = 0; at < length; at += 16 * PAGE)
		if (madvise(bytes + at, 8 * PAGE, MADV_DONTNEED_LOCKED))
			return -errno;
	return 0;
}

/* What it has stays where it is; and then half of it is given back, in pieces. */
#define LOCKED 1
#define PUNCHED 2

/* Has memory for as long as it lives. */
static int hog(long leave, int how, int ready)
{
	size_t length = meminfo("MemTotal") * KIB / (sizeof(long) == 4 ? 2 : 1);
	char *bytes = mmap(NULL, length, RW,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bytes == MAP_FAILED)
		return 1;
	if (how & PUNCHED && madvise(bytes, length, MADV_NOHUGEPAGE))
		return 2;
	if (how & LOCKED && mlock2(bytes, length, MLOCK_ONFAULT))
		return 2;
	length = fill(bytes, length, leave);
	if (how & PUNCHED && punch(bytes, length))
		return 3;
	if (write(ready, &byte, 1) == 1)
		pause();
	return 4;
}

static pid_t start_hog(long leave, int how)
{
	int ready[2];
	pid_t child;
	char byte;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child)
		_exit(hog(leave, how, ready[1]));
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	close(ready[0]);
	return child;
}

static void end_hog(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* struct taken - buffers, and how it went */
struct taken {
	bool contiguous;
	int fds[4096];
	int count;
	int error;
	double longest; /* seconds of one call */
	unsigned long chunks;
};

/* Buffers of that length until there is no memory for another, or @most. */
static void take(struct taken *taken, int device, uint32_t caching,
		 size_t length, int most)
{
	struct bufalloc_request request = request_of(length, caching);
	struct bufalloc_result result;
	double start, took;

	if (taken->contiguous)
		request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	taken->longest = 0;
	taken->chunks = 0;
	taken->error = 0;
	for (taken->count = 0; taken->count < most; taken->count++) {
		start = seconds();
		taken->error = bufalloc_alloc(device, &request, &result, NULL);
		took = seconds() - start;
		if (took > taken->longest)
			taken->longest = took;
		if (taken->error)
			break;
		taken->fds[taken->count] = result.fd;
		taken->chunks += result.chunks;
	}
}

static void give_back(struct taken *taken)
{
	while (taken->count > 0)
		close(taken->fds[--taken->count]);
}

/* Other programs still get memory: so much of it, and used. */
static bool others_live(void)
{
	size_t length = 16 * MIB;
	char *bytes = mmap(NULL, length, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	pid_t child;
	int status;

	if (bytes == MAP_FAILED)
		return false;
	memset(bytes, 1, length);
	munmap(bytes, length);
	child = fork();
	if (!child)
		_exit(0);
	return waitpid(child, &status, 0) == child && !status;
}

/* With nothing left to take, refusals are as quick as others, however many. */
static bool refusals_are_quick(int device)
{
	double start = seconds();
	int i;

	for (i = 0; i < rounds_of(200); i++)
		if (buffer_open(device, 256 * MIB,
				cachings(i % cachings_count())) != -ENOMEM)
			return false;
	return seconds() - start < SECONDS_MAX;
}

/* Of all the memory there is, ordinary pages have most, and buffers take the rest. */
TEST_F_TIMEOUT(pressure, nearly_full_is_ENOMEM, PATIENCE)
{
	static const size_t lengths[] = { 32 * MIB, 1 * MIB, 20 * KIB };
	static struct taken taken;
	unsigned int l;
	pid_t other;
	int i;

	other = start_hog(320 * KIB, 0);
	ASSERT_LT(0, other);
	for (i = 0; i < cachings_count(); i++) {
		for (l = 0; l < ARRAY_SIZE(lengths); l++) {
			take(&taken, self->device, cachings(i), lengths[l],
			     ARRAY_SIZE(taken.fds));
			TH_LOG("caching %d: %d buffers of %zu KiB, one in at most %d ms",
			       cachings(i), taken.count, lengths[l] / KIB,
			       (int)(taken.longest * 1000));
			/* Files take memory too, and there may be no more of those. */
			if (taken.count < (int)ARRAY_SIZE(taken.fds))
				EXPECT_EQ(-ENOMEM, taken.error);
			if (l == 0)
				EXPECT_TRUE(refusals_are_quick(self->device));
			EXPECT_GT(SECONDS_MAX, taken.longest);
			EXPECT_TRUE(others_live());
			give_back(&taken);
		}
	}
	end_hog(other);
}

/* A block has memory already: its free ranges are there where no new memory is. */
TEST_F_TIMEOUT(pressure, free_range_of_a_block_needs_no_new_memory, PATIENCE)
{
	static struct taken large, small;
	pid_t other;
	int block, fd;

	if (!machine_has_wc() || !machine_types_memory())
		SKIP(return, "no memory is carved from blocks here");
	block = buffer_open(self->device, PAGE, BUFALLOC_CACHING_WC);
	ASSERT_LE(0, block);
	other = start_hog(320 * KIB, 0);
	ASSERT_LT(0, other);
	take(&large, self->device, BUFALLOC_CACHING_CACHED, MIB, ARRAY_SIZE(large.fds));
	EXPECT_EQ(-ENOMEM, large.error);
	take(&small, self->device, BUFALLOC_CACHING_CACHED, 64 * KIB, ARRAY_SIZE(small.fds));
	EXPECT_EQ(-ENOMEM, small.error);
	fd = buffer_open(self->device, 64 * KIB, BUFALLOC_CACHING_WC);
	EXPECT_LE(0, fd);
	close(fd);
	give_back(&small);
	give_back(&large);
	end_hog(other);
	close(block);
}

#define PIECE (16 * MIB)
#define PIECES 8

/* Buffers are made of what there is, as many chunks as it takes. */
static void take_fragments(struct __test_metadata *_metadata, int device,
			   uint32_t caching)
{
	static struct taken taken;

	take(&taken, device, caching, PIECE, PIECES);
	TH_LOG("caching %d: %zu MiB in %lu chunks, 16 MiB in at most %d ms",
	       caching, PIECES * PIECE / MIB, taken.chunks,
	       (int)(taken.longest * 1000));
	EXPECT_EQ(0, taken.error);
	/* With no run of 4 MiB left, that many are from fragments. */
	EXPECT_LT(PIECES * PIECE / (512 * KIB), taken.chunks);
	EXPECT_GT(SECONDS_MAX, taken.longest);
	EXPECT_TRUE(others_live());
	give_back(&taken);
}

/* Runs of 4 MiB are had while the kernel finds one, and then are refused. */
TEST_F_TIMEOUT(pressure, fragments_are_taken_but_are_no_run, PATIENCE)
{
	static struct taken runs = { .contiguous = true };
	pid_t other, puncher;
	int i;

	/* For the kernel too: where its stacks are such runs, it cannot go on. */
	if (is_watched())
		SKIP(return, "this kernel's own stacks are runs of memory");
	ASSERT_EQ(0, write_string(COMPACT, "0"));
	/*
	 * Most is out of the way, in large pages; nor is that moved into the holes of
	 * the rest, to make runs where it was.
	 */
	other = start_hog(900 * KIB, LOCKED);
	ASSERT_LT(0, other);
	puncher = start_hog(200 * KIB, LOCKED | PUNCHED);
	ASSERT_LT(0, puncher);
	take(&runs, self->device, BUFALLOC_CACHING_COHERENT, 4 * MIB,
	     ARRAY_SIZE(runs.fds));
	TH_LOG("%d runs of 4 MiB, one in at most %d ms", runs.count,
	       (int)(runs.longest * 1000));
	EXPECT_EQ(-ENOMEM, runs.error);
	EXPECT_GT(SECONDS_MAX, runs.longest);
	EXPECT_TRUE(others_live());
	for (i = 0; i < cachings_count(); i++)
		take_fragments(_metadata, self->device, cachings(i));
	give_back(&runs);
	end_hog(puncher);
	end_hog(other);
}

#define HOLDERS 4
#define EACH 25000
#define CALL 625

/* A process with so many buffers, which says when it has them. */
static void hold(int go, int ready)
{
	static struct bufalloc_request requests[CALL];
	static struct bufalloc_result results[CALL];
	struct rlimit limit = { EACH + 100, EACH + 100 };
	int device = bufalloc_open(NULL);
	int i, made, ret = setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
	char byte;

	for (i = 0; i < CALL; i++)
		requests[i] = request_of(PAGE, BUFALLOC_CACHING_CACHED);
	for (made = 0; made < rounds_of(EACH) && !ret; made += CALL)
		ret = bufalloc_alloc_batch(device, requests, results, CALL,
					   NULL, NULL);
	if (write(ready, &ret, sizeof(ret)) == sizeof(ret) && !ret)
		_exit(read(go, &byte, 1) != 0);
	_exit(1);
}

TEST_F_TIMEOUT(pressure, a_hundred_thousand_buffers, PATIENCE)
{
	int many = HOLDERS * rounds_of(EACH);
	int go[2], ready[2], i, ret, status;
	pid_t children[HOLDERS];
	double start = seconds();

	if (!machine_maps(2 * GIB))
		SKIP(return, "the kernel maps less than 2 GiB here");
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	for (i = 0; i < HOLDERS; i++) {
		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (!children[i]) {
			close(go[1]);
			hold(go[0], ready[1]);
		}
	}
	for (i = 0; i < HOLDERS; i++) {
		ASSERT_EQ(sizeof(ret), read(ready[0], &ret, sizeof(ret)));
		EXPECT_EQ(0, ret);
	}
	EXPECT_EQ(self->buffers + many, live_buffers());
	EXPECT_EQ(self->bytes + many * (long)PAGE, live_bytes());
	TH_LOG("%d buffers in %d ms", many,
	       (int)((seconds() - start) * 1000));
	start = seconds();
	close(go[1]);
	for (i = 0; i < HOLDERS; i++) {
		ASSERT_EQ(children[i], waitpid(children[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	TH_LOG("gone in %d ms", (int)((seconds() - start) * 1000));
}

#define THREADS 64
#define ROUNDS 64

struct worker {
	pthread_t thread;
	int device;
	int number;
	int error;
};

/* Each writes what nobody else does, and reads it back. */
static int work_once(struct worker *worker, unsigned int *seed)
{
	struct mapping map;
	size_t length;
	int fd, ret;

	*seed = *seed * 1103515245 + 12345;
	length = PAGE * (1 + (*seed >> 16) % 64);
	if (*seed >> 28 == 0)
		length = 3 * MIB;
	fd = buffer_open(worker->device, length,
			 cachings(*seed % cachings_count()));
	if (fd < 0)
		return fd;
	ret = buffer_map(fd, &map);
	if (!ret) {
		if (!mapping_is(&map, 0))
			ret = -EILSEQ;
		memset(map.bytes, worker->number, map.length);
		sched_yield();
		if (!mapping_is(&map, worker->number))
			ret = -EBADE;
		buffer_unmap(&map);
	}
	close(fd);
	return ret;
}

static void *work(void *data)
{
	struct worker *worker = data;
	unsigned int seed = worker->number;
	int round;

	for (round = 0; round < rounds_of(ROUNDS) && !worker->error; round++)
		worker->error = work_once(worker, &seed);
	return NULL;
}

/* Half of them share a client, and its blocks. */
TEST_F_TIMEOUT(pressure, many_threads, PATIENCE)
{
	static struct worker workers[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		workers[i].number = i + 1;
		workers[i].device = i % 2 ? self->device : bufalloc_open(NULL);
		ASSERT_LE(0, workers[i].device);
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work,
					    &workers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(0, workers[i].error);
		if (!(i % 2))
			bufalloc_close(workers[i].device);
	}
	EXPECT_EQ(0, client_bytes(self->device));
}

/*
 * Kill a process that takes 1 GiB once it has that much. Returns how far the
 * counter came after that, or -1 where it had all of it by then.
 */
static long kill_at(int device, uint32_t caching, long bytes, double *took)
{
	long before = live_bytes(), now, at_kill, most;
	pid_t child = fork();
	double start;

	if (!child) {
		buffer_open(device, GIB, caching);
		pause();
		_exit(0);
	}
	while (live_bytes() < before + bytes)
		;
	kill(child, SIGKILL);
	start = seconds();
	at_kill = live_bytes();
	now = at_kill;
	for (most = at_kill; now > before && seconds() - start < SECONDS_MAX;) {
		now = live_bytes();
		if (now > most)
			most = now;
	}
	*took = seconds() - start;
	waitpid(child, NULL, 0);
	return at_kill >= before + (long)GIB ? -1 : most - at_kill;
}

/* In no more than a few chunks of 4 MiB each, however many were wanted. */
TEST_F_TIMEOUT(pressure, SIGKILL_ends_1_GiB_at_once, PATIENCE)
{
	static const long points[] = { 4 * MIB, 256 * MIB, 700 * MIB };
	unsigned int p;
	long more;
	double took;
	int i;

	if (!machine_maps(2 * GIB))
		SKIP(return, "the kernel maps less than 2 GiB here");
	for (i = 0; i < cachings_count(); i++)
		for (p = 0; p < ARRAY_SIZE(points); p++) {
			do {
				more = kill_at(self->device, cachings(i),
					       points[p], &took);
			} while (more < 0);
			TH_LOG("caching %d, at %ld MiB: %ld MiB more, all gone in %d ms",
			       cachings(i), points[p] / (long)MIB,
			       more / (long)MIB, (int)(took * 1000));
			EXPECT_GE(64 * (long)MIB, more);
			EXPECT_GT(SECONDS_MAX, took);
			EXPECT_EQ(self->bytes, live_bytes());
		}
}

TEST_HARNESS_MAIN

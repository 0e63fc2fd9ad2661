// SPDX-License-Identifier: MIT
/*
 * Processes that share their file descriptors work against each other: one makes
 * and closes buffers behind a number, the other uses that number for all it is
 * good for. Each call works or fails as if it had been alone, what is refused is
 * never to be seen, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sched.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"

#define LENGTH (64 * KIB)
#define PAGE 4096UL
#define ROUNDS 2000
#define RW (PROT_READ | PROT_WRITE)

/* Numbers that nobody gets by chance. */
#define SLOT 900
#define DEVICE_SLOT 901

#define EDU_DRIVER "/sys/bus/pci/drivers/bufalloc-importer-edu/"

/* Counted by both processes. */
struct tally {
	int made;
	int done;
	int refused;
	int wrong;
	int error;
	bool over;
};

FIXTURE(race)
{
	int device;
	int importer;
	long bytes;
	long buffers;
	struct tally *tally;
	pid_t other;
};

FIXTURE_SETUP(race)
{
	self->bytes = live_bytes();
	self->buffers = live_buffers();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->tally = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->tally);
}

FIXTURE_TEARDOWN(race)
{
	close(self->importer);
	bufalloc_close(self->device);
	close(SLOT);
	close(DEVICE_SLOT);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
}

/* A process of its own, but for the table of file descriptors. */
static pid_t fork_with_files(void)
{
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL,
			    NULL);

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int end_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* The scheduler would let one run for long. */
static void let_others(int round)
{
	struct timespec moment = { .tv_nsec = 1000 };

	if (round % 7 == 0)
		sched_yield();
	if (round % 31 == 0)
		nanosleep(&moment, NULL);
}

/* What is done with the number, each 0 or a negative errno. */
struct rival {
	int device;
	int importer;
};

static int use_query(const struct rival *rival, int fd)
{
	struct bufalloc_query query;
	int ret = bufalloc_query(rival->device, fd, &query);

	if (ret)
		return ret;
	return query.out_length == LENGTH &&
			       query.out_state & BUFALLOC_STATE_BACKED ?
		       0 :
		       -EPROTO;
}

static int use_mmap(const struct rival *rival, int fd)
{
	unsigned char *bytes = mmap(NULL, LENGTH, RW, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		return -errno;
	/* Whoever closes it meanwhile does not take it away. */
	bytes[0]++;
	bytes[LENGTH - 1]++;
	return munmap(bytes, LENGTH) ? -errno : 0;
}

static int use_sync(const struct rival *rival, int fd)
{
	int ret = bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW);

	if (ret)
		return ret;
	/* Another one may have come in between: it takes that as well. */
	return bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW);
}

static int use_importer(const struct rival *rival, int fd)
{
	static struct importer_map map;
	int id = importer_attach(rival->importer, fd, IMPORTER_DEVICE_64);
	int ret;

	if (id < 0)
		return id;
	ret = importer_map(rival->importer, id, IMPORTER_BIDIRECTIONAL, &map);
	if (!ret)
		ret = importer_unmap(rival->importer, id);
	/* Only its own. */
	return importer_detach(rival->importer, id) ? -EPROTO : ret;
}

static int use_vmap(const struct rival *rival, int fd)
{
	struct importer_vmap vmap;

	return importer_vmap(rival->importer, fd, LENGTH - 8, &vmap);
}

static int use_close(const struct rival *rival, int fd)
{
	return close(fd) ? -errno : 0;
}

static int use_dup(const struct rival *rival, int fd)
{
	int other = dup(fd), ret;

	if (other < 0)
		return -errno;
	ret = use_query(rival, other);
	/* This number is ours alone. */
	if (close(other))
		return -EPROTO;
	return ret == -EBADF ? -EPROTO : ret;
}

static int use_name(const struct rival *rival, int fd)
{
	return bufalloc_set_name(fd, "contested");
}

static int use_length(const struct rival *rival, int fd)
{
	off_t length = lseek(fd, 0, SEEK_END);

	if (length < 0)
		return -errno;
	return length == (off_t)LENGTH ? 0 : -EPROTO;
}

FIXTURE(number)
{
	int device;
	int importer;
	long bytes;
	long buffers;
	struct tally *tally;
};

FIXTURE_VARIANT(number)
{
	int (*use)(const struct rival *rival, int fd);
};

FIXTURE_VARIANT_ADD(number, query) {
	.use = use_query,
};

FIXTURE_VARIANT_ADD(number, mmap) {
	.use = use_mmap,
};

FIXTURE_VARIANT_ADD(number, sync) {
	.use = use_sync,
};

FIXTURE_VARIANT_ADD(number, importer) {
	.use = use_importer,
};

FIXTURE_VARIANT_ADD(number, vmap) {
	.use = use_vmap,
};

FIXTURE_VARIANT_ADD(number, close) {
	.use = use_close,
};

FIXTURE_VARIANT_ADD(number, dup) {
	.use = use_dup,
};

FIXTURE_VARIANT_ADD(number, name) {
	.use = use_name,
};

FIXTURE_VARIANT_ADD(number, length) {
	.use = use_length,
};

FIXTURE_SETUP(number)
{
	self->bytes = live_bytes();
	self->buffers = live_buffers();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->tally = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->tally);
}

FIXTURE_TEARDOWN(number)
{
	close(self->importer);
	bufalloc_close(self->device);
	close(SLOT);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
}

static void count(struct tally *tally, int ret)
{
	if (!ret) {
		tally->done++;
	} else if (ret == -EBADF) {
		tally->refused++;
	} else {
		tally->wrong++;
		tally->error = -ret;
	}
}

/* A new buffer takes the number, or nothing does. */
static int replace(int device, int round)
{
	int fd = buffer_open(device, LENGTH,
			     round % 3 ? BUFALLOC_CACHING_CACHED :
					 BUFALLOC_CACHING_COHERENT);

	if (fd < 0)
		return fd;
	if (dup3(fd, SLOT, O_CLOEXEC) != SLOT)
		return -errno;
	if (close(fd))
		return -errno;
	let_others(round);
	if (round % 2)
		close(SLOT);
	return 0;
}

/*
 * They go on until somebody was in time, and somebody too late, however rare that is on
 * this machine.
 */
static bool goes_on(const struct tally *tally, int round, int rounds)
{
	bool seen = tally->done && tally->refused;

	return round < rounds_of(rounds) || (!seen && !tally->wrong);
}

/* S18: as if each call had been alone. */
TEST_F_TIMEOUT(number, works_or_is_EBADF, PATIENCE)
{
	struct rival rival = { self->device, self->importer };
	struct tally *tally = self->tally;
	int round, ret;
	pid_t other;

	other = fork_with_files();
	ASSERT_LE(0, other);
	if (!other) {
		for (round = 0; !tally->over; round++) {
			count(tally, variant->use(&rival, SLOT));
			let_others(round);
		}
		_exit(0);
	}
	for (round = 0; goes_on(tally, round, ROUNDS); round++) {
		ret = replace(self->device, round);
		ASSERT_EQ(0, ret)
		{
			tally->over = true;
		}
	}
	tally->over = true;
	EXPECT_EQ(0, end_of(other));
	TH_LOG("%d times done, %d times too late", tally->done, tally->refused);
	EXPECT_LT(0, tally->done);
	EXPECT_LT(0, tally->refused);
	EXPECT_EQ(0, tally->wrong);
	EXPECT_EQ(0, tally->error);
}

/* The same of the client's number: what was begun is finished, and charged. */
TEST_F_TIMEOUT(race, client_is_closed_while_it_allocates, PATIENCE)
{
	struct tally *tally = self->tally;
	int round, fd;

	self->other = fork_with_files();
	ASSERT_LE(0, self->other);
	if (!self->other) {
		for (round = 0; !tally->over; round++) {
			fd = buffer_open(DEVICE_SLOT, LENGTH,
					 BUFALLOC_CACHING_COHERENT);
			count(tally, fd < 0 ? fd : close(fd) ? -errno :
							       0);
			let_others(round);
		}
		_exit(0);
	}
	for (round = 0; goes_on(tally, round, ROUNDS); round++) {
		fd = bufalloc_open(NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(DEVICE_SLOT, dup3(fd, DEVICE_SLOT, O_CLOEXEC));
		close(fd);
		let_others(round);
		close(DEVICE_SLOT);
	}
	tally->over = true;
	EXPECT_EQ(0, end_of(self->other));
	TH_LOG("%d times done, %d times too late", tally->done, tally->refused);
	EXPECT_LT(0, tally->done);
	EXPECT_EQ(0, tally->wrong);
}

#define BATCH 64

struct attempt {
	struct bufalloc_request requests[BATCH];
	struct bufalloc_result results[BATCH];
	struct bufalloc_alloc call;
	int first; /* the lowest number that is free */
};

static int prepare_attempt(struct attempt *attempt, int device)
{
	int i;

	for (i = 0; i < BATCH; i++)
		attempt->requests[i] = request_of(LENGTH,
						  BUFALLOC_CACHING_CACHED);
	attempt->call = (struct bufalloc_alloc) {
		.size = sizeof(attempt->call),
		.requests = (uintptr_t)attempt->requests,
		.results = (uintptr_t)attempt->results,
		.request_size = sizeof(attempt->requests[0]),
		.result_size = sizeof(attempt->results[0]),
		.count = BATCH,
	};
	attempt->first = dup(device);
	return close(attempt->first) ? -errno : 0;
}

static int attempt_alloc(struct attempt *attempt, int device)
{
	return ioctl(device, BUFALLOC_IOCTL_ALLOC, &attempt->call) ? -errno : 0;
}

/* The last result lies where nothing can be written. */
static int spoil_attempt(struct attempt *attempt)
{
	char *pages = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);

	if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_READ))
		return -errno;
	attempt->call.results = (uintptr_t)pages + PAGE -
				(BATCH - 1) * sizeof(attempt->results[0]);
	return 0;
}

/* What is refused in the end was never to be seen, not even for a moment. */
TEST_F_TIMEOUT(race, refused_buffers_are_never_seen, PATIENCE)
{
	static struct attempt attempt;
	struct tally *tally = self->tally;
	int round, before, fd;

	ASSERT_EQ(0, prepare_attempt(&attempt, self->device));
	ASSERT_EQ(0, spoil_attempt(&attempt));
	self->other = fork_with_files();
	ASSERT_LE(0, self->other);
	if (!self->other) {
		while (!tally->over)
			for (fd = attempt.first; fd < attempt.first + BATCH;
			     fd++) {
				if (fcntl(fd, F_GETFD) >= 0)
					tally->wrong++;
				tally->done++;
			}
		_exit(0);
	}
	while (!tally->done)
		sched_yield();
	before = tally->done;
	/* And until each number was looked at meanwhile. */
	for (round = 0;
	     round < rounds_of(ROUNDS / 8) || tally->done <= before + BATCH;
	     round++) {
		/* Nothing else here may open a file: its number would be seen. */
		ASSERT_EQ(-EFAULT, attempt_alloc(&attempt, self->device));
	}
	tally->over = true;
	EXPECT_EQ(0, end_of(self->other));
	EXPECT_EQ(0, tally->wrong);
}

/* A number that was guessed is closed before it was told: that is all. */
TEST_F_TIMEOUT(race, guessed_buffers_are_whole, PATIENCE)
{
	static struct attempt attempt;
	struct rival rival = { self->device, self->importer };
	struct tally *tally = self->tally;
	int round, fd, i;

	ASSERT_EQ(0, prepare_attempt(&attempt, self->device));
	self->other = fork_with_files();
	ASSERT_LE(0, self->other);
	if (!self->other) {
		for (fd = 0; !tally->over; fd = (fd + 1) % BATCH) {
			count(tally, use_query(&rival, attempt.first + fd));
			count(tally, use_close(&rival, attempt.first + fd));
		}
		_exit(0);
	}
	for (round = 0; goes_on(tally, round, ROUNDS / 16); round++) {
		ASSERT_EQ(0, attempt_alloc(&attempt, self->device));
		for (i = 0; i < BATCH; i++)
			close(attempt.results[i].fd);
	}
	tally->over = true;
	EXPECT_EQ(0, end_of(self->other));
	TH_LOG("%d times seen, %d times not there", tally->done, tally->refused);
	EXPECT_LT(0, tally->done);
	EXPECT_EQ(0, tally->wrong);
	EXPECT_EQ(0, tally->error);
}

/* With a file of it open the module stays, however often it is asked to go. */
TEST_F_TIMEOUT(race, module_stays_while_others_come_and_go, PATIENCE)
{
	struct tally *tally = self->tally;
	int round, device, fd;

	self->other = fork();
	ASSERT_LE(0, self->other);
	if (!self->other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!tally->over) {
			device = bufalloc_open(NULL);
			fd = buffer_open(device, LENGTH,
					 BUFALLOC_CACHING_COHERENT);
			bufalloc_close(device);
			count(tally, fd < 0 ? fd : close(fd) ? -errno :
							       0);
		}
		_exit(0);
	}
	/* Nothing is ever refused there. */
	for (round = 0; round < rounds_of(ROUNDS) || (!tally->done && !tally->wrong);
	     round++) {
		ASSERT_EQ(-1, syscall(SYS_delete_module, "bufalloc",
				      O_NONBLOCK));
		ASSERT_EQ(EWOULDBLOCK, errno);
		let_others(round);
	}
	tally->over = true;
	EXPECT_EQ(0, end_of(self->other));
	EXPECT_LT(0, tally->done);
	EXPECT_EQ(0, tally->wrong);
}

/*
 * One buffer, and processes that each have a device at it, or the CPU. With an error
 * that is @missing the driver may be gone at any time.
 */
static int attach_often(int importer, int fd, uint32_t device, int missing)
{
	static struct importer_map map;
	int round, id, ret;

	for (round = 0; round < rounds_of(ROUNDS / 4); round++) {
		id = importer_attach(importer, fd, device);
		if (missing && id == missing)
			continue;
		if (id < 0)
			return 1;
		ret = missing;
		if (!missing || edus_may_leave_mapped())
			ret = importer_map(importer, id, IMPORTER_BIDIRECTIONAL,
					   &map);
		if (ret && ret != missing)
			return 2;
		if (!ret && importer_unmap(importer, id))
			return 3;
		if (importer_detach(importer, id))
			return 4;
	}
	return 0;
}

static int sync_often(int fd)
{
	struct mapping map;
	int round;

	for (round = 0; round < rounds_of(ROUNDS / 4); round++) {
		if (buffer_map(fd, &map))
			return 1;
		if (bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW))
			return 2;
		map.bytes[round * 64 % LENGTH]++;
		if (bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW))
			return 3;
		buffer_unmap(&map);
	}
	return 0;
}

/* Each process runs one of these on the same buffer. */
static int run_share(int share, int fd, uint32_t edu)
{
	int importer = importer_open();

	switch (share) {
	case 0:
		return attach_often(importer, fd, IMPORTER_DEVICE_64, 0);
	case 1:
		return attach_often(importer, fd, IMPORTER_DEVICE_64, 0);
	case 2:
		return attach_often(importer, fd, edu, -ENODEV);
	default:
		return sync_often(fd);
	}
}

#define SHARES 4

static void start_shares(pid_t *children, int fd, uint32_t edu)
{
	int share;

	for (share = 0; share < SHARES; share++) {
		children[share] = fork();
		if (!children[share]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(run_share(share, fd, edu));
		}
	}
}

/* Meanwhile the driver of one of the devices goes and comes back. */
TEST_F_TIMEOUT(race, importers_share_a_buffer_and_a_driver_leaves, PATIENCE)
{
	struct bufalloc_request request = request_of(LENGTH,
						     BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	struct bufalloc_query query;
	pid_t children[SHARES];
	struct edus edus;
	int share, round;
	char *name;

	edus_find(self->importer, &edus);
	request.dma_bits = edus_reaching(&edus);
	ASSERT_LE(1, edus.count);
	name = edus.facts[0].out_name;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));

	start_shares(children, result.fd, edus.facts[0].device);
	for (round = 0; round < 16; round++) {
		ASSERT_EQ(0, write_string(EDU_DRIVER "unbind", name));
		usleep(2000);
		ASSERT_EQ(0, write_string(EDU_DRIVER "bind", name));
		usleep(5000);
	}
	for (share = 0; share < SHARES; share++)
		EXPECT_EQ(0, end_of(children[share]));
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(0, query.out_attachments);
	close(result.fd);
}

TEST_HARNESS_MAIN

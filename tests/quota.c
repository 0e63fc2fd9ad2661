// SPDX-License-Identifier: MIT
/*
 * S5: how much one user and all users may hold, by bytes and by number: what is
 * charged, to whom, that it is refused at the limit with the limit's name, and that
 * every charge is undone once.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/quotas.h"

#define SOMEBODY 4321

struct use {
	uint64_t bytes;
	uint64_t buffers;
};

/* The limits as they were, to be put back. */
FIXTURE(quota)
{
	struct quotas before;
	struct quotas now;
	long bytes;
	long buffers;
	int device;
	uint64_t cost;
};

FIXTURE_SETUP(quota)
{
	struct bufalloc_info info;

	ASSERT_EQ(0, quotas_read(&self->before));
	self->now = self->before;
	self->bytes = live_bytes();
	self->buffers = live_buffers();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	self->cost = info.out_buffer_cost;
}

FIXTURE_TEARDOWN(quota)
{
	EXPECT_EQ(0, quotas_write(&self->before));
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
}

#define SET_LIMIT(limit, value) \
	do { \
		self->now.max[limit] = value; \
		ASSERT_EQ(0, quotas_write(&self->now)); \
	} while (0)

/* Memory without blocks costs what it is long. */
static int take(int device, size_t length, uint32_t *reason)
{
	struct bufalloc_request request =
		request_of(length, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	int ret = bufalloc_alloc(device, &request, &result, reason);

	return ret ? ret : result.fd;
}

TEST_F(quota, defaults_are_a_quarter_and_half_of_the_memory)
{
	struct bufalloc_info info;
	uint64_t ram = (uint64_t)meminfo("MemTotal") * KIB;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	/* The kernel frees a little of its own after the module was loaded. */
	EXPECT_LE(ram / 4 - MIB, info.out_user_bytes_max);
	EXPECT_GE(ram / 4, info.out_user_bytes_max);
	EXPECT_LE(ram / 2 - MIB, info.out_system_bytes_max);
	EXPECT_GE(ram / 2, info.out_system_bytes_max);
	EXPECT_EQ(65536, info.out_user_buffers_max);
	EXPECT_EQ(262144, info.out_system_buffers_max);
}

TEST_F(quota, user_bytes_are_refused_by_name)
{
	struct bufalloc_info info;
	uint32_t reason;
	int fd, more;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	SET_LIMIT(USER_BYTES, info.out_user_bytes + MIB + self->cost);
	fd = take(self->device, MIB, NULL);
	ASSERT_LE(0, fd);
	more = take(self->device, 4096, &reason);
	EXPECT_EQ(-EDQUOT, more);
	EXPECT_EQ(BUFALLOC_REASON_USER_BYTES, reason);
	close(fd);
	fd = take(self->device, MIB, NULL);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-EDQUOT, take(self->device, MIB + 4096, &reason));
	EXPECT_EQ(BUFALLOC_REASON_USER_BYTES, reason);
}

/* Small buffers may share memory, which is charged as a whole. */
TEST_F(quota, shared_memory_is_refused_by_name)
{
	struct bufalloc_request request =
		request_of(64 * KIB, machine_has_wc() ? BUFALLOC_CACHING_WC :
							BUFALLOC_CACHING_COHERENT);
	struct bufalloc_result result;
	struct bufalloc_info info;
	uint32_t reason;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	SET_LIMIT(USER_BYTES, info.out_user_bytes + 32 * KIB + self->cost);
	EXPECT_EQ(-EDQUOT, bufalloc_alloc(self->device, &request, &result,
					  &reason));
	EXPECT_EQ(BUFALLOC_REASON_USER_BYTES, reason);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
}

TEST_F(quota, user_buffers_are_refused_by_name)
{
	struct bufalloc_info info;
	uint32_t reason;
	int fd;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	SET_LIMIT(USER_BUFFERS, info.out_user_buffers + 1);
	fd = take(self->device, 4096, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EDQUOT, take(self->device, 4096, &reason));
	EXPECT_EQ(BUFALLOC_REASON_USER_BUFFERS, reason);
	close(fd);
	fd = take(self->device, 4096, NULL);
	EXPECT_LE(0, fd);
	close(fd);
}

/* What is refused is the memory, not the buffer, though that was the last one. */
TEST_F(quota, bytes_of_the_last_buffer_are_refused_by_name)
{
	struct bufalloc_info info;
	uint32_t reason;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	SET_LIMIT(USER_BUFFERS, info.out_user_buffers + 1);
	SET_LIMIT(USER_BYTES, info.out_user_bytes + 64 * KIB);
	EXPECT_EQ(-EDQUOT, take(self->device, MIB, &reason));
	EXPECT_EQ(BUFALLOC_REASON_USER_BYTES, reason);
}

TEST_F(quota, system_bytes_are_refused_by_name)
{
	uint32_t reason;

	SET_LIMIT(SYSTEM_BYTES, self->bytes + 64 * KIB);
	EXPECT_EQ(-EDQUOT, take(self->device, MIB, &reason));
	EXPECT_EQ(BUFALLOC_REASON_SYSTEM_BYTES, reason);
}

TEST_F(quota, system_buffers_are_refused_by_name)
{
	uint32_t reason;

	SET_LIMIT(SYSTEM_BUFFERS, self->buffers);
	EXPECT_EQ(-EDQUOT, take(self->device, 4096, &reason));
	EXPECT_EQ(BUFALLOC_REASON_SYSTEM_BUFFERS, reason);
}

/* A batch past the limit: the request that did not fit is named, none is made. */
TEST_F(quota, batch_names_the_request_past_the_limit)
{
	struct bufalloc_request requests[4];
	struct bufalloc_result results[4];
	uint32_t failed, reason;
	struct bufalloc_info info;
	int i;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	for (i = 0; i < 4; i++)
		requests[i] = request_of(MIB, BUFALLOC_CACHING_CACHED);
	/* The buffers are made before their memory is taken. */
	SET_LIMIT(USER_BYTES, info.out_user_bytes + 4 * self->cost + 2 * MIB + 4096);
	EXPECT_EQ(-EDQUOT, bufalloc_alloc_batch(self->device, requests, results,
						4, &failed, &reason));
	EXPECT_EQ(2, failed);
	EXPECT_EQ(BUFALLOC_REASON_USER_BYTES, reason);
	EXPECT_EQ(self->bytes, live_bytes());
}

/* Requests in one call that have room for two and a half of them. */
#define PAST 4

/* The calls of @function during an ALLOC of PAST requests past the limit, or -1. */
static long calls_during_refusal(int device, const char *function,
				 uint32_t caching, uint32_t *failed)
{
	struct bufalloc_request requests[PAST];
	struct bufalloc_result results[PAST];
	uint32_t reason;
	long hits;
	int i, ret;

	for (i = 0; i < PAST; i++)
		requests[i] = request_of(4 * MIB, caching);
	if (probe_start(function, ""))
		return -1;
	ret = bufalloc_alloc_batch(device, requests, results, PAST, failed,
				   &reason);
	hits = probe_hits();
	probe_stop();
	return ret == -EDQUOT && reason == BUFALLOC_REASON_USER_BYTES ? hits :
									-1;
}

/* Nobody misses memory meanwhile: none is asked for. */
TEST_F(quota, refused_set_takes_nothing)
{
	struct bufalloc_info info;
	uint32_t failed = 0;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	SET_LIMIT(USER_BYTES,
		  info.out_user_bytes + PAST * self->cost + 10 * MIB);
	EXPECT_EQ(0, calls_during_refusal(self->device, "dma_alloc_pages",
					  BUFALLOC_CACHING_CACHED, &failed));
	EXPECT_EQ(2, failed);
	EXPECT_EQ(0, calls_during_refusal(self->device, "dma_alloc_attrs",
					  BUFALLOC_CACHING_COHERENT, &failed));
	EXPECT_EQ(2, failed);
	if (!machine_has_wc())
		return;
	EXPECT_EQ(0, calls_during_refusal(self->device, "dma_alloc_attrs",
					  BUFALLOC_CACHING_WC, &failed));
	EXPECT_EQ(2, failed);
}

/* A piece of memory that is charged already fits where nothing else does. */
TEST_F(quota, room_of_a_block_is_no_new_memory)
{
	uint32_t caching = machine_has_wc() ? BUFALLOC_CACHING_WC :
					      BUFALLOC_CACHING_COHERENT;
	bool carved = machine_has_wc() && machine_types_memory();
	struct bufalloc_info info;
	int fd, more;

	fd = buffer_open(self->device, 64 * KIB, caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	/* Room for the record of one more buffer, and for no memory. */
	SET_LIMIT(USER_BYTES, info.out_user_bytes + 2 * self->cost);
	more = buffer_open(self->device, MIB, caching);
	EXPECT_EQ(carved ? 0 : -EDQUOT, more < 0 ? more : 0);
	close(more);
	EXPECT_EQ(-EDQUOT, buffer_open(self->device, 2 * MIB, caching));
	close(fd);
}

/* A new block is past the limit, and the buffer itself is not: small chunks will do. */
TEST_F(quota, block_past_the_limit_is_no_refusal)
{
	struct bufalloc_request request = request_of(64 * KIB, BUFALLOC_CACHING_COHERENT);
	struct bufalloc_info before, after;
	struct bufalloc_result result;

	if (machine_has_wc())
		request.caching = BUFALLOC_CACHING_WC;
	ASSERT_EQ(0, bufalloc_get_info(self->device, &before));
	SET_LIMIT(USER_BYTES, before.out_user_bytes + 2 * (self->cost + 64 * KIB));
	result.fd = -1;
	EXPECT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(0, bufalloc_get_info(self->device, &after));
	EXPECT_EQ(64 * KIB, after.out_client_bytes - before.out_client_bytes);
	close(result.fd);
	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	result.fd = -1;
	EXPECT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	close(result.fd);
}

/* Free ranges of two blocks serve a request that is as long as a block. */
TEST_F(quota, free_ranges_of_blocks_are_no_new_memory)
{
	uint32_t caching = machine_has_wc() ? BUFALLOC_CACHING_WC : BUFALLOC_CACHING_COHERENT;
	bool carved = machine_has_wc() && machine_types_memory();
	struct bufalloc_info info;
	int fds[4], i, fd;

	for (i = 0; i < 4; i++) {
		fds[i] = buffer_open(self->device, MIB, caching);
		ASSERT_LE(0, fds[i]);
	}
	close(fds[0]);
	close(fds[2]);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(carved ? 4 * MIB : 2 * MIB, info.out_client_bytes);
	SET_LIMIT(USER_BYTES, info.out_user_bytes +
				      (info.out_user_buffers + 1) * self->cost);
	fd = buffer_open(self->device, 2 * MIB, caching);
	EXPECT_EQ(carved ? 0 : -EDQUOT, fd < 0 ? fd : 0);
	close(fd);
	close(fds[1]);
	close(fds[3]);
}

/* A limit that is lowered takes nothing away, and refuses from then on. */
TEST_F(quota, lowered_limit_leaves_what_there_is)
{
	int fd = take(self->device, MIB, NULL);

	ASSERT_LE(0, fd);
	SET_LIMIT(USER_BYTES, 1);
	EXPECT_EQ(self->bytes + (long)MIB, live_bytes());
	EXPECT_EQ(-EDQUOT, take(self->device, 4096, NULL));
	close(fd);
	EXPECT_EQ(self->bytes, live_bytes());
}

/* What a user holds, asked by itself in a process of its own; -1 if it cannot. */
static int held_by(uid_t uid, struct use *use)
{
	struct bufalloc_info info;
	int pipes[2], status;
	pid_t child;

	if (pipe(pipes))
		return -1;
	child = fork();
	if (!child) {
		if (setresuid(uid, uid, uid) ||
		    bufalloc_get_info(bufalloc_open(NULL), &info))
			_exit(1);
		use->bytes = info.out_user_bytes;
		use->buffers = info.out_user_buffers;
		_exit(write(pipes[1], use, sizeof(*use)) != sizeof(*use));
	}
	waitpid(child, &status, 0);
	if (!status && read(pipes[0], use, sizeof(*use)) != sizeof(*use))
		status = -1;
	close(pipes[0]);
	close(pipes[1]);
	return status ? -1 : 0;
}

#define EXPECT_HELD(uid, bytes_, buffers_) \
	do { \
		struct use use_ = { 0 }; \
		EXPECT_EQ(0, held_by(uid, &use_)); \
		EXPECT_EQ(bytes_, use_.bytes); \
		EXPECT_EQ(buffers_, use_.buffers); \
	} while (0)

/* What one user holds is not another's. */
TEST_F(quota, users_are_told_apart)
{
	int fd = take(self->device, MIB, NULL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, chmod("/dev/bufalloc", 0666));
	EXPECT_HELD(SOMEBODY, 0, 0);
	EXPECT_EQ(0, chmod("/dev/bufalloc", 0600));
	close(fd);
}

/* Two clients of one user share its limit. */
TEST_F(quota, clients_of_a_user_count_together)
{
	struct bufalloc_info info;
	int second = bufalloc_open(NULL);
	int fd;

	ASSERT_LE(0, second);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	SET_LIMIT(USER_BYTES, info.out_user_bytes + MIB + self->cost);
	fd = take(second, MIB, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EDQUOT, take(self->device, 4096, NULL));
	close(fd);
	close(second);
}

/* The device that was opened decides, not who uses it. */
TEST_F(quota, charge_stays_with_who_opened)
{
	struct bufalloc_info before, during;
	pid_t child;
	int pipes[2], told[2], status;
	char byte;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, bufalloc_get_info(self->device, &before));
	child = fork();
	if (!child) {
		close(pipes[1]);
		if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) ||
		    take(self->device, MIB, NULL) < 0)
			_exit(1);
		if (write(told[1], "t", 1) != 1)
			_exit(2);
		_exit(read(pipes[0], &byte, 1) != 0);
	}
	close(pipes[0]);
	ASSERT_EQ(1, read(told[0], &byte, 1));
	ASSERT_EQ(0, bufalloc_get_info(self->device, &during));
	EXPECT_EQ(before.out_user_bytes + MIB, during.out_user_bytes);
	EXPECT_EQ(before.out_user_buffers + 1, during.out_user_buffers);
	close(pipes[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	close(told[0]);
	close(told[1]);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &during));
	EXPECT_EQ(before.out_user_bytes, during.out_user_bytes);
}

static int map_ids(pid_t process, const char *file, const char *map)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", process, file);
	return write_string(path, map);
}

/* As another id of the same container: there is no quota of its own. */
static int contained_too(int turn)
{
	uint32_t reason = 0;
	int device, ret;
	char byte;

	if (read(turn, &byte, 1) != 1 || setresuid(8, 8, 8))
		return 1;
	device = bufalloc_open(NULL);
	if (device < 0)
		return 2;
	ret = take(device, 4096, &reason);
	return ret != -EDQUOT || reason != BUFALLOC_REASON_USER_BYTES;
}

/*
 * In a user namespace of SOMEBODY, as an id that the namespace maps to another one
 * outside: takes 1 MiB, sees whether another id gets more, tells, and waits.
 */
static int contained(int ready, int mapped, int done)
{
	int turn[2], device, status;
	pid_t other;
	char byte;

	if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) || unshare(CLONE_NEWUSER))
		return 1;
	if (write(ready, "u", 1) != 1 || read(mapped, &byte, 1) != 1)
		return 2;
	if (pipe(turn))
		return 7;
	other = fork();
	if (!other)
		_exit(contained_too(turn[0]));
	/* 7 in there is 100007 out here. */
	if (setresuid(7, 7, 7))
		return 3;
	device = bufalloc_open(NULL);
	if (device < 0)
		return 4;
	if (take(device, MIB, NULL) < 0)
		return 5;
	if (write(turn[1], "t", 1) != 1 || waitpid(other, &status, 0) != other)
		return 6;
	if (status)
		return 8;
	if (write(ready, "t", 1) != 1)
		return 6;
	return read(done, &byte, 1) != 0;
}

/* The owner of a user namespace pays for what all its ids hold. */
TEST_F(quota, containers_count_for_their_owner)
{
	int ready[2], mapped[2], done[2], status;
	pid_t child;
	char byte;

	ASSERT_EQ(0, chmod("/dev/bufalloc", 0666));
	SET_LIMIT(USER_BYTES, MIB + self->cost);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(mapped));
	ASSERT_EQ(0, pipe(done));
	child = fork();
	if (!child) {
		close(done[1]);
		_exit(contained(ready[1], mapped[0], done[0]));
	}
	close(done[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, map_ids(child, "uid_map", "0 100000 65536"));
	ASSERT_EQ(1, write(mapped[1], "m", 1));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_HELD(SOMEBODY, MIB, 1);
	EXPECT_HELD(100007, MIB, 1);
	EXPECT_HELD(100008, 0, 0);
	close(done[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_HELD(SOMEBODY, 0, 0);
	EXPECT_EQ(0, chmod("/dev/bufalloc", 0600));
	close(ready[0]);
	close(ready[1]);
	close(mapped[0]);
	close(mapped[1]);
}

/*
 * SOMEBODY takes two buffers. An id of a user namespace of his asks for another one,
 * and is told that he is the one who has no more.
 */
static int contained_by_full(int ready, int mapped)
{
	struct bufalloc_info info;
	uint32_t reason = 0;
	char byte;
	int device;

	if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) ||
	    take(bufalloc_open(NULL), 4096, NULL) < 0 ||
	    take(bufalloc_open(NULL), 4096, NULL) < 0 || unshare(CLONE_NEWUSER))
		return 1;
	if (write(ready, "u", 1) != 1 || read(mapped, &byte, 1) != 1)
		return 2;
	if (setresuid(7, 7, 7))
		return 3;
	device = bufalloc_open(NULL);
	if (device < 0)
		return 4;
	if (take(device, 4096, &reason) != -EDQUOT ||
	    reason != BUFALLOC_REASON_USER_BUFFERS)
		return 5;
	if (bufalloc_get_info(device, &info))
		return 6;
	return info.out_user_buffers != 2 || info.out_client_buffers;
}

/* Though the id itself has less room for bytes, by what it took outside. */
TEST_F(quota, containers_are_told_of_an_owner_who_is_full)
{
	int ready[2], mapped[2], outside, fd, status;
	pid_t child;
	char byte;

	ASSERT_EQ(0, chmod("/dev/bufalloc", 0666));
	SET_LIMIT(USER_BUFFERS, 2);
	ASSERT_EQ(0, setresuid(100007, 0, 0));
	outside = bufalloc_open(NULL);
	ASSERT_EQ(0, setresuid(0, 0, 0));
	fd = take(outside, MIB, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(mapped));
	child = fork();
	if (!child)
		_exit(contained_by_full(ready[1], mapped[0]));
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, map_ids(child, "uid_map", "0 100000 65536"));
	ASSERT_EQ(1, write(mapped[1], "m", 1));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, chmod("/dev/bufalloc", 0600));
	close(fd);
	bufalloc_close(outside);
	close(ready[0]);
	close(mapped[0]);
	close(mapped[1]);
}

TEST_HARNESS_MAIN

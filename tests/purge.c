// SPDX-License-Identifier: MIT
/*
 * Buffers that nobody needs for now: the kernel takes their memory when it has run out,
 * and whoever needs them again is told. Nobody is left with a mapping of what was taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/blocked.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define PAGE 4096UL
#define LENGTH (8 * MIB)
#define RW (PROT_READ | PROT_WRITE)
#define DROP_CACHES "/proc/sys/vm/drop_caches"

FIXTURE(purge)
{
	int device;
	int importer;
	int fd;
	long bytes;
	long kills;
};

FIXTURE_VARIANT(purge)
{
	uint32_t caching;
	uint32_t flags;
	size_t length;
};

FIXTURE_VARIANT_ADD(purge, wc) {
	.caching = BUFALLOC_CACHING_WC,
	.length = LENGTH,
};

/* Of a block that another buffer has a part of. */
FIXTURE_VARIANT_ADD(purge, small) {
	.caching = BUFALLOC_CACHING_WC,
	.length = 64 * KIB,
};

FIXTURE_VARIANT_ADD(purge, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.length = LENGTH,
};

FIXTURE_VARIANT_ADD(purge, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.length = LENGTH,
};

FIXTURE_VARIANT_ADD(purge, deferred) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.flags = BUFALLOC_ALLOC_DEFERRED,
	.length = LENGTH,
};

FIXTURE_VARIANT_ADD(purge, pageable) {
	.caching = BUFALLOC_CACHING_CACHED,
	.flags = BUFALLOC_ALLOC_PAGEABLE,
	.length = LENGTH,
};

static int open_as(int device, const FIXTURE_VARIANT(purge) * variant,
		   uint32_t fd_flags)
{
	struct bufalloc_request request = request_of(variant->length,
						     variant->caching);
	struct bufalloc_result result;
	int ret;

	request.flags = variant->flags;
	request.fd_flags = fd_flags | O_CLOEXEC;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

static int open_pageable(int device)
{
	struct bufalloc_request request = request_of(LENGTH,
						     BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_PAGEABLE;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

FIXTURE_SETUP(purge)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->kills = vmstat("oom_kill");
	/* No word of each in the log. */
	ASSERT_EQ(0, write_string(DROP_CACHES, "4"));
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = open_as(self->device, variant, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(purge)
{
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
}

static uint32_t state(int device, int fd)
{
	struct bufalloc_query query;

	return bufalloc_query(device, fd, &query) ? 0 : query.out_state;
}

static int dontneed(int device, int fd)
{
	return bufalloc_advise(device, fd, BUFALLOC_ADVICE_DONTNEED, NULL);
}

/* 1 or 0, or a negative errno. */
static int willneed(int device, int fd)
{
	uint32_t retained = 2;
	int ret = bufalloc_advise(device, fd, BUFALLOC_ADVICE_WILLNEED, &retained);

	return ret ? ret : (int)retained;
}

/* As if there were no memory left, for all that can give some back. */
static int press(void)
{
	return write_string(DROP_CACHES, "2");
}

static int fill(int fd, unsigned char byte)
{
	struct mapping mapping;
	int ret = buffer_map(fd, &mapping);

	if (!ret) {
		memset(mapping.bytes, byte, mapping.length);
		buffer_unmap(&mapping);
	}
	return ret;
}

static bool is_filled(int fd, unsigned char byte)
{
	struct mapping mapping;
	bool same;

	if (buffer_map(fd, &mapping))
		return false;
	same = mapping_is(&mapping, byte);
	buffer_unmap(&mapping);
	return same;
}

TEST_F(purge, stays_where_there_is_enough)
{
	struct bufalloc_info info;
	uint32_t retained = 2;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_TRUE(info.out_features & BUFALLOC_FEATURE_PURGEABLE);
	ASSERT_EQ(0, fill(self->fd, 0x11));
	ASSERT_EQ(0, bufalloc_advise(self->device, self->fd,
				     BUFALLOC_ADVICE_DONTNEED, &retained));
	EXPECT_EQ(1, retained);
	EXPECT_TRUE(state(self->device, self->fd) & BUFALLOC_STATE_DONTNEED);
	EXPECT_TRUE(state(self->device, self->fd) & BUFALLOC_STATE_BACKED);
	EXPECT_EQ(1, willneed(self->device, self->fd));
	EXPECT_FALSE(state(self->device, self->fd) & BUFALLOC_STATE_DONTNEED);
	EXPECT_TRUE(is_filled(self->fd, 0x11));
	/* What is needed is not taken. */
	ASSERT_EQ(0, press());
	EXPECT_EQ(1, willneed(self->device, self->fd));
	EXPECT_TRUE(is_filled(self->fd, 0x11));
}

TEST_F(purge, goes_and_is_told)
{
	struct bufalloc_query query;
	uint32_t retained = 2;

	ASSERT_EQ(0, fill(self->fd, 0x22));
	EXPECT_LT(0, client_bytes(self->device));
	ASSERT_EQ(0, dontneed(self->device, self->fd));
	ASSERT_EQ(0, press());
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(BUFALLOC_STATE_DONTNEED | BUFALLOC_STATE_PURGED,
		  query.out_state & ~BUFALLOC_STATE_PAGEABLE);
	EXPECT_EQ(0, query.out_resident);
	EXPECT_EQ(0, query.out_chunks);
	EXPECT_EQ(0, query.out_segments);
	EXPECT_EQ(variant->length, query.out_length);
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
	EXPECT_EQ(0, client_bytes(self->device));

	/* Saying it again changes nothing. */
	EXPECT_EQ(0, bufalloc_advise(self->device, self->fd,
				     BUFALLOC_ADVICE_DONTNEED, &retained));
	EXPECT_EQ(0, retained);
	EXPECT_EQ(0, willneed(self->device, self->fd));
	EXPECT_EQ(0, willneed(self->device, self->fd));
	EXPECT_EQ(BUFALLOC_STATE_PURGED,
		  state(self->device, self->fd) & ~BUFALLOC_STATE_PAGEABLE);

	EXPECT_TRUE(is_filled(self->fd, 0));
	EXPECT_TRUE(state(self->device, self->fd) & BUFALLOC_STATE_BACKED);
	EXPECT_FALSE(state(self->device, self->fd) & BUFALLOC_STATE_PURGED);
	EXPECT_EQ(1, willneed(self->device, self->fd));
	EXPECT_LT(0, client_bytes(self->device));
	ASSERT_EQ(0, fill(self->fd, 0x23));
	EXPECT_TRUE(is_filled(self->fd, 0x23));
}

/* Another buffer of the same block is none of its business. */
TEST_F(purge, others_keep_theirs)
{
	int other = open_as(self->device, variant, O_RDWR);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, fill(self->fd, 0x31));
	ASSERT_EQ(0, fill(other, 0x32));
	ASSERT_EQ(0, dontneed(self->device, self->fd));
	ASSERT_EQ(0, press());
	EXPECT_EQ(0, willneed(self->device, self->fd));
	EXPECT_EQ(1, willneed(self->device, other));
	EXPECT_TRUE(is_filled(other, 0x32));
	EXPECT_TRUE(is_filled(self->fd, 0));
	close(other);
}

static int advise_reason(int device, int fd, uint32_t advice, uint32_t *reason)
{
	struct bufalloc_advise advise = {
		.size = sizeof(advise),
		.fd = fd,
		.advice = advice,
	};
	int ret = ioctl(device, BUFALLOC_IOCTL_ADVISE, &advise) ? -errno : 0;

	*reason = advise.out_reason;
	return ret;
}

TEST_F(purge, what_the_cpu_has_mapped_is_busy)
{
	struct mapping mapping;
	uint32_t reason = 0;
	int status;
	pid_t child;

	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	memset(mapping.bytes, 0x41, mapping.length);
	EXPECT_EQ(-EBUSY, advise_reason(self->device, self->fd,
					BUFALLOC_ADVICE_DONTNEED, &reason));
	EXPECT_EQ(BUFALLOC_REASON_BUSY, reason);
	EXPECT_FALSE(state(self->device, self->fd) & BUFALLOC_STATE_DONTNEED);
	ASSERT_EQ(0, press());
	EXPECT_TRUE(mapping_is(&mapping, 0x41));

	/* A part is enough, and so is one that a child has. */
	munmap(mapping.bytes + PAGE, PAGE);
	munmap(mapping.bytes, PAGE);
	EXPECT_EQ(-EBUSY, dontneed(self->device, self->fd));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		pause();
		_exit(0);
	}
	munmap(mapping.bytes, mapping.length);
	EXPECT_EQ(-EBUSY, dontneed(self->device, self->fd));
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, dontneed(self->device, self->fd));
}

/* From attach to detach: the importer may map at any time between. */
TEST_F(purge, what_a_device_is_attached_to_is_busy)
{
	static struct importer_map map;
	uint32_t reason = 0;
	int id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);

	ASSERT_LE(0, id);
	EXPECT_EQ(-EBUSY, dontneed(self->device, self->fd));
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_EQ(-EBUSY, dontneed(self->device, self->fd));
	ASSERT_EQ(0, importer_unmap(self->importer, id));
	EXPECT_EQ(-EBUSY, advise_reason(self->device, self->fd,
					BUFALLOC_ADVICE_DONTNEED, &reason));
	EXPECT_EQ(BUFALLOC_REASON_BUSY, reason);
	EXPECT_FALSE(state(self->device, self->fd) & BUFALLOC_STATE_DONTNEED);
	ASSERT_EQ(0, importer_detach(self->importer, id));
	EXPECT_EQ(0, dontneed(self->device, self->fd));
}

TEST_F(purge, what_is_not_needed_cannot_be_used)
{
	static struct importer_map map;
	struct bufalloc_query query;
	uint32_t failed, reason = 0;
	uint64_t value;
	int late;

	ASSERT_EQ(0, fill(self->fd, 0x51));
	ASSERT_EQ(0, dontneed(self->device, self->fd));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-EBUSY, importer_attach(self->importer, self->fd,
					  IMPORTER_DEVICE_64));
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(BUFALLOC_REASON_PURGED, query.out_refusal);
	EXPECT_EQ(0, query.out_attachments);
	EXPECT_EQ(-EBUSY, importer_vmap_bare(self->importer, self->fd));
	EXPECT_EQ(-EBUSY, bufalloc_commit(self->device, &self->fd, 1, &failed,
					  &reason));
	EXPECT_EQ(0, failed);
	EXPECT_EQ(BUFALLOC_REASON_PURGED, reason);

	EXPECT_EQ(1, willneed(self->device, self->fd));
	late = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, late);
	ASSERT_EQ(0, importer_map(self->importer, late, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, importer_peek(self->importer, late, 8, &value));
	EXPECT_EQ(0x5151515151515151ULL, value);
	EXPECT_EQ(0, bufalloc_commit(self->device, &self->fd, 1, &failed, &reason));
}

/* Nothing is kept of where the memory was. */
TEST_F(purge, devices_find_the_new_memory)
{
	const size_t length = IMPORTER_DMA_MAX;
	static struct importer_map map;
	struct mapping mapping;
	struct edus edus;
	int i, ids[IMPORTER_EDUS_MAX];

	edus_find(self->importer, &edus);
	ASSERT_LT(0, edus.count);
	ASSERT_EQ(0, fill(self->fd, 0x61));
	for (i = 0; i < edus.count; i++) {
		ids[i] = importer_attach(self->importer, self->fd,
					 edus.facts[i].device);
		ASSERT_LE(0, ids[i]);
		ASSERT_EQ(0, importer_map(self->importer, ids[i],
					  IMPORTER_BIDIRECTIONAL, &map));
		ASSERT_EQ(0, importer_detach(self->importer, ids[i]));
	}
	ASSERT_EQ(0, dontneed(self->device, self->fd));
	ASSERT_EQ(0, press());
	/* Somebody else has it by now. */
	ASSERT_EQ(0, memory_dirty(self->device, BUFALLOC_CACHING_CACHED, MIB,
				  32 * MIB, 0x77));
	ASSERT_EQ(0, willneed(self->device, self->fd));

	for (i = 0; i < edus.count; i++) {
		ids[i] = importer_attach(self->importer, self->fd,
					 edus.facts[i].device);
		ASSERT_LE(0, ids[i]);
		ASSERT_EQ(0, fill(self->fd, 0x62 + i));
		ASSERT_EQ(0, buffer_map(self->fd, &mapping));
		memset(mapping.bytes + 8 * KIB, 0, length);
		buffer_unmap(&mapping);
		/* What is missing there now the device brings. */
		ASSERT_EQ(0, importer_map(self->importer, ids[i],
					  IMPORTER_BIDIRECTIONAL, &map));
		ASSERT_EQ(0, importer_dma(self->importer, ids[i],
					  IMPORTER_TO_DEVICE, 0, length));
		ASSERT_EQ(0, importer_dma(self->importer, ids[i],
					  IMPORTER_FROM_DEVICE, 8 * KIB, length));
		ASSERT_EQ(0, importer_unmap(self->importer, ids[i]));
		ASSERT_EQ(0, buffer_map(self->fd, &mapping));
		EXPECT_TRUE(mapping_is(&mapping, 0x62 + i));
		buffer_unmap(&mapping);
	}
}

TEST_F(purge, takes_who_can_write)
{
	struct bufalloc_advise unknown = {
		.size = sizeof(unknown),
		.fd = self->fd,
		.advice = 2,
		.out_retained = 1,
	};
	int fd = open_as(self->device, variant, O_RDONLY);
	uint32_t reason;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, dontneed(self->device, fd));
	EXPECT_FALSE(state(self->device, fd) & BUFALLOC_STATE_DONTNEED);
	EXPECT_EQ(1, willneed(self->device, fd));
	close(fd);
	EXPECT_EQ(-EBADF, advise_reason(self->device, fd,
					BUFALLOC_ADVICE_DONTNEED, &reason));
	EXPECT_EQ(BUFALLOC_REASON_FD, reason);
	EXPECT_EQ(-EINVAL, advise_reason(self->device, self->device,
					 BUFALLOC_ADVICE_DONTNEED, &reason));
	EXPECT_EQ(BUFALLOC_REASON_FD, reason);
	EXPECT_EQ(-1, ioctl(self->device, BUFALLOC_IOCTL_ADVISE, &unknown));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, unknown.out_retained);
}

/* Whether it was taken or not. */
TEST_F(purge, is_closed_like_others)
{
	int fds[2], i;

	for (i = 0; i < 2; i++) {
		fds[i] = open_as(self->device, variant, O_RDWR);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, fill(fds[i], 1));
		ASSERT_EQ(0, dontneed(self->device, fds[i]));
		if (i == 0)
			ASSERT_EQ(0, press());
	}
	EXPECT_TRUE(state(self->device, fds[0]) & BUFALLOC_STATE_PURGED);
	EXPECT_FALSE(state(self->device, fds[1]) & BUFALLOC_STATE_PURGED);
	for (i = 0; i < 2; i++)
		close(fds[i]);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
	ASSERT_EQ(0, press());
}

#define MANY 1000

/* Programs use up the memory, and get what buffers need not have: the oldest first. */
TEST_F_TIMEOUT(purge, goes_when_memory_runs_out, PATIENCE)
{
	size_t length = meminfo("MemTotal") * KIB, used;
	int count = 128 * MIB / variant->length;
	int i, kept = 0, gone = 0;
	static int fds[MANY];
	char *bytes;

	if (count > MANY)
		count = MANY;
	for (i = 0; i < count; i++) {
		fds[i] = open_as(self->device, variant, O_RDWR);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, fill(fds[i], i % 255 + 1));
		ASSERT_EQ(0, dontneed(self->device, fds[i]));
	}
	bytes = mmap(NULL, length, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, bytes);
	for (used = 0; used + MIB <= length; used += MIB) {
		if (state(self->device, fds[0]) & BUFALLOC_STATE_PURGED)
			break;
		memset(bytes + used, 1, MIB);
	}
	TH_LOG("the first goes after %zu MiB, %ld are left", used / MIB,
	       meminfo("MemFree") / (long)KIB);
	munmap(bytes, length);
	/* The newest first: one that goes meanwhile has not been looked at yet. */
	for (i = count; i-- > 0;) {
		if (willneed(self->device, fds[i])) {
			EXPECT_EQ(0, gone);
			kept++;
			EXPECT_TRUE(is_filled(fds[i], i % 255 + 1));
		} else {
			gone++;
		}
		close(fds[i]);
	}
	TH_LOG("%d of %d went", gone, count);
	EXPECT_LT(0, gone);
}

#define THREADS 4
#define ROUNDS 400

struct user {
	pthread_t thread;
	int device;
	int *fds;
	unsigned int seed;
	int error;
	int lost;
	int kept;
};

static int use_once(struct user *user)
{
	struct mapping mapping;
	int fd, ret;

	user->seed = user->seed * 1103515245 + 12345;
	fd = user->fds[(user->seed >> 16) % THREADS];
	ret = dontneed(user->device, fd);
	if (ret && ret != -EBUSY)
		return ret;
	if (user->seed & 0x100)
		sched_yield();
	ret = willneed(user->device, fd);
	if (ret < 0)
		return ret;
	if (ret)
		user->kept++;
	else
		user->lost++;
	ret = buffer_map(fd, &mapping);
	if (ret)
		return ret == -EBUSY ? 0 : ret;
	/* All that anybody ever wrote there, or zero. */
	if (mapping.bytes[0] && mapping.bytes[0] != 0x99)
		return -EILSEQ;
	memset(mapping.bytes, 0x99, mapping.length);
	sched_yield();
	/* A mapping is never emptied. */
	ret = mapping_is(&mapping, 0x99) ? 0 : -EBADE;
	buffer_unmap(&mapping);
	return ret;
}

static void *use(void *data)
{
	struct user *user = data;
	int round;

	for (round = 0; round < rounds_of(ROUNDS) && !user->error; round++)
		user->error = use_once(user);
	return NULL;
}

static void *press_on(void *data)
{
	while (!__atomic_load_n((int *)data, __ATOMIC_RELAXED)) {
		press();
		/* Others need the processor, too. */
		usleep(1000);
	}
	return NULL;
}

TEST_F_TIMEOUT(purge, races_with_its_users, PATIENCE)
{
	struct user users[THREADS] = { 0 };
	int fds[THREADS], i, done = 0;
	pthread_t presser;

	for (i = 0; i < THREADS; i++) {
		fds[i] = open_as(self->device, variant, O_RDWR);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, pthread_create(&presser, NULL, press_on, &done));
	for (i = 0; i < THREADS; i++) {
		users[i].device = self->device;
		users[i].fds = fds;
		users[i].seed = i + 1;
		ASSERT_EQ(0, pthread_create(&users[i].thread, NULL, use, &users[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(users[i].thread, NULL));
		EXPECT_EQ(0, users[i].error);
		TH_LOG("kept %d, lost %d", users[i].kept, users[i].lost);
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	pthread_join(presser, NULL);
	for (i = 0; i < THREADS; i++)
		close(fds[i]);
}

/* Whether a child ends by itself, and well. One that hangs ends when its page is free. */
static bool ends_in_time(pid_t child)
{
	int i, status = -1;

	for (i = 0; i < 6000; i++) {
		if (waitpid(child, &status, WNOHANG))
			return !status;
		usleep(10000);
	}
	return false;
}

FIXTURE(locked)
{
	int device;
	int importer;
	int fd; /* a page of it is locked */
	long bytes;
	struct quotas quotas;
};

/* As a page that is being migrated: who locked it may be the one who needs memory. */
FIXTURE_SETUP(locked)
{
	struct mapping mapping;

	ASSERT_EQ(0, write_string(DROP_CACHES, "4"));
	ASSERT_EQ(0, quotas_read(&self->quotas));
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = open_pageable(self->device);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	memset(mapping.bytes, 0x81, mapping.length);
	ASSERT_EQ(0, importer_busy(self->importer, mapping.bytes));
	buffer_unmap(&mapping);
	ASSERT_EQ(0, dontneed(self->device, self->fd));
}

FIXTURE_TEARDOWN(locked)
{
	importer_busy(self->importer, NULL);
	quotas_write(&self->quotas);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
}

/* What hangs is ended by unlocking the page, so that the test fails and no more. */
static bool press_ends(int importer)
{
	pid_t child = fork();
	bool ends;

	if (!child)
		_exit(press() ? 1 : 0);
	ends = ends_in_time(child);
	if (!ends) {
		importer_busy(importer, NULL);
		waitpid(child, NULL, 0);
	}
	return ends;
}

TEST_F(locked, page_does_not_stop_the_shrinker)
{
	int other = open_pageable(self->device);
	uint64_t bytes;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, fill(other, 0x82));
	ASSERT_EQ(0, dontneed(self->device, other));
	bytes = client_bytes(self->device);
	ASSERT_TRUE(press_ends(self->importer));
	EXPECT_TRUE(state(self->device, self->fd) & BUFALLOC_STATE_PURGED);
	EXPECT_TRUE(state(self->device, other) & BUFALLOC_STATE_PURGED);
	/* The other's memory is free, and this one's counts until it is. */
	EXPECT_EQ(self->bytes + (long)LENGTH, settled_bytes(self->bytes + LENGTH));
	EXPECT_EQ(bytes - LENGTH, client_bytes(self->device));
	ASSERT_EQ(0, importer_busy(self->importer, NULL));
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
	EXPECT_EQ(0, willneed(self->device, self->fd));
	EXPECT_TRUE(is_filled(self->fd, 0));
	close(other);
}

/* Until what was taken first is free, no more is taken from the same buffer. */
TEST_F(locked, buffer_gets_new_memory_meanwhile)
{
	ASSERT_TRUE(press_ends(self->importer));
	EXPECT_EQ(0, willneed(self->device, self->fd));
	ASSERT_EQ(0, fill(self->fd, 0x83));
	EXPECT_EQ(self->bytes + 2 * (long)LENGTH, live_bytes());
	ASSERT_EQ(0, dontneed(self->device, self->fd));
	ASSERT_TRUE(press_ends(self->importer));
	EXPECT_EQ(1, willneed(self->device, self->fd));
	EXPECT_TRUE(is_filled(self->fd, 0x83));
	ASSERT_EQ(0, dontneed(self->device, self->fd));
	ASSERT_EQ(0, importer_busy(self->importer, NULL));
	EXPECT_EQ(self->bytes + (long)LENGTH, settled_bytes(self->bytes + LENGTH));
	ASSERT_EQ(0, press());
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
	EXPECT_EQ(0, willneed(self->device, self->fd));
}

/* The memory outlives its buffer and the file that it was allocated with. */
TEST_F(locked, buffer_is_closed_meanwhile)
{
	ASSERT_TRUE(press_ends(self->importer));
	close(self->fd);
	self->fd = -1;
	bufalloc_close(self->device);
	self->device = -1;
	EXPECT_EQ(self->bytes + (long)LENGTH, live_bytes());
	ASSERT_EQ(0, importer_busy(self->importer, NULL));
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
}

static int open_small(int device)
{
	return buffer_open(device, PAGE, BUFALLOC_CACHING_CACHED);
}

#define USER_MEMORY "/sys/module/bufalloc/parameters/user_memory"

static int open_of_process(int device)
{
	struct bufalloc_request request = request_of(LENGTH,
						     BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	void *pages = mmap(NULL, LENGTH, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	request.flags = BUFALLOC_ALLOC_USER_MEMORY;
	request.address = (uintptr_t)pages;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

/* From now on @room bytes can be had, and those that are not free yet. */
static int leave_room(int device, const struct quotas *before, size_t room)
{
	struct quotas quotas = *before;
	struct bufalloc_info info;
	int ret = bufalloc_get_info(device, &info);

	if (ret)
		return ret;
	quotas.max[SYSTEM_BYTES] = info.out_system_bytes + room +
				   info.out_system_buffers * info.out_buffer_cost;
	return quotas_write(&quotas);
}

static pid_t open_in_child(int device, int importer, int (*take)(int device))
{
	pid_t child = fork();

	if (!child) {
		close(importer);
		_exit(take(device) < 0);
	}
	return child;
}

/* Whether who would be refused waits for the memory that is not free yet, and gets it. */
#define EXPECT_WAITED_FOR(room, take) \
	do { \
		int status = -1; \
		pid_t child; \
		bool ends; \
\
		ASSERT_TRUE(press_ends(self->importer)); \
		ASSERT_EQ(0, leave_room(self->device, &self->quotas, room)); \
		child = open_in_child(self->device, self->importer, take); \
		ASSERT_LE(0, child); \
		ends = blocked_ends(child, "purge_helps", &status); \
		EXPECT_FALSE(ends); \
		ASSERT_EQ(0, importer_busy(self->importer, NULL)); \
		if (!ends) \
			ASSERT_EQ(child, waitpid(child, &status, 0)); \
		EXPECT_EQ(0, status); \
	} while (0)

TEST_F(locked, memory_is_waited_for_by_memory)
{
	EXPECT_WAITED_FOR(LENGTH / 2, open_pageable);
}

TEST_F(locked, memory_is_waited_for_by_a_buffer)
{
	EXPECT_WAITED_FOR(0, open_small);
}

TEST_F(locked, memory_is_waited_for_by_memory_of_a_process)
{
	ASSERT_EQ(0, write_string(USER_MEMORY, "1"));
	EXPECT_WAITED_FOR(LENGTH / 2, open_of_process);
	EXPECT_EQ(0, write_string(USER_MEMORY, "0"));
}

/* Who waits can be killed. */
TEST_F(locked, memory_is_waited_for_in_vain)
{
	int status = -1;
	pid_t child;

	ASSERT_TRUE(press_ends(self->importer));
	ASSERT_EQ(0, leave_room(self->device, &self->quotas, LENGTH / 2));
	child = open_in_child(self->device, self->importer, open_pageable);
	ASSERT_LE(0, child);
	EXPECT_FALSE(blocked_ends(child, "purge_helps", &status));
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
}

#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"
#define HUGE_SPLIT "/proc/sys/vm/hugetlb_optimize_vmemmap"

/*
 * The kernel allocates there under the lock of its own page tables, which it needs from
 * 7.2 on to make write-combined memory ordinary again. A kernel with lockdep sees both.
 */
TEST(write_combined_memory_goes_while_page_tables_are_split)
{
	int device = bufalloc_open(NULL), fd;
	long bytes = live_bytes();

	if (!machine_has_wc() || write_string(HUGE_SPLIT, "1"))
		SKIP(return, "no page tables of the kernel are split here");
	ASSERT_LE(0, device);
	fd = buffer_open(device, LENGTH, BUFALLOC_CACHING_WC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dontneed(device, fd));
	ASSERT_EQ(0, write_string(HUGE_PAGES, "64"));
	ASSERT_EQ(0, press());
	EXPECT_TRUE(state(device, fd) & BUFALLOC_STATE_PURGED);
	EXPECT_EQ(bytes, settled_bytes(bytes));
	EXPECT_EQ(0, write_string(HUGE_PAGES, "0"));
	EXPECT_EQ(0, write_string(HUGE_SPLIT, "0"));
	close(fd);
	bufalloc_close(device);
}

/* Whoever looks how much memory there is counts it as there. */
TEST(what_is_not_needed_is_reclaimable)
{
	const char *name = "nr_kernel_misc_reclaimable";
	/* What each processor has not told yet. */
	const long slack = 300, pages = 64 * MIB / PAGE;
	int device = bufalloc_open(NULL), fd;
	long bytes = live_bytes(), before;

	ASSERT_LE(0, device);
	fd = buffer_open(device, pages * PAGE, BUFALLOC_CACHING_CACHED);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, press());
	before = vmstat(name);
	ASSERT_EQ(0, dontneed(device, fd));
	EXPECT_LT(before + pages - slack, vmstat(name));
	ASSERT_EQ(1, willneed(device, fd));
	EXPECT_GT(before + slack, vmstat(name));
	ASSERT_EQ(0, dontneed(device, fd));
	ASSERT_EQ(0, press());
	EXPECT_EQ(bytes, settled_bytes(bytes));
	EXPECT_GT(before + slack, vmstat(name));
	close(fd);
	bufalloc_close(device);
}

TEST_HARNESS_MAIN

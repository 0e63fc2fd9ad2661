// SPDX-License-Identifier: MIT
/*
 * Fences on a buffer: who looks at it waits for those that write, who changes it
 * for all; they pass from buffer to buffer as sync files; and one that is never
 * signalled keeps neither a process nor the memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "demo/display.h"
#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/fences.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (64 * KIB)

FIXTURE(fence)
{
	struct fences fences;
	int device;
	int fd;
	int file; /* waits for one fence */
	long bytes;
	long buffers;
};

FIXTURE_SETUP(fence)
{
	self->bytes = live_bytes();
	self->buffers = live_buffers();
	ASSERT_EQ(0, fences_open(&self->fences));
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = buffer_open(self->device, LENGTH, BUFALLOC_CACHING_CACHED);
	ASSERT_LE(0, self->fd);
	self->file = fence_create(&self->fences);
	ASSERT_LE(0, self->file);
}

FIXTURE_TEARDOWN(fence)
{
	fences_close(&self->fences);
	close(self->file);
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
	EXPECT_EQ(self->buffers, live_buffers());
}

static short events_now(int fd)
{
	struct pollfd events = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&events, 1, 0) < 0 ? -1 : events.revents;
}

/* Of a sync file, which can be read once all of it is signalled. */
static bool is_signalled(int file)
{
	return events_now(file) & POLLIN;
}

/* The state of what a buffer's readers, or its writers, have to wait for. */
static int waits(int fd, uint32_t flags)
{
	int file = sync_file_export(fd, flags);
	int ret;

	if (file < 0)
		return file;
	ret = !is_signalled(file);
	close(file);
	return ret;
}

TEST_F(fence, buffer_without_any_waits_for_nothing)
{
	EXPECT_EQ(POLLIN | POLLOUT, events_now(self->fd));
	EXPECT_EQ(0, waits(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, waits(self->fd, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(0, waits(self->fd, DMA_BUF_SYNC_RW));
}

TEST_F(fence, of_a_writer_keeps_everyone_waiting)
{
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	EXPECT_EQ(0, events_now(self->fd));
	EXPECT_EQ(1, waits(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(1, waits(self->fd, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_EQ(POLLIN | POLLOUT, events_now(self->fd));
	EXPECT_EQ(0, waits(self->fd, DMA_BUF_SYNC_RW));
}

TEST_F(fence, of_a_reader_keeps_writers_waiting)
{
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_READ, self->file));
	EXPECT_EQ(POLLIN, events_now(self->fd));
	EXPECT_EQ(0, waits(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(1, waits(self->fd, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_EQ(POLLIN | POLLOUT, events_now(self->fd));
	EXPECT_EQ(0, waits(self->fd, DMA_BUF_SYNC_WRITE));
}

TEST_F(fence, impossible_flags_are_EINVAL)
{
	static const uint32_t flags[] = { 0, 1U << 2, 1U << 31, ~0U };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-EINVAL, sync_file_export(self->fd, flags[i]));
		EXPECT_EQ(-EINVAL,
			  sync_file_import(self->fd, flags[i], self->file));
	}
	EXPECT_EQ(-EINVAL, sync_file_import(self->fd, DMA_BUF_SYNC_RW, -1));
	EXPECT_EQ(-EINVAL, sync_file_import(self->fd, DMA_BUF_SYNC_RW,
					    self->device));
	EXPECT_EQ(POLLIN | POLLOUT, events_now(self->fd));
}

/* A process that begins an access, and says so. */
static pid_t begin_access(int fd, uint64_t flags)
{
	int begun[2];
	pid_t child;
	char byte = 0;

	if (pipe2(begun, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(begun[1], &byte, 1) != 1 ||
		    bufalloc_begin_cpu_access(fd, flags))
			_exit(1);
		_exit(bufalloc_end_cpu_access(fd, flags) ? 2 : 0);
	}
	if (read(begun[0], &byte, 1) != 1)
		return -1;
	close(begun[0]);
	close(begun[1]);
	return child;
}

/* Long enough for a call that waits for nothing. */
static bool still_runs(pid_t child)
{
	usleep(300000);
	return !waitpid(child, NULL, WNOHANG);
}

TEST_F(fence, of_a_writer_is_waited_for_by_the_cpu)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	child = begin_access(self->fd, DMA_BUF_SYNC_READ);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* The same by SYNC, of a byte of it. */
static pid_t begin_part(int device, int fd, uint64_t flags)
{
	struct bufalloc_sync sync = {
		.size = sizeof(sync),
		.fd = fd,
		.length = 1,
		.flags = flags,
	};
	int begun[2];
	pid_t child;
	char byte = 0;

	if (pipe2(begun, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(begun[1], &byte, 1) != 1)
			_exit(1);
		_exit(ioctl(device, BUFALLOC_IOCTL_SYNC, &sync) ? errno : 0);
	}
	if (read(begun[0], &byte, 1) != 1)
		return -1;
	close(begun[0]);
	close(begun[1]);
	return child;
}

TEST_F(fence, of_a_writer_is_waited_for_by_who_reads_a_part)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	child = begin_part(self->device, self->fd, DMA_BUF_SYNC_READ);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(fence, of_a_reader_is_waited_for_by_who_writes_a_part)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_READ, self->file));
	ASSERT_EQ(0, bufalloc_begin_cpu_access_range(self->device, self->fd, 0,
						     1, DMA_BUF_SYNC_READ));
	child = begin_part(self->device, self->fd, DMA_BUF_SYNC_WRITE);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* Memory that needs no syncs has its fences all the same. */
TEST_F(fence, is_waited_for_by_who_uses_a_part_of_coherent_memory)
{
	int other = buffer_open(self->device, LENGTH,
				BUFALLOC_CACHING_COHERENT);
	int status;
	pid_t child;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, sync_file_import(other, DMA_BUF_SYNC_WRITE, self->file));
	child = begin_part(self->device, other, DMA_BUF_SYNC_RW);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	close(other);
}

TEST_F(fence, is_not_waited_for_at_the_end_of_a_part)
{
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_RW, self->file));
	EXPECT_EQ(0, bufalloc_end_cpu_access_range(self->device, self->fd, 0, 1,
						   DMA_BUF_SYNC_RW));
	EXPECT_EQ(0, events_now(self->fd));
}

/* What an access for the CPU does to the caches, @count times where they matter. */
#define EXPECT_SYNCED_LATER(begin, count) \
	do { \
		static struct importer_map map; \
		struct importer_facts facts; \
		int importer = importer_open(); \
		int id, status; \
		pid_t child; \
\
		ASSERT_LE(0, importer); \
		ASSERT_EQ(0, importer_facts(importer, IMPORTER_DEVICE_64, \
					    &facts)); \
		id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64); \
		ASSERT_LE(0, id); \
		ASSERT_EQ(0, importer_map(importer, id, \
					  IMPORTER_BIDIRECTIONAL, &map)); \
		ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE, \
					      self->file)); \
		ASSERT_EQ(0, count_syncs()); \
		child = begin; \
		ASSERT_LT(0, child); \
		EXPECT_TRUE(still_runs(child)); \
		EXPECT_EQ(0, probe_hits()); \
		ASSERT_EQ(0, fences_signal(&self->fences)); \
		ASSERT_EQ(child, waitpid(child, &status, 0)); \
		EXPECT_EQ(0, status); \
		EXPECT_EQ(facts.out_coherent ? 0 : (count), probe_hits()); \
		probe_stop(); \
		close(importer); \
	} while (0)

/* From 6.11 on drivers call the first only where there is need. */
static int count_syncs(void)
{
	if (!probe_start("__dma_sync_single_for_cpu", ""))
		return 0;
	return probe_start("dma_sync_single_for_cpu", "");
}

/* What a device has not written yet is not taken out of the caches. */
TEST_F(fence, nothing_is_synced_before)
{
	struct bufalloc_query query;

	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_SYNCED_LATER(begin_access(self->fd, DMA_BUF_SYNC_READ),
			    (long)query.out_segments);
}

TEST_F(fence, nothing_of_a_part_is_synced_before)
{
	EXPECT_SYNCED_LATER(begin_part(self->device, self->fd,
				       DMA_BUF_SYNC_READ),
			    1);
}

static void do_nothing(int signal)
{
}

/* A handler that asks for nothing ends the call; the library begins it again. */
TEST_F(fence, signal_ends_the_wait_for_a_part)
{
	struct sigaction action = { .sa_handler = do_nothing };
	int status;
	pid_t child;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	child = begin_part(self->device, self->fd, DMA_BUF_SYNC_RW);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	/* One that comes before the call is only handled. */
	do {
		ASSERT_EQ(0, kill(child, SIGUSR1));
		usleep(10000);
	} while (!waitpid(child, &status, WNOHANG));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EINTR, WEXITSTATUS(status));

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(bufalloc_begin_cpu_access_range(self->device, self->fd, 0,
						      1, DMA_BUF_SYNC_READ) ?
			      1 :
			      0);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, kill(child, SIGUSR1));
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(fence, who_waits_for_a_part_can_be_killed)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	child = begin_part(self->device, self->fd, DMA_BUF_SYNC_RW);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, events_now(self->fd));
}

TEST_F(fence, of_a_reader_is_waited_for_by_the_cpu_that_writes)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_READ, self->file));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	child = begin_access(self->fd, DMA_BUF_SYNC_WRITE);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(fence, who_waits_can_be_killed)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	child = begin_access(self->fd, DMA_BUF_SYNC_RW);
	ASSERT_LT(0, child);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, events_now(self->fd));
}

/* Somebody who polls is woken, and does not only see it when he comes back. */
TEST_F(fence, wakes_who_polls)
{
	struct pollfd events = { .fd = self->fd, .events = POLLIN };
	int status;
	pid_t child;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(poll(&events, 1, 60000) == 1 ? 0 : 1);
	EXPECT_TRUE(still_runs(child));
	ASSERT_EQ(0, fences_signal(&self->fences));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* What one buffer waits for, another one can be told to wait for. */
TEST_F(fence, passes_from_buffer_to_buffer)
{
	int other = buffer_open(self->device, LENGTH,
				BUFALLOC_CACHING_COHERENT);
	int file;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	file = sync_file_export(self->fd, DMA_BUF_SYNC_RW);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, sync_file_import(other, DMA_BUF_SYNC_WRITE, file));
	close(file);
	/* It does not need the first any more. */
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, events_now(other));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_EQ(POLLIN | POLLOUT, events_now(other));
	close(other);
}

/* Not the first that is signalled, and not the last that came. */
TEST_F(fence, all_of_many_are_waited_for)
{
	int files[16], all;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = fence_create(&self->fences);
		ASSERT_LE(0, files[i]);
		ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_READ,
					      files[i]));
		close(files[i]);
	}
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	all = sync_file_export(self->fd, DMA_BUF_SYNC_RW);
	ASSERT_LE(0, all);
	EXPECT_EQ(0, events_now(self->fd));
	EXPECT_FALSE(is_signalled(all));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_TRUE(is_signalled(all));
	EXPECT_EQ(POLLIN | POLLOUT, events_now(self->fd));
	close(all);
}

static int advise(int device, int fd, uint32_t advice, uint32_t *reason)
{
	struct bufalloc_advise arg = {
		.size = sizeof(arg),
		.fd = fd,
		.advice = advice,
	};

	if (ioctl(device, BUFALLOC_IOCTL_ADVISE, &arg)) {
		*reason = arg.out_reason;
		return -errno;
	}
	return arg.out_retained;
}

/* A device that has begun is not mapped for ever, but works until the fence. */
TEST_F(fence, unsignalled_keeps_DONTNEED_away)
{
	static const uint32_t flags[] = { DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE };
	uint32_t reason;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int file = fence_create(&self->fences);

		ASSERT_LE(0, file);
		ASSERT_EQ(0, sync_file_import(self->fd, flags[i], file));
		reason = 0;
		EXPECT_EQ(-EBUSY, advise(self->device, self->fd,
					 BUFALLOC_ADVICE_DONTNEED, &reason));
		EXPECT_EQ(BUFALLOC_REASON_BUSY, reason);
		EXPECT_FALSE(is_signalled(file));
		ASSERT_EQ(0, fences_signal(&self->fences));
		EXPECT_EQ(1, advise(self->device, self->fd,
				    BUFALLOC_ADVICE_DONTNEED, &reason));
		EXPECT_EQ(1, advise(self->device, self->fd,
				    BUFALLOC_ADVICE_WILLNEED, &reason));
		close(file);
	}
}

/* It can come after DONTNEED. One of vgem may end meanwhile by itself. */
static bool is_purged_behind_a_fence(FIXTURE_DATA(fence) * self)
{
	uint32_t reason;
	int file, left;

	do {
		advise(self->device, self->fd, BUFALLOC_ADVICE_WILLNEED, &reason);
		advise(self->device, self->fd, BUFALLOC_ADVICE_DONTNEED, &reason);
		file = fence_create(&self->fences);
		if (sync_file_import(self->fd, DMA_BUF_SYNC_READ, file))
			return true;
		write_string("/proc/sys/vm/drop_caches", "2");
		left = advise(self->device, self->fd, BUFALLOC_ADVICE_WILLNEED,
			      &reason);
		reason = is_signalled(file);
		close(file);
	} while (reason);
	return !left;
}

TEST_F(fence, unsignalled_keeps_the_memory_from_being_purged)
{
	uint32_t reason;

	ASSERT_EQ(0, write_string("/proc/sys/vm/drop_caches", "4"));
	EXPECT_FALSE(is_purged_behind_a_fence(self));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_EQ(1, advise(self->device, self->fd, BUFALLOC_ADVICE_DONTNEED,
			    &reason));
	ASSERT_EQ(0, write_string("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(0, advise(self->device, self->fd, BUFALLOC_ADVICE_WILLNEED,
			    &reason));
}

#define BUSY 300

/* More of those than are looked at in one scan, and all of them were advised before. */
TEST_F(fence, unsignalled_of_many_keeps_no_other_from_being_purged)
{
	static int fds[BUSY];
	uint32_t reason;
	int i;

	ASSERT_EQ(0, write_string("/proc/sys/vm/drop_caches", "4"));
	for (i = 0; i < BUSY; i++) {
		fds[i] = buffer_open(self->device, KIB, BUFALLOC_CACHING_CACHED);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(1, advise(self->device, fds[i],
				    BUFALLOC_ADVICE_DONTNEED, &reason));
		ASSERT_EQ(0, sync_file_import(fds[i], DMA_BUF_SYNC_READ,
					      self->file));
	}
	ASSERT_EQ(1, advise(self->device, self->fd, BUFALLOC_ADVICE_DONTNEED,
			    &reason));
	for (i = 0; i < BUSY / 256 + 1; i++)
		ASSERT_EQ(0, write_string("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(0, advise(self->device, self->fd, BUFALLOC_ADVICE_WILLNEED,
			    &reason));
	for (i = 0; i < BUSY; i++)
		close(fds[i]);
}

/* S18: nobody has the buffer, so nobody has to wait for anything. */
TEST_F(fence, does_not_keep_the_memory)
{
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_RW, self->file));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
	EXPECT_FALSE(is_signalled(self->file));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_TRUE(is_signalled(self->file));
}

/* An importer has the buffer while the fence waits, and lets go before it. */
TEST_F(fence, does_not_keep_an_importer)
{
	static struct importer_map map;
	int importer = importer_open();
	int id;

	ASSERT_LE(0, importer);
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_RW, self->file));
	id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(importer, id, IMPORTER_BIDIRECTIONAL, &map));
	close(self->fd);
	self->fd = -1;
	EXPECT_LT(self->bytes, live_bytes());
	EXPECT_EQ(0, importer_unmap(importer, id));
	EXPECT_EQ(0, importer_detach(importer, id));
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_FALSE(is_signalled(self->file));
	close(importer);
}

/* What was exported outlives its buffer. */
TEST_F(fence, sync_file_outlives_the_buffer)
{
	int file;

	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	file = sync_file_export(self->fd, DMA_BUF_SYNC_RW);
	ASSERT_LE(0, file);
	close(self->fd);
	self->fd = -1;
	close(self->file);
	self->file = -1;
	EXPECT_EQ(self->buffers, live_buffers());
	EXPECT_FALSE(is_signalled(file));
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_TRUE(is_signalled(file));
	close(file);
}

/* The kernel frees by itself what a poll has held until the fence. */
static long settled_buffers(long wanted)
{
	int i;

	for (i = 0; i < 3000 && live_buffers() != wanted; i++)
		usleep(10000);
	return live_buffers();
}

/* A poll that nobody waits for any more ends with the fence at the latest. */
TEST_F(fence, forgotten_poll_ends_with_it)
{
	ASSERT_EQ(0, sync_file_import(self->fd, DMA_BUF_SYNC_WRITE,
				      self->file));
	EXPECT_EQ(0, events_now(self->fd));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, fences_signal(&self->fences));
	EXPECT_EQ(self->buffers, settled_buffers(self->buffers));
}

TEST_F(fence, process_dies_with_all_of_it)
{
	int status, fd;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		fd = buffer_open(self->device, LENGTH, BUFALLOC_CACHING_CACHED);
		if (sync_file_import(fd, DMA_BUF_SYNC_RW, self->file))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->buffers + 1, live_buffers());
}

/* The driver of a device that dies at work: its fence does not hold up others. */
TEST_F(fence, card_that_is_closed_signals_its_own)
{
	struct {
		uint32_t handle, flags, out_fence, pad;
	} fence = { .flags = 1 };
	int card = display_find("vgem");

	ASSERT_LE(0, card);
	ASSERT_EQ(0, drmPrimeFDToHandle(card, self->fd, &fence.handle));
	ASSERT_EQ(0, drmIoctl(card, DRM_IOWR(DRM_COMMAND_BASE + 1, fence),
			      &fence));
	EXPECT_EQ(0, events_now(self->fd));
	EXPECT_EQ(1, waits(self->fd, DMA_BUF_SYNC_READ));
	close(card);
	EXPECT_EQ(0, attachments(self->device, self->fd));
	EXPECT_EQ(POLLIN | POLLOUT, events_now(self->fd));
}

TEST_HARNESS_MAIN

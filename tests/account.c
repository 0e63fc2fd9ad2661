// SPDX-License-Identifier: MIT
/*
 * U8: who pays for memory: the memory cgroup of whoever asks, from ALLOC to the
 * last user of the buffer, whoever that is. What no memory cgroup can be charged for
 * is in cma.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define OTHER GROUPS "/bufalloc-other"

/* What two processors have charged in advance. */
#define STOCK (512 * KIB)
/*
 * That, and whatever else a group is charged for meanwhile: page tables, file tables,
 * and inodes that are freed in their time.
 */
#define SLACK (2 * MIB)

FIXTURE(account)
{
	int device;
	long bytes;
	long kills;
};

FIXTURE_VARIANT(account)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(account, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(account, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(account, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(account)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->kills = vmstat("oom_kill");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, group_make(OTHER));
	ASSERT_EQ(0, group_enter(GROUP));
}

FIXTURE_TEARDOWN(account)
{
	EXPECT_EQ(0, group_enter(GROUPS));
	rmdir(GROUP);
	rmdir(OTHER);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
}

/* Charged whole, given back whole, and past the limit an error and no kill. */
TEST_F(account, memory_is_charged_and_limited)
{
	struct bufalloc_request request = request_of(128 * MIB,
						     variant->caching);
	struct bufalloc_result result;
	uint32_t reason = 0;
	long before, during;
	int fd;

	ASSERT_EQ(0, write_string(GROUP "/memory.max", "100M"));
	before = group_held(GROUP);
	fd = buffer_open(self->device, 64 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	during = group_held(GROUP);
	EXPECT_LE(before - (long)SLACK + (long)(64 * MIB), during);
	EXPECT_EQ(-ENOMEM,
		  bufalloc_alloc(self->device, &request, &result, &reason));
	EXPECT_EQ(BUFALLOC_REASON_MEMORY, reason);
	close(fd);
	EXPECT_GT(before + (long)SLACK, group_held(GROUP));
}

TEST_F(account, small_buffers_are_charged_too)
{
	enum { COUNT = 256 };
	long before = group_held(GROUP);
	int fds[COUNT], i;

	for (i = 0; i < COUNT; i++) {
		fds[i] = buffer_open(self->device, 64 * KIB, variant->caching);
		ASSERT_LE(0, fds[i]);
	}
	EXPECT_LE(before - (long)SLACK + (long)(COUNT * 64 * KIB), group_held(GROUP));
	for (i = 0; i < COUNT; i++)
		close(fds[i]);
	EXPECT_GT(before + (long)SLACK, group_held(GROUP));
}

/* Who touches it, who frees it, is not who pays. */
TEST_F(account, charge_stays_with_who_asked)
{
	struct mapping mapping;
	long before = group_held(GROUP), during, other;
	int fd;

	fd = buffer_open(self->device, 32 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	during = group_held(GROUP);
	EXPECT_LE(before - (long)SLACK + (long)(32 * MIB), during);

	ASSERT_EQ(0, group_enter(OTHER));
	other = group_held(OTHER);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	memset(mapping.bytes, 0x5a, mapping.length);
	EXPECT_GT(other + (long)SLACK, group_held(OTHER));
	EXPECT_LT(during - (long)SLACK, group_held(GROUP));
	buffer_unmap(&mapping);
	close(fd);
	EXPECT_GT(before + (long)SLACK, group_held(GROUP));
}

TEST_F(account, buffer_outlives_its_group)
{
	struct mapping mapping;
	int fd;

	fd = buffer_open(self->device, 8 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, group_enter(GROUPS));
	ASSERT_EQ(0, group_remove(GROUP));
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	EXPECT_TRUE(mapping_is(&mapping, 0));
	buffer_unmap(&mapping);
	close(fd);
}

/* Removed groups that the kernel still has. */
static long groups_dying(void)
{
	static const char name[] = "nr_dying_descendants ";
	char text[512] = "", *found;
	int fd = open(GROUPS "/cgroup.stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	found = strstr(text, name);
	return found ? strtol(found + strlen(name), NULL, 10) : -1;
}

/* The kernel takes them apart by and by. */
static bool groups_dying_get_to(long most)
{
	int tries;

	for (tries = 0; tries < 6000 && groups_dying() > most; tries++)
		usleep(10000);
	return groups_dying() <= most;
}

/* What a child asks for. */
struct wish {
	int device;
	struct bufalloc_request request;
};

static int wish_open(const struct wish *wish)
{
	struct bufalloc_result result;
	int ret = bufalloc_alloc(wish->device, &wish->request, &result, NULL);

	return ret ? ret : result.fd;
}

/*
 * A buffer of a child that was in the group, has our files, and has ended. Returns the
 * file descriptor, or -1.
 */
static int open_in(const char *group, const struct wish *wish)
{
	int status, fd;
	pid_t child;

	child = syscall(SYS_clone, CLONE_FILES | (long)SIGCHLD, 0L, 0L, 0L, 0L);
	if (!child) {
		fd = group_enter(group) ? -1 : wish_open(wish);
		_exit(fd < 0 || fd > 254 ? 255 : fd);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == 255)
		return -1;
	return WEXITSTATUS(status);
}

/* More than other tests leave behind for a moment. */
#define REMOVED 16

/* Each of as many groups asks for one buffer, and is removed before that. */
static void buffers_of_removed_groups(struct __test_metadata *_metadata,
				      const struct wish *wish)
{
	int fds[REMOVED], i;

	ASSERT_EQ(0, group_enter(GROUPS));
	ASSERT_TRUE(groups_dying_get_to(REMOVED / 2 - 1));
	for (i = 0; i < REMOVED; i++) {
		ASSERT_EQ(0, group_make(GROUP));
		fds[i] = open_in(GROUP, wish);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, group_remove(GROUP));
	}
	EXPECT_TRUE(groups_dying_get_to(REMOVED / 2));
	for (i = 0; i < REMOVED; i++)
		close(fds[i]);
}

/* A buffer that has its memory needs its group no more. */
TEST_F_TIMEOUT(account, removed_group_is_gone, PATIENCE)
{
	struct wish wish = {
		.device = self->device,
		.request = request_of(MIB, variant->caching),
	};

	buffers_of_removed_groups(_metadata, &wish);
}

#define USER_MEMORY "/sys/module/bufalloc/parameters/user_memory"

/* Nor does one that never takes any. */
TEST_F_TIMEOUT(account, removed_group_of_user_memory_is_gone, PATIENCE)
{
	struct wish wish = {
		.device = self->device,
		.request = request_of(64 * KIB, BUFALLOC_CACHING_CACHED),
	};
	char *bytes;

	if (variant->caching != BUFALLOC_CACHING_CACHED)
		return;
	/* Of a group that stays. */
	ASSERT_EQ(0, group_enter(GROUPS));
	bytes = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, bytes);
	memset(bytes, 1, 64 * KIB);
	wish.request.flags = BUFALLOC_ALLOC_USER_MEMORY;
	wish.request.address = (uintptr_t)bytes;
	ASSERT_EQ(0, write_string(USER_MEMORY, "1"));
	buffers_of_removed_groups(_metadata, &wish);
	EXPECT_EQ(0, write_string(USER_MEMORY, "0"));
	munmap(bytes, 64 * KIB);
}

#define DROP_CACHES "/proc/sys/vm/drop_caches"

static uint32_t state_of(int device, int fd)
{
	struct bufalloc_query query;

	return bufalloc_query(device, fd, &query) ? 0 : query.out_state;
}

/* Memory that was purged comes again for who gave the old away. */
TEST_F_TIMEOUT(account, purged_memory_is_charged_to_who_gave_it_away, PATIENCE)
{
	struct wish wish = {
		.device = self->device,
		.request = request_of(32 * MIB, variant->caching),
	};
	long before;
	int fd;

	wish.request.fd_flags = O_RDWR | O_CLOEXEC;
	ASSERT_EQ(0, write_string(DROP_CACHES, "4"));
	fd = open_in(GROUP, &wish);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, group_enter(OTHER));
	ASSERT_EQ(0, bufalloc_advise(self->device, fd, BUFALLOC_ADVICE_DONTNEED,
				     NULL));
	ASSERT_EQ(0, group_enter(GROUPS));
	while (!(state_of(self->device, fd) & BUFALLOC_STATE_PURGED))
		ASSERT_EQ(0, write_string(DROP_CACHES, "2"));
	ASSERT_EQ(0, bufalloc_advise(self->device, fd, BUFALLOC_ADVICE_WILLNEED,
				     NULL));
	before = group_held(OTHER);
	ASSERT_EQ(0, bufalloc_commit(self->device, &fd, 1, NULL, NULL));
	EXPECT_LE(before - (long)SLACK + (long)(32 * MIB), group_held(OTHER));
	close(fd);
	EXPECT_GT(before + (long)SLACK, group_held(OTHER));
}

/* What the kernel keeps of a buffer is paid for as well. */
TEST_F(account, records_are_charged)
{
	enum { COUNT = 1024,
	       RECORDS = 1024 };
	long before, during, bytes;
	int fds[COUNT], i;

	/* The first one brings what all of them share: a block, a table. */
	fds[0] = buffer_open(self->device, 4096, variant->caching);
	ASSERT_LE(0, fds[0]);
	before = group_held(GROUP);
	bytes = live_bytes();
	for (i = 1; i < COUNT; i++) {
		fds[i] = buffer_open(self->device, 4096, variant->caching);
		ASSERT_LE(0, fds[i]);
	}
	during = group_held(GROUP);
	/* Beside their memory. */
	bytes = live_bytes() - bytes;
	EXPECT_LE(before + bytes - (long)STOCK + COUNT * RECORDS, during);
	for (i = 0; i < COUNT; i++)
		close(fds[i]);
}

/*
 * With the room that small buffers leave, each allocation of the kernel for one meets
 * the limit in its turn, also those of the dma-buf core: an error, no kill.
 */
TEST_F(account, small_buffers_are_limited)
{
	enum { MOST = 10000 };
	struct bufalloc_request request = request_of(4096, variant->caching);
	struct bufalloc_result result;
	static int fds[MOST];
	int count = 0, ret = 0;

	/* At the limit there is no page to be had for it. */
	memset(fds, -1, sizeof(fds));
	ASSERT_EQ(0, write_string(GROUP "/memory.max", "8M"));
	while (count < MOST) {
		ret = bufalloc_alloc(self->device, &request, &result, NULL);
		if (ret)
			break;
		fds[count++] = result.fd;
	}
	EXPECT_EQ(-ENOMEM, ret);
	EXPECT_LT(0, count);
	while (count)
		close(fds[--count]);
}

/*
 * Past memory.high of its group the kernel has a task sleep, seconds for each few pages,
 * inside the call that asks for them.
 */
FIXTURE(throttled)
{
	int device;
	long bytes;
	long kills;
	pid_t child;
	struct quotas quotas;
};

FIXTURE_SETUP(throttled)
{
	ASSERT_EQ(0, quotas_lift(&self->quotas));
	self->bytes = live_bytes();
	self->kills = vmstat("oom_kill");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	group_controls("+memory");
	ASSERT_EQ(0, group_make(GROUP));
	ASSERT_EQ(0, write_string(GROUP "/memory.high", "1M"));
}

static int end_child(pid_t *child, int signal)
{
	int status = -1;

	if (*child > 0) {
		kill(*child, signal);
		waitpid(*child, &status, 0);
	}
	*child = 0;
	return status;
}

FIXTURE_TEARDOWN(throttled)
{
	end_child(&self->child, SIGKILL);
	group_remove(GROUP);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
	EXPECT_EQ(0, quotas_write(&self->quotas));
}

/* A child that asks for so much memory in that group. */
static pid_t start_in(const char *group, int device, size_t length)
{
	pid_t child = fork();

	if (child)
		return child;
	if (!group_enter(group))
		buffer_open(device, length, BUFALLOC_CACHING_CACHED);
	_exit(0);
}

TEST_F_TIMEOUT(throttled, SIGTERM_ends_the_call, PATIENCE)
{
	int status;

	/* It would sleep for minutes. */
	self->child = start_in(GROUP, self->device, 256 * MIB);
	ASSERT_LT(0, self->child);
	ASSERT_TRUE(group_exceeds(GROUP, 8 * MIB, self->child));
	status = end_child(&self->child, SIGTERM);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGTERM, WTERMSIG(status));
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_HARNESS_MAIN

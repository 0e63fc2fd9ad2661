// SPDX-License-Identifier: MIT
/*
 * U8: who pays for memory: the memory cgroup of whoever asks, from ALLOC to the
 * last user of the buffer, whoever that is. What no memory cgroup can be charged for
 * is in cma.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/groups.h"
#include "lib/guest.h"

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

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * S14: cached memory is synced for who does not see the caches, segment by
 * segment, and for nobody else. The calls into the DMA API are counted from
 * outside the module, on machines that need them and on those that do not.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (9 * MIB)

#if defined(__x86_64__)
#define IS_X86 1
#else
#define IS_X86 0
#endif

FIXTURE(sync)
{
	int device;
	int importer;
	int fd;
	int id;
	/* Calls that each step takes; 0 where none is to be made. */
	long calls;
};

FIXTURE_VARIANT(sync)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(sync, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(sync, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(sync, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(sync)
{
	struct bufalloc_request request = request_of(LENGTH, variant->caching);
	struct importer_facts facts;
	struct bufalloc_query query;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = buffer_open_scattered(self->device, &request);
	ASSERT_LE(0, self->fd);
	self->id = importer_attach(self->importer, self->fd,
				   IMPORTER_DEVICE_64);
	ASSERT_LE(0, self->id);

	ASSERT_EQ(0, importer_facts(self->importer, IMPORTER_DEVICE_64,
				    &facts));
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	/* What no device tree describes sees the caches on x86 and nowhere else. */
	ASSERT_EQ(IS_X86, facts.out_coherent);
	if (variant->caching == BUFALLOC_CACHING_CACHED && !facts.out_coherent)
		self->calls = query.out_segments;
}

FIXTURE_TEARDOWN(sync)
{
	probe_stop();
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

/* From 6.11 on drivers call a function of that name only where there is need. */
static int count_syncs(const char *whom)
{
	char function[64];

	snprintf(function, sizeof(function), "__dma_sync_single_for_%s", whom);
	if (!probe_start(function, ""))
		return 0;
	return probe_start(function + 2, "");
}

static int map(FIXTURE_DATA(sync) * self, uint32_t direction)
{
	static struct importer_map map;

	return importer_map(self->importer, self->id, direction, &map);
}

/* What the first map needs is the DMA API's own affair. */
TEST_F(sync, map_syncs_for_the_device)
{
	ASSERT_EQ(0, map(self, IMPORTER_TO_DEVICE));
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, count_syncs("device"));
	ASSERT_EQ(0, map(self, IMPORTER_TO_DEVICE));
	EXPECT_EQ(self->calls, probe_hits());
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	EXPECT_EQ(self->calls, probe_hits());
}

TEST_F(sync, unmap_syncs_for_the_cpu)
{
	ASSERT_EQ(0, count_syncs("cpu"));
	ASSERT_EQ(0, map(self, IMPORTER_FROM_DEVICE));
	EXPECT_EQ(0, probe_hits());
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	EXPECT_EQ(self->calls, probe_hits());
}

/* And not once more: the CPU may have written since it was unmapped. */
TEST_F(sync, detach_syncs_nothing)
{
	ASSERT_EQ(0, map(self, IMPORTER_FROM_DEVICE));
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, count_syncs("cpu"));
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(0, probe_hits());
}

TEST_F(sync, beginning_of_cpu_access_syncs_for_the_cpu)
{
	ASSERT_EQ(0, map(self, IMPORTER_BIDIRECTIONAL));
	ASSERT_EQ(0, count_syncs("cpu"));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(self->calls, probe_hits());
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(self->calls, probe_hits());
}

TEST_F(sync, end_of_cpu_access_syncs_for_the_device)
{
	ASSERT_EQ(0, map(self, IMPORTER_BIDIRECTIONAL));
	ASSERT_EQ(0, count_syncs("device"));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(0, probe_hits());
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(self->calls, probe_hits());
}

/* Of each device that has it mapped, and of none that has not. */
TEST_F(sync, cpu_access_syncs_what_is_mapped)
{
	static struct importer_map map_of_other;
	int other = importer_attach(self->importer, self->fd,
				    IMPORTER_DEVICE_64);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, map(self, IMPORTER_BIDIRECTIONAL));
	ASSERT_EQ(0, importer_map(self->importer, other, IMPORTER_BIDIRECTIONAL,
				  &map_of_other));
	ASSERT_EQ(0, count_syncs("cpu"));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(2 * self->calls, probe_hits());
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	EXPECT_EQ(3 * self->calls, probe_hits());
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(4 * self->calls, probe_hits());
}

TEST_HARNESS_MAIN

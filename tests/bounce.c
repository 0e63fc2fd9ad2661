// SPDX-License-Identifier: MIT
/*
 * S23: where the kernel bounces everything, a device without an IOMMU would work
 * on a copy. It is refused whatever the caching, before a byte is copied; what
 * is translated in whole pages is never bounced, and not refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define CHUNK 2048UL

FIXTURE(bounce)
{
	int device;
	int importer;
	bool forced;
	struct edus edus;
	int fd;
	struct mapping map;
};

FIXTURE_VARIANT(bounce)
{
	uint32_t caching;
	/* A bounce has slots of 256 KiB at most: both sides of that. */
	size_t length;
};

FIXTURE_VARIANT_ADD(bounce, wc) {
	.caching = BUFALLOC_CACHING_WC,
	.length = 9 * MIB,
};

FIXTURE_VARIANT_ADD(bounce, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.length = 9 * MIB,
};

FIXTURE_VARIANT_ADD(bounce, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.length = 9 * MIB,
};

FIXTURE_VARIANT_ADD(bounce, small_wc) {
	.caching = BUFALLOC_CACHING_WC,
	.length = 64 * KIB,
};

FIXTURE_VARIANT_ADD(bounce, small_coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.length = 64 * KIB,
};

FIXTURE_VARIANT_ADD(bounce, small_cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.length = 64 * KIB,
};

static bool is_forced(void)
{
	FILE *file = fopen("/proc/cmdline", "re");
	char line[4096] = "";

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return strstr(line, "swiotlb=force");
}

FIXTURE_SETUP(bounce)
{
	struct bufalloc_request request = request_of(variant->length,
						     variant->caching);
	struct bufalloc_result result;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->forced = is_forced();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &self->edus);
	request.dma_bits = edus_reaching(&self->edus);
	ASSERT_LE(2, self->edus.count);
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	self->fd = result.fd;
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	memset(self->map.bytes, 0x5e, self->map.length);
}

FIXTURE_TEARDOWN(bounce)
{
	buffer_unmap(&self->map);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

static int expected(const FIXTURE_DATA(bounce) * self,
		    const struct importer_facts *facts)
{
	return self->forced && !is_translated(facts) ? -EIO : 0;
}

TEST_F(bounce, machine_is_what_it_claims)
{
	bool claimed = !strcmp(machine(), "swiotlb");
	int i, refused = 0;

	for (i = 0; i < self->edus.count; i++)
		refused += expected(self, &self->edus.facts[i]) != 0;
	if (claimed)
		EXPECT_EQ(self->edus.count, refused);
	if (!self->forced)
		EXPECT_FALSE(claimed);
}

TEST_F(bounce, mapping_is_EIO_for_all_that_would_be_bounced)
{
	static const uint32_t directions[] = {
		IMPORTER_TO_DEVICE,
		IMPORTER_FROM_DEVICE,
		IMPORTER_BIDIRECTIONAL,
	};
	static struct importer_map map;
	uint32_t reason;
	unsigned int k;
	int i, id, ret, refused = 0;

	for (i = 0; i < self->edus.count; i++) {
		for (k = 0; k < ARRAY_SIZE(directions); k++) {
			id = importer_attach(self->importer, self->fd,
					     self->edus.facts[i].device);
			ASSERT_LE(0, id);
			ret = importer_map(self->importer, id, directions[k],
					   &map);
			EXPECT_EQ(expected(self, &self->edus.facts[i]), ret);
			refused += ret != 0;
			ASSERT_EQ(0, importer_detach(self->importer, id));
		}
	}
	EXPECT_TRUE(mapping_is(&self->map, 0x5e));
	EXPECT_EQ(refused, buffer_refusals(self->device, self->fd, &reason));
	EXPECT_EQ(refused ? BUFALLOC_REASON_BOUNCED : BUFALLOC_REASON_NONE,
		  reason);
}

/*
 * Two attached to the same buffer, and the CPU between them: syncs of a stale
 * copy would write over what it wrote.
 */
TEST_F(bounce, cpu_keeps_what_it_wrote)
{
	static struct importer_map map;
	int i, id;

	for (i = 0; i < self->edus.count; i++) {
		id = importer_attach(self->importer, self->fd,
				     self->edus.facts[i].device);
		ASSERT_LE(0, id);
		EXPECT_EQ(expected(self, &self->edus.facts[i]),
			  importer_map(self->importer, id,
				       IMPORTER_BIDIRECTIONAL, &map));
	}
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	memset(self->map.bytes, 0x11, self->map.length);
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_TRUE(mapping_is(&self->map, 0x11));
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ));
}

/* Who is not refused moves the data itself. */
TEST_F(bounce, who_is_mapped_moves_data)
{
	size_t target = variant->length - CHUNK;
	static struct importer_map map;
	int i, id;

	for (i = 0; i < self->edus.count; i++) {
		if (expected(self, &self->edus.facts[i]))
			continue;
		id = importer_attach(self->importer, self->fd,
				     self->edus.facts[i].device);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(self->importer, id,
					  IMPORTER_BIDIRECTIONAL, &map));
		ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd,
						       DMA_BUF_SYNC_RW));
		memset(self->map.bytes, 0x20 + i, CHUNK);
		ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd,
						     DMA_BUF_SYNC_RW));
		ASSERT_EQ(0, importer_dma(self->importer, id,
					  IMPORTER_TO_DEVICE, 0, CHUNK));
		ASSERT_EQ(0, importer_dma(self->importer, id,
					  IMPORTER_FROM_DEVICE, target, CHUNK));
		ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd,
						       DMA_BUF_SYNC_READ));
		EXPECT_EQ(0, memcmp(self->map.bytes, self->map.bytes + target,
				    CHUNK));
		ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd,
						     DMA_BUF_SYNC_READ));
	}
}

TEST_HARNESS_MAIN

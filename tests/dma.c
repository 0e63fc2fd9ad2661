// SPDX-License-Identifier: MIT
/*
 * Data that devices really moved: QEMU's "edu" reads a buffer into memory of
 * its own and writes from there. What it is told are the addresses of its
 * attachment, so that these are shown to be right, behind an IOMMU and without.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (3840 * 2160 * 4UL)
#define CHUNK 2048UL

FIXTURE(dma)
{
	int device;
	int importer;
	int fd;
	int ids[2];
	struct importer_map maps[2];
	struct mapping map;
};

FIXTURE_VARIANT(dma)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(dma, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(dma, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(dma, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(dma)
{
	int i;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	for (i = 0; i < 2; i++) {
		self->ids[i] = importer_attach(self->importer, self->fd,
					       IMPORTER_DEVICE_EDU_0 + i);
		ASSERT_LE(0, self->ids[i]);
		ASSERT_EQ(0, importer_map(self->importer, self->ids[i],
					  IMPORTER_BIDIRECTIONAL,
					  &self->maps[i]));
	}
}

FIXTURE_TEARDOWN(dma)
{
	buffer_unmap(&self->map);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

static void fill(unsigned char *bytes, unsigned int seed)
{
	unsigned long i;

	for (i = 0; i < CHUNK; i++)
		bytes[i] = (i * 7 + seed) ^ (i >> 8);
}

/* One device copies, from the beginning to the end, the middle, and back. */
TEST_F(dma, device_moves_what_the_cpu_wrote)
{
	static const size_t targets[] = {
		LENGTH - CHUNK,
		LENGTH / 2,
		5 * MIB + 4096 - CHUNK,
		4096,
	};
	unsigned char *bytes = self->map.bytes;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd,
						       DMA_BUF_SYNC_RW));
		fill(bytes, i);
		memset(bytes + targets[i], 0xee, CHUNK);
		ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd,
						     DMA_BUF_SYNC_RW));
		ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
					  IMPORTER_TO_DEVICE, 0, CHUNK));
		ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
					  IMPORTER_FROM_DEVICE, targets[i],
					  CHUNK));
		ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd,
						       DMA_BUF_SYNC_READ));
		EXPECT_EQ(0, memcmp(bytes, bytes + targets[i], CHUNK));
		ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd,
						     DMA_BUF_SYNC_READ));
	}
}

/* S2, S8, S16: what one device writes, the other reads, each by its own map. */
TEST_F(dma, one_device_reads_what_the_other_wrote)
{
	unsigned char *bytes = self->map.bytes;
	size_t middle = LENGTH / 2, last = LENGTH - CHUNK;

	fill(bytes, 42);
	memset(bytes + middle, 0, CHUNK);
	memset(bytes + last, 0, CHUNK);
	ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
				  IMPORTER_TO_DEVICE, 0, CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
				  IMPORTER_FROM_DEVICE, middle, CHUNK));
	memset(bytes, 0, CHUNK);
	ASSERT_EQ(0, importer_dma(self->importer, self->ids[1],
				  IMPORTER_TO_DEVICE, middle, CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, self->ids[1],
				  IMPORTER_FROM_DEVICE, last, CHUNK));
	fill(bytes, 42);
	EXPECT_EQ(0, memcmp(bytes, bytes + last, CHUNK));
}

/* S18: the device works on memory that no process has any more. */
TEST_F(dma, device_works_after_everything_is_closed)
{
	unsigned char expected[CHUNK];
	uint64_t value;
	unsigned int i;
	int other;

	fill(expected, 3);
	memcpy(self->map.bytes, expected, CHUNK);
	buffer_unmap(&self->map);
	close(self->fd);
	bufalloc_close(self->device);
	other = bufalloc_open(NULL);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, memory_dirty(other, variant->caching, 8 * MIB, 256 * MIB,
				  0x99));
	bufalloc_close(other);

	ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
				  IMPORTER_TO_DEVICE, 0, CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
				  IMPORTER_FROM_DEVICE, LENGTH - CHUNK, CHUNK));
	for (i = 0; i < CHUNK; i += sizeof(value)) {
		ASSERT_EQ(0, importer_peek(self->importer, self->ids[0],
					   LENGTH - CHUNK + i, &value));
		ASSERT_EQ(0, memcmp(&value, expected + i, sizeof(value)));
	}
	self->device = -1;
	self->fd = -1;
	self->map.length = 0;
}

/* Whether addresses are translated is the machine's doing, and told by it. */
TEST_F(dma, addresses_are_those_of_the_machine)
{
	bool translated = !strcmp(machine(), "iommu");
	char group[64];
	struct stat entry;
	int i;

	snprintf(group, sizeof(group), "/sys/kernel/iommu_groups/0");
	EXPECT_EQ(translated, !stat(group, &entry));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(translated, self->maps[i].out_segments[0].dma !=
					      self->maps[i].out_segments[0].phys);
	/* An IOMMU makes one run of what is scattered. */
	if (translated)
		EXPECT_EQ(1, self->maps[0].out_nents);
}

TEST_HARNESS_MAIN

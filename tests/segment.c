// SPDX-License-Identifier: MIT
/*
 * S8: how long a segment may be is up to each device. What its driver set is
 * kept, for each importer of a buffer apart; where it set nothing there is no
 * limit, though the DMA API then tells 64 KiB.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (9 * MIB)
#define CHUNK 2048UL

FIXTURE(segment)
{
	int device;
	int importer;
	int fd;
	struct edus edus;
	struct mapping map;
};

FIXTURE_VARIANT(segment)
{
	uint32_t limit;
	/* What that comes to in whole pages; 0 for no limit. */
	uint32_t largest;
};

FIXTURE_VARIANT_ADD(segment, page) {
	.limit = 4096,
	.largest = 4096,
};

FIXTURE_VARIANT_ADD(segment, no_whole_pages) {
	.limit = 100000,
	.largest = 98304,
};

/* What the PCI core says for drivers that say nothing. */
FIXTURE_VARIANT_ADD(segment, default_of_pci) {
	.limit = 64 * KIB,
};

FIXTURE_VARIANT_ADD(segment, one_MiB) {
	.limit = MIB,
	.largest = MIB,
};

FIXTURE_VARIANT_ADD(segment, unset) {
	.limit = 0,
};

FIXTURE_VARIANT_ADD(segment, unlimited) {
	.limit = UINT32_MAX,
};

/* A limit that nobody has set. */
static bool is_no_limit(uint32_t limit)
{
	return !limit || limit == 64 * KIB;
}

FIXTURE_SETUP(segment)
{
	struct bufalloc_request request =
		request_of(LENGTH, BUFALLOC_CACHING_COHERENT);

	if (is_no_limit(variant->limit) && machine_judges_segments())
		SKIP(return, "this kernel warns of drivers that set none");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &self->edus);
	request.dma_bits = edus_reaching(&self->edus);
	self->fd = buffer_open_scattered(self->device, &request);
	ASSERT_LE(0, self->fd);
	edus_taking(&self->edus, self->device, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
}

/* The limits end with the importer's file. */
FIXTURE_TEARDOWN(segment)
{
	buffer_unmap(&self->map);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

/* The id, or a negative errno. */
static int import(FIXTURE_DATA(segment) * self, uint32_t device, uint32_t limit,
		  struct importer_table *table)
{
	static struct importer_map map;
	int id, ret;

	ret = importer_limit(self->importer, device, limit);
	if (ret)
		return ret;
	id = importer_attach(self->importer, self->fd, device);
	if (id < 0)
		return id;
	ret = importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL, &map);
	if (ret)
		return ret;
	ret = importer_table(self->importer, id, table);
	return ret ? ret : id;
}

/* Nothing is longer, and there is not more of it than that takes. */
static bool is_kept(const struct importer_table *table, uint32_t largest)
{
	if (table->out_length != LENGTH || table->out_smallest % 4096)
		return false;
	if (!largest)
		return table->out_largest > MIB;
	return table->out_largest == largest &&
	       table->out_nents >= LENGTH / largest;
}

TEST_F(segment, limit_is_kept_without_an_iommu)
{
	struct importer_table table;

	ASSERT_LE(0, import(self, IMPORTER_DEVICE_64, variant->limit, &table));
	EXPECT_TRUE(is_kept(&table, variant->largest));
}

TEST_F(segment, limit_is_kept_by_every_edu)
{
	struct importer_table table;
	int i;

	ASSERT_LE(2, self->edus.count);
	for (i = 0; i < self->edus.count; i++) {
		ASSERT_LE(0, import(self, self->edus.facts[i].device,
				    variant->limit, &table));
		EXPECT_TRUE(is_kept(&table, variant->largest));
	}
}

/* S8, S16: the limit of one is nothing to the other, and both see the same. */
TEST_F(segment, limits_differ_on_one_buffer)
{
	struct importer_table limited, unlimited;
	size_t place = LENGTH / 2 - CHUNK;
	size_t i;
	int ids[2];

	ASSERT_LE(2, self->edus.count);
	ids[0] = import(self, self->edus.facts[0].device, variant->limit,
			&limited);
	ASSERT_LE(0, ids[0]);
	ids[1] = import(self, self->edus.facts[1].device, UINT32_MAX,
			&unlimited);
	ASSERT_LE(0, ids[1]);
	EXPECT_TRUE(is_kept(&limited, variant->largest));
	EXPECT_TRUE(is_kept(&unlimited, 0));

	for (i = 0; i < CHUNK; i++)
		self->map.bytes[i] = i * 5 ^ i >> 8;
	ASSERT_EQ(0, importer_dma(self->importer, ids[0], IMPORTER_TO_DEVICE,
				  0, CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, ids[0], IMPORTER_FROM_DEVICE,
				  place, CHUNK));
	memset(self->map.bytes, 0, CHUNK);
	ASSERT_EQ(0, importer_dma(self->importer, ids[1], IMPORTER_TO_DEVICE,
				  place, CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, ids[1], IMPORTER_FROM_DEVICE,
				  LENGTH - CHUNK, CHUNK));
	for (i = 0; i < CHUNK; i++)
		ASSERT_EQ((unsigned char)(i * 5 ^ i >> 8),
			  self->map.bytes[LENGTH - CHUNK + i]);
}

/* Memory comes in pages: less than one of them cannot be described. */
TEST(shorter_than_a_page_is_EINVAL)
{
	int device = bufalloc_open(NULL);
	int importer = importer_open();
	uint32_t reason;
	int fd;

	ASSERT_LE(0, device);
	ASSERT_LE(0, importer);
	fd = buffer_open(device, MIB, BUFALLOC_CACHING_COHERENT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, importer_limit(importer, IMPORTER_DEVICE_64, 2048));
	EXPECT_EQ(-EINVAL, importer_attach(importer, fd, IMPORTER_DEVICE_64));
	EXPECT_EQ(1, buffer_refusals(device, fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_TABLE, reason);
	ASSERT_EQ(0, importer_limit(importer, IMPORTER_DEVICE_64, 4096));
	EXPECT_LE(0, importer_attach(importer, fd, IMPORTER_DEVICE_64));
	close(fd);
	close(importer);
	bufalloc_close(device);
}

/* With nothing to describe yet it is told when there is. */
TEST(shorter_than_a_page_is_EINVAL_at_the_first_map)
{
	struct bufalloc_request request =
		request_of(MIB, BUFALLOC_CACHING_COHERENT);
	int device = bufalloc_open(NULL);
	int importer = importer_open();
	static struct importer_map map;
	struct bufalloc_result result;
	uint32_t reason;
	int id;

	ASSERT_LE(0, device);
	ASSERT_LE(0, importer);
	request.flags = BUFALLOC_ALLOC_DEFERRED;
	ASSERT_EQ(0, bufalloc_alloc(device, &request, &result, NULL));
	ASSERT_EQ(0, importer_limit(importer, IMPORTER_DEVICE_64, 2048));
	id = importer_attach(importer, result.fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(0, buffer_refusals(device, result.fd, &reason));
	EXPECT_EQ(-EINVAL, importer_map(importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_EQ(1, buffer_refusals(device, result.fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_TABLE, reason);

	/* The same attachment, once its driver allows more. */
	ASSERT_EQ(0, importer_limit(importer, IMPORTER_DEVICE_64, 4096));
	EXPECT_EQ(0, importer_map(importer, id, IMPORTER_TO_DEVICE, &map));
	EXPECT_EQ(1, buffer_refusals(device, result.fd, &reason));
	close(result.fd);
	close(importer);
	bufalloc_close(device);
}

#define BOUNDARY (1 * MIB)
#define SHIFT (BOUNDARY / 2 + 64 * KIB)

/* A boundary is one of the addresses that the device sees, not of the memory's own. */
TEST(boundary_is_where_the_device_sees_it)
{
	struct bufalloc_request request =
		request_of(LENGTH, BUFALLOC_CACHING_COHERENT);
	int device = bufalloc_open(NULL);
	int importer = importer_open();
	static struct importer_map map;
	const struct importer_segment *seg;
	struct bufalloc_result result;
	uint64_t length = 0;
	unsigned int i;
	int id;

	ASSERT_LE(0, device);
	ASSERT_LE(0, importer);
	ASSERT_EQ(0, importer_bus(importer, IMPORTER_DEVICE_64, BOUNDARY,
				  SHIFT));
	/* As whole as it gets, so that it is the boundaries that divide it. */
	request.alignment = BOUNDARY;
	ASSERT_EQ(0, bufalloc_alloc(device, &request, &result, NULL));
	id = importer_attach(importer, result.fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(importer, id, IMPORTER_BIDIRECTIONAL, &map));
	ASSERT_GE(IMPORTER_SEGMENTS_MAX, map.out_nents);
	EXPECT_EQ(map.out_segments[0].phys + SHIFT, map.out_segments[0].dma);
	for (i = 0; i < map.out_nents; i++) {
		seg = &map.out_segments[i];
		EXPECT_EQ(seg->dma / BOUNDARY,
			  (seg->dma + seg->length - 1) / BOUNDARY);
		length += seg->length;
	}
	EXPECT_EQ(LENGTH, length);
	close(result.fd);
	close(importer);
	bufalloc_close(device);
}

/* Less than a page cannot be kept: each entry is a page at least. */
TEST(boundary_of_less_than_a_page_is_EINVAL)
{
	int device = bufalloc_open(NULL);
	int importer = importer_open();
	uint32_t reason;
	int fd;

	ASSERT_LE(0, device);
	ASSERT_LE(0, importer);
	fd = buffer_open(device, MIB, BUFALLOC_CACHING_COHERENT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, importer_bus(importer, IMPORTER_DEVICE_64, 2048, 0));
	EXPECT_EQ(-EINVAL, importer_attach(importer, fd, IMPORTER_DEVICE_64));
	EXPECT_EQ(1, buffer_refusals(device, fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_TABLE, reason);
	ASSERT_EQ(0, importer_bus(importer, IMPORTER_DEVICE_64, 4096, 0));
	EXPECT_LE(0, importer_attach(importer, fd, IMPORTER_DEVICE_64));
	close(fd);
	close(importer);
	bufalloc_close(device);
}

TEST_HARNESS_MAIN

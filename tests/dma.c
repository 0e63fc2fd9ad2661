// SPDX-License-Identifier: MIT
/*
 * Data that devices really moved: QEMU's "edu" reads a buffer into memory of
 * its own and writes from there. What it is told are the addresses of its
 * attachment, so that these are shown to be right, behind an IOMMU and without.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

/* Nothing that a page or a chunk is a multiple of. */
#define CHUNK ((size_t)IMPORTER_DMA_MAX)

/* Places of their own, clear of those under test. */
#define PLACE 8192
#define PLACES ((IMPORTER_EDUS_MAX + 1) * PLACE)

FIXTURE(dma)
{
	int device;
	int importer;
	int fd;
	long bytes;
	struct edus edus;
	int ids[IMPORTER_EDUS_MAX];
	struct mapping map;
	size_t boundary;
	size_t places;
};

FIXTURE_VARIANT(dma)
{
	uint32_t caching;
	uint32_t flags;
	size_t length;
};

FIXTURE_VARIANT_ADD(dma, wc) {
	.caching = BUFALLOC_CACHING_WC,
	.length = 9 * MIB,
};

FIXTURE_VARIANT_ADD(dma, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.length = 9 * MIB,
};

FIXTURE_VARIANT_ADD(dma, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.length = 9 * MIB,
};

FIXTURE_VARIANT_ADD(dma, contiguous) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.flags = BUFALLOC_ALLOC_CONTIGUOUS,
	.length = 3 * MIB,
};

static int open_as(int device, const FIXTURE_VARIANT(dma) * variant,
		   uint32_t dma_bits)
{
	struct bufalloc_request request = request_of(variant->length,
						     variant->caching);
	struct bufalloc_result result;
	int ret;

	request.dma_bits = dma_bits;
	request.flags = variant->flags;
	if (!(variant->flags & BUFALLOC_ALLOC_CONTIGUOUS))
		return buffer_open_scattered(device, &request);
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

/* Where the memory goes on elsewhere, as a device without an IOMMU sees it. */
static size_t find_boundary(int importer, int fd, size_t length)
{
	static struct importer_map map;
	int id = importer_attach(importer, fd, IMPORTER_DEVICE_64);
	size_t boundary = 0;

	if (importer_map(importer, id, IMPORTER_TO_DEVICE, &map))
		return 0;
	if (map.out_nents > 1)
		boundary = map.out_segments[0].length;
	else
		boundary = length / 2;
	importer_detach(importer, id);
	return boundary;
}

FIXTURE_SETUP(dma)
{
	static struct importer_map map;
	uint32_t dma_bits;
	int i;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &self->edus);
	dma_bits = edus_reaching(&self->edus);
	self->fd = open_as(self->device, variant, dma_bits);
	ASSERT_LE(0, self->fd);
	edus_taking(&self->edus, self->device, self->fd);
	ASSERT_LE(2, self->edus.count);
	self->boundary = find_boundary(self->importer, self->fd,
				       variant->length);
	ASSERT_LE(4096, self->boundary);
	self->places = self->boundary > variant->length / 2 ?
			       64 * KIB :
			       variant->length - 64 * KIB - PLACES;
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	for (i = 0; i < self->edus.count; i++) {
		self->ids[i] = importer_attach(self->importer, self->fd,
					       self->edus.facts[i].device);
		ASSERT_LE(0, self->ids[i]);
		ASSERT_EQ(0, importer_map(self->importer, self->ids[i],
					  IMPORTER_BIDIRECTIONAL, &map));
	}
}

FIXTURE_TEARDOWN(dma)
{
	buffer_unmap(&self->map);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

static unsigned char pattern_at(size_t i, unsigned int seed)
{
	return (i * 7 + seed * 31) ^ (i >> 8);
}

static void fill(unsigned char *bytes, unsigned int seed)
{
	size_t i;

	for (i = 0; i < CHUNK; i++)
		bytes[i] = pattern_at(i, seed);
}

/* Bytes before the first wrong one; CHUNK where all are right. */
static size_t matches(const unsigned char *bytes, unsigned int seed)
{
	size_t i;

	for (i = 0; i < CHUNK; i++)
		if (bytes[i] != pattern_at(i, seed))
			break;
	return i;
}

/* The same, after a sync, at a place of the buffer. */
static size_t found_at(FIXTURE_DATA(dma) * self, size_t offset,
		       unsigned int seed)
{
	size_t count;

	if (bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ))
		return SIZE_MAX;
	count = matches(self->map.bytes + offset, seed);
	if (bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ))
		return SIZE_MAX;
	return count;
}

/* One place for what the CPU gives, and one for what each device brings. */
static size_t source(const FIXTURE_DATA(dma) * self)
{
	return self->places;
}

static size_t brought(const FIXTURE_DATA(dma) * self, int device)
{
	/* Not aligned to anything either. */
	return self->places + (device + 1) * PLACE + 13 * device + 1;
}

/* The CPU gives the pattern, and takes away what was there before. */
static int prepare(FIXTURE_DATA(dma) * self, size_t target, unsigned int seed)
{
	int i, ret;

	ret = bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_RW);
	if (ret)
		return ret;
	fill(self->map.bytes + source(self), seed);
	memset(self->map.bytes + target, 0xee, CHUNK);
	for (i = 0; i < self->edus.count; i++)
		memset(self->map.bytes + brought(self, i), 0xee, CHUNK);
	return bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_RW);
}

/* All devices but one at the same time. */
static int others_move(FIXTURE_DATA(dma) * self, int but, uint32_t direction,
		       size_t target)
{
	size_t offset;
	int i, ret;

	for (i = 0; i < self->edus.count; i++) {
		if (i == but)
			continue;
		offset = direction == IMPORTER_TO_DEVICE ? target :
							   brought(self, i);
		ret = importer_dma_start(self->importer, self->ids[i],
					 direction, offset, CHUNK);
		if (ret)
			return ret;
	}
	for (i = 0; i < self->edus.count; i++) {
		ret = importer_dma_wait(self->importer, self->ids[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* From the CPU's place to a device, to the target, to all other devices, back. */
static int pass_on(FIXTURE_DATA(dma) * self, int writer, size_t target)
{
	int id = self->ids[writer];
	int ret;

	ret = importer_dma(self->importer, id, IMPORTER_TO_DEVICE,
			   source(self), CHUNK);
	if (ret)
		return ret;
	ret = importer_dma(self->importer, id, IMPORTER_FROM_DEVICE, target,
			   CHUNK);
	if (ret)
		return ret;
	ret = others_move(self, writer, IMPORTER_TO_DEVICE, target);
	if (ret)
		return ret;
	return others_move(self, writer, IMPORTER_FROM_DEVICE, target);
}

/* S2: the CPU sees what the device wrote, wherever that is in the memory. */
TEST_F(dma, device_moves_what_the_cpu_wrote)
{
	const size_t targets[] = {
		variant->length - CHUNK,
		self->boundary,
		self->boundary - CHUNK,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		ASSERT_EQ(0, prepare(self, targets[i], i));
		ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
					  IMPORTER_TO_DEVICE, source(self),
					  CHUNK));
		ASSERT_EQ(0, importer_dma(self->importer, self->ids[0],
					  IMPORTER_FROM_DEVICE, targets[i],
					  CHUNK));
		EXPECT_EQ(CHUNK, found_at(self, targets[i], i));
	}
}

/*
 * S2, S8, S16: what one device writes through its mapping, every other one reads
 * through its own, and the CPU sees both.
 */
TEST_F(dma, one_device_reads_what_the_other_wrote)
{
	const size_t targets[] = {
		self->boundary,
		self->boundary - CHUNK,
		variant->length - CHUNK,
	};
	unsigned int seed = 100;
	unsigned int i;
	int writer, reader;

	for (writer = 0; writer < self->edus.count; writer++) {
		for (i = 0; i < ARRAY_SIZE(targets); i++, seed++) {
			ASSERT_EQ(0, prepare(self, targets[i], seed));
			ASSERT_EQ(0, pass_on(self, writer, targets[i]));
			EXPECT_EQ(CHUNK, found_at(self, targets[i], seed));
			for (reader = 0; reader < self->edus.count; reader++)
				EXPECT_EQ(reader == writer ? 0 : CHUNK,
					  found_at(self, brought(self, reader),
						   seed));
		}
	}
}

/* Also of one that shares its domain, and flushes what that has cached. */
TEST_F(dma, one_device_goes_and_the_others_work_on)
{
	size_t target = variant->length - CHUNK;
	unsigned int seed = 200;
	int i;

	for (i = 0; i < self->edus.count; i++)
		ASSERT_EQ(0, importer_dma(self->importer, self->ids[i],
					  IMPORTER_TO_DEVICE, target, CHUNK));
	while (self->edus.count > 1) {
		i = --self->edus.count;
		ASSERT_EQ(0, importer_detach(self->importer, self->ids[i]));
		ASSERT_EQ(0, prepare(self, target, ++seed));
		ASSERT_EQ(0, pass_on(self, i - 1, target));
		EXPECT_EQ(CHUNK, found_at(self, target, seed));
		if (i > 1)
			EXPECT_EQ(CHUNK,
				  found_at(self, brought(self, 0), seed));
	}
}

/* A device's own memory gets the pattern, which the CPU then forgets. */
static int load_devices(FIXTURE_DATA(dma) * self, unsigned int seed)
{
	int i, ret;

	ret = prepare(self, self->boundary, seed);
	for (i = 0; i < self->edus.count && !ret; i++)
		ret = importer_dma(self->importer, self->ids[i],
				   IMPORTER_TO_DEVICE, source(self), CHUNK);
	return ret;
}

static int start_all(FIXTURE_DATA(dma) * self)
{
	int i, ret = 0;

	for (i = 0; i < self->edus.count && !ret; i++)
		ret = importer_dma_start(self->importer, self->ids[i],
					 IMPORTER_FROM_DEVICE,
					 brought(self, i), CHUNK);
	return ret;
}

/* The words that lie in it whole. */
static bool peek_matches(const FIXTURE_DATA(dma) * self, int device,
			 unsigned int seed)
{
	unsigned char bytes[sizeof(uint64_t)];
	uint64_t value;
	size_t i, at;

	for (at = 0; at + sizeof(value) <= CHUNK; at += sizeof(value)) {
		if (importer_peek(self->importer, self->ids[device],
				  brought(self, device) + at, &value))
			return false;
		for (i = 0; i < sizeof(value); i++)
			bytes[i] = pattern_at(at + i, seed);
		if (memcmp(&value, bytes, sizeof(value)))
			return false;
	}
	return true;
}

/* Memory that somebody else gets now is not that of the buffer. */
static int disturb(uint32_t caching)
{
	int device = bufalloc_open(NULL);
	int ret;

	if (device < 0)
		return device;
	ret = memory_dirty(device, caching, 8 * MIB, 256 * MIB, 0x99);
	bufalloc_close(device);
	return ret;
}

/* S18: devices work on memory that no process has any more. */
TEST_F(dma, device_works_after_everything_is_closed)
{
	int i;

	ASSERT_EQ(0, load_devices(self, 3));
	buffer_unmap(&self->map);
	close(self->fd);
	bufalloc_close(self->device);
	ASSERT_EQ(0, disturb(variant->caching));

	ASSERT_EQ(0, start_all(self));
	for (i = 0; i < self->edus.count; i++) {
		ASSERT_EQ(0, importer_dma_wait(self->importer, self->ids[i]));
		EXPECT_TRUE(peek_matches(self, i, 3));
	}
	self->device = -1;
	self->fd = -1;
	self->map.length = 0;
}

/* S18: and on what they were at when it was closed. */
TEST_F(dma, everything_is_closed_while_devices_write)
{
	long bytes = live_bytes();
	int i;

	ASSERT_EQ(0, load_devices(self, 4));
	ASSERT_EQ(0, start_all(self));
	buffer_unmap(&self->map);
	close(self->fd);
	bufalloc_close(self->device);
	for (i = 0; i < self->edus.count; i++)
		ASSERT_EQ(0, importer_dma_go_on(self->importer, self->ids[i],
						IMPORTER_FROM_DEVICE,
						brought(self, i), CHUNK));
	EXPECT_EQ(bytes, live_bytes());
	for (i = 0; i < self->edus.count; i++)
		ASSERT_EQ(0, importer_dma_wait(self->importer, self->ids[i]));

	ASSERT_EQ(0, disturb(variant->caching));
	for (i = 0; i < self->edus.count; i++)
		EXPECT_TRUE(peek_matches(self, i, 4));
	EXPECT_EQ(bytes, live_bytes());
	self->device = -1;
	self->fd = -1;
	self->map.length = 0;
}

/* S18: the process dies, and with it all that it had. */
TEST_F(dma, process_dies_while_devices_write)
{
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		if (load_devices(self, 5) || start_all(self))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	buffer_unmap(&self->map);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	/* The importer waits for its devices, and then lets go. */
	EXPECT_EQ(self->bytes, live_bytes());
	self->device = -1;
	self->importer = -1;
	self->fd = -1;
	self->map.length = 0;
}

/* In the middle of one segment, across the end of another: only where it is one. */
TEST_F(dma, translated_addresses_go_on_where_memory_does_not)
{
	size_t target = self->boundary - CHUNK / 2;
	int i, expected;

	for (i = 0; i < self->edus.count; i++) {
		bool whole = is_translated(&self->edus.facts[i]) ||
			     variant->flags & BUFALLOC_ALLOC_CONTIGUOUS;

		ASSERT_EQ(0, prepare(self, target, i));
		ASSERT_EQ(0, importer_dma(self->importer, self->ids[i],
					  IMPORTER_TO_DEVICE, source(self),
					  CHUNK));
		expected = whole ? 0 : -EINVAL;
		ASSERT_EQ(expected, importer_dma(self->importer, self->ids[i],
						 IMPORTER_FROM_DEVICE, target,
						 CHUNK));
		EXPECT_EQ(whole ? CHUNK : 0, found_at(self, target, i));
	}
}

TEST_HARNESS_MAIN

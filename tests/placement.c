// SPDX-License-Identifier: MIT
/*
 * S8, S10, S13: where memory goes that comes late. Of two devices one reaches little and
 * no IOMMU translates for it; memory that is there before it is known is out of its
 * reach, memory that comes afterwards is reached by both, and real DMA moves the data.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (1 * MIB)
#define CHUNK 2048UL
#define BUFFERS_MAX 64

FIXTURE(placement)
{
	int device;
	int importer;
	struct edus edus;
	/* A device that reaches 28 bits by itself, one that reaches everything. */
	uint32_t narrow;
	uint32_t wide;
	long bytes;
};

FIXTURE_VARIANT(placement)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(placement, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(placement, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(placement, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(placement)
{
	const struct importer_facts *facts;
	int i;

	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &self->edus);
	for (i = 0; i < self->edus.count; i++) {
		facts = &self->edus.facts[i];
		if (mask_bits(facts) == 28 && !is_translated(facts))
			self->narrow = facts->device;
		else if (is_translated(facts) || mask_bits(facts) == 64)
			self->wide = facts->device;
	}
	ASSERT_NE(0, self->narrow);
	ASSERT_NE(0, self->wide);
}

FIXTURE_TEARDOWN(placement)
{
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, settled_bytes(self->bytes));
}

static int open_buffer(int device, uint32_t caching, uint32_t flags,
		       size_t length)
{
	struct bufalloc_request request = request_of(length, caching);
	struct bufalloc_result result;
	int ret;

	request.flags = flags;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

static struct bufalloc_query query_of(int device, int fd)
{
	struct bufalloc_query query = {};

	bufalloc_query(device, fd, &query);
	return query;
}

/* Attach, map and let go; 0 or what the map said. */
static int try_map(int importer, int fd, uint32_t device)
{
	static struct importer_map map;
	int id = importer_attach(importer, fd, device);
	int ret;

	if (id < 0)
		return id;
	ret = importer_map(importer, id, IMPORTER_TO_DEVICE, &map);
	importer_detach(importer, id);
	return ret;
}

static void fill(struct mapping *mapping, int fd, unsigned char byte)
{
	bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW);
	memset(mapping->bytes, byte, mapping->length);
	bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW);
}

/* The beginning is moved to the end: out of memory by one, into it by another. */
static bool is_moved(int importer, int fd, int from, int to)
{
	struct mapping mapping;
	bool same = false;
	size_t last;

	if (buffer_map(fd, &mapping))
		return false;
	fill(&mapping, fd, 0x11);
	last = mapping.length - CHUNK;
	if (!importer_dma(importer, from, IMPORTER_TO_DEVICE, 0, CHUNK)) {
		fill(&mapping, fd, 0);
		/* Each edu has its own store: what comes back is its own. */
		if (!importer_dma(importer, from, IMPORTER_FROM_DEVICE, last,
				  CHUNK) &&
		    !importer_dma(importer, to, IMPORTER_TO_DEVICE, last,
				  CHUNK) &&
		    !importer_dma(importer, to, IMPORTER_FROM_DEVICE, 0,
				  CHUNK)) {
			bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_READ);
			same = mapping.bytes[0] == 0x11 &&
			       !memcmp(mapping.bytes, mapping.bytes + last,
				       CHUNK) &&
			       !mapping.bytes[CHUNK];
			bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_READ);
		}
	}
	buffer_unmap(&mapping);
	return same;
}

/* What is there before the device is known is nowhere special. */
TEST_F(placement, eager_memory_is_refused_with_a_reason)
{
	int fds[BUFFERS_MAX], count = 0, ret = 0;
	struct bufalloc_query query;

	/* What little is free at the very bottom is given out at some time. */
	while (!ret && count < BUFFERS_MAX) {
		fds[count] = open_buffer(self->device, variant->caching, 0,
					 LENGTH);
		ASSERT_LE(0, fds[count]);
		ret = try_map(self->importer, fds[count++], self->narrow);
	}
	ASSERT_EQ(-EIO, ret);
	query = query_of(self->device, fds[count - 1]);
	EXPECT_EQ(1, query.out_refusals);
	EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE, query.out_refusal);
	EXPECT_EQ(0, try_map(self->importer, fds[count - 1], self->wide));
	EXPECT_EQ(-EIO, try_map(self->importer, fds[count - 1], self->narrow));
	EXPECT_EQ(2, query_of(self->device, fds[count - 1]).out_refusals);
	while (count)
		close(fds[--count]);
}

/* Attached first: whoever maps first, the memory is where both reach it. */
TEST_F(placement, deferred_memory_is_reached_by_both)
{
	static struct importer_map map;
	int fd, wide, narrow;

	fd = open_buffer(self->device, variant->caching,
			 BUFALLOC_ALLOC_DEFERRED, LENGTH);
	ASSERT_LE(0, fd);
	wide = importer_attach(self->importer, fd, self->wide);
	ASSERT_LE(0, wide);
	narrow = importer_attach(self->importer, fd, self->narrow);
	ASSERT_LE(0, narrow);
	ASSERT_EQ(0, importer_map(self->importer, wide, IMPORTER_BIDIRECTIONAL,
				  &map));
	ASSERT_EQ(0, importer_map(self->importer, narrow,
				  IMPORTER_BIDIRECTIONAL, &map));
	EXPECT_TRUE(is_moved(self->importer, fd, narrow, wide));
	EXPECT_EQ(0, query_of(self->device, fd).out_refusals);
	importer_detach(self->importer, narrow);
	importer_detach(self->importer, wide);
	close(fd);
}

TEST_F(placement, committed_memory_is_reached_by_both)
{
	static struct importer_map map;
	int fds[2], wide, narrow, i;

	for (i = 0; i < 2; i++) {
		fds[i] = open_buffer(self->device, variant->caching,
				     BUFALLOC_ALLOC_DEFERRED, LENGTH);
		ASSERT_LE(0, fds[i]);
	}
	wide = importer_attach(self->importer, fds[0], self->wide);
	ASSERT_LE(0, wide);
	narrow = importer_attach(self->importer, fds[0], self->narrow);
	ASSERT_LE(0, narrow);
	ASSERT_EQ(0, bufalloc_commit(self->device, fds, 2, NULL, NULL));
	ASSERT_EQ(0, importer_map(self->importer, narrow,
				  IMPORTER_BIDIRECTIONAL, &map));
	ASSERT_EQ(0, importer_map(self->importer, wide, IMPORTER_BIDIRECTIONAL,
				  &map));
	EXPECT_TRUE(is_moved(self->importer, fds[0], wide, narrow));
	/* The other has no such device, and leaves that memory alone. */
	EXPECT_NE(query_of(self->device, fds[0]).out_heap,
		  query_of(self->device, fds[1]).out_heap);
	importer_detach(self->importer, narrow);
	importer_detach(self->importer, wide);
	close(fds[0]);
	close(fds[1]);
}

/* What the kernel took is made up for where the devices of that time reach it. */
TEST_F(placement, memory_after_a_purge_is_placed_anew)
{
	uint32_t advice = BUFALLOC_ADVICE_DONTNEED, before, retained;
	int fd, narrow;

	fd = open_buffer(self->device, variant->caching, BUFALLOC_ALLOC_DEFERRED,
			 LENGTH);
	ASSERT_LE(0, fd);
	before = query_of(self->device, fd).out_heap;
	narrow = importer_attach(self->importer, fd, self->narrow);
	ASSERT_LE(0, narrow);
	ASSERT_EQ(0, bufalloc_commit(self->device, &fd, 1, NULL, NULL));
	EXPECT_NE(before, query_of(self->device, fd).out_heap);
	ASSERT_EQ(0, importer_detach(self->importer, narrow));

	ASSERT_EQ(0, bufalloc_advise(self->device, fd, advice, NULL));
	ASSERT_EQ(0, write_string("/proc/sys/vm/drop_caches", "2"));
	advice = BUFALLOC_ADVICE_WILLNEED;
	ASSERT_EQ(0, bufalloc_advise(self->device, fd, advice, &retained));
	ASSERT_EQ(0, retained);
	EXPECT_EQ(before, query_of(self->device, fd).out_heap);
	ASSERT_EQ(0, bufalloc_commit(self->device, &fd, 1, NULL, NULL));
	EXPECT_EQ(before, query_of(self->device, fd).out_heap);
	close(fd);
}

/* A CPU mapping knows of no device: who comes later and reaches little is told. */
TEST_F(placement, device_that_comes_too_late_is_refused)
{
	int fds[BUFFERS_MAX], count = 0, ret = 0;
	struct mapping mapping;

	while (!ret && count < BUFFERS_MAX) {
		fds[count] = open_buffer(self->device, variant->caching,
					 BUFALLOC_ALLOC_DEFERRED, LENGTH);
		ASSERT_LE(0, fds[count]);
		ASSERT_EQ(0, buffer_map(fds[count], &mapping));
		buffer_unmap(&mapping);
		ret = try_map(self->importer, fds[count++], self->narrow);
	}
	ASSERT_EQ(-EIO, ret);
	EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
		  query_of(self->device, fds[count - 1]).out_refusal);
	while (count)
		close(fds[--count]);
}

/* A heap that was named stays, whoever attaches. */
TEST_F(placement, named_heap_stays)
{
	struct bufalloc_request request = request_of(4 * MIB, variant->caching);
	struct bufalloc_result result;
	int fds[BUFFERS_MAX], count = 0, ret = 0;

	request.flags = BUFALLOC_ALLOC_DEFERRED;
	request.heap = 0;
	while (!ret && count < BUFFERS_MAX) {
		ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result,
					    NULL));
		fds[count++] = result.fd;
		ret = try_map(self->importer, result.fd, self->narrow);
	}
	EXPECT_EQ(-EIO, ret);
	EXPECT_EQ(0, query_of(self->device, fds[count - 1]).out_heap);
	while (count)
		close(fds[--count]);
}

/*
 * Who takes a long entry, and has no IOMMU to make one, is given a run if there is one
 * that costs little more.
 */
TEST_F(placement, device_with_long_segments_gets_one_run)
{
	static struct importer_map map;
	int fd, id;

	ASSERT_EQ(0, importer_limit(self->importer, IMPORTER_DEVICE_64,
				    16 * MIB));
	fd = open_buffer(self->device, variant->caching,
			 BUFALLOC_ALLOC_DEFERRED, 4 * MIB - 64 * KIB);
	ASSERT_LE(0, fd);
	id = importer_attach(self->importer, fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
				  &map));
	EXPECT_EQ(1, map.out_orig_nents);
	EXPECT_EQ(BUFALLOC_STATE_CONTIGUOUS,
		  query_of(self->device, fd).out_state &
			  BUFALLOC_STATE_CONTIGUOUS);
	EXPECT_EQ(1, query_of(self->device, fd).out_chunks);
	importer_detach(self->importer, id);
	close(fd);
}

TEST_HARNESS_MAIN

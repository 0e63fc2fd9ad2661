// SPDX-License-Identifier: MIT
/*
 * U6, U7: what a request asks of its memory is kept, whenever it comes, or refused
 * with the reason for it. Where memory lies a device tells that no IOMMU translates
 * for, not the module.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"

#define PAGE 4096UL

/* More than the pages of the smallest zone there is. */
#define HOLDERS_MAX 5000

static const size_t alignments[] = { 64 * KIB, MIB, 2 * MIB, 4 * MIB };

FIXTURE(constraint)
{
	int device;
	int importer;
	long bytes;
	struct bufalloc_request request;
};

FIXTURE_VARIANT(constraint)
{
	uint32_t caching;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(constraint, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(constraint, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(constraint, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_VARIANT_ADD(constraint, deferred_wc) {
	.caching = BUFALLOC_CACHING_WC,
	.flags = BUFALLOC_ALLOC_DEFERRED,
};

FIXTURE_VARIANT_ADD(constraint, deferred_coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.flags = BUFALLOC_ALLOC_DEFERRED,
};

FIXTURE_VARIANT_ADD(constraint, deferred_cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.flags = BUFALLOC_ALLOC_DEFERRED,
};

FIXTURE_SETUP(constraint)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->request = request_of(0, variant->caching);
	self->request.flags = variant->flags;
}

FIXTURE_TEARDOWN(constraint)
{
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* A buffer that has its memory: a deferred one by COMMIT. Or a negative errno. */
static int open_backed(int device, const struct bufalloc_request *request,
		       uint32_t *reason)
{
	struct bufalloc_result result;
	int ret;

	ret = bufalloc_alloc(device, request, &result, reason);
	if (ret || !(request->flags & BUFALLOC_ALLOC_DEFERRED))
		return ret ? ret : result.fd;
	ret = bufalloc_commit(device, &result.fd, 1, NULL, reason);
	if (!ret)
		return result.fd;
	close(result.fd);
	return ret;
}

/* Where the memory is. */
static int look(int importer, int fd, struct importer_map *map,
		struct importer_table *table)
{
	int id = importer_attach(importer, fd, IMPORTER_DEVICE_64);
	int ret;

	if (id < 0)
		return id;
	ret = importer_map(importer, id, IMPORTER_BIDIRECTIONAL, map);
	if (!ret)
		ret = importer_table(importer, id, table);
	importer_detach(importer, id);
	return ret;
}

/* Each run begins, and so ends, where it should; all of them are the buffer. */
static bool is_aligned(int importer, int fd, size_t length, size_t alignment)
{
	static struct importer_map map;
	struct importer_table table;
	unsigned int i;

	if (look(importer, fd, &map, &table) || table.out_length != length ||
	    !map.out_nents || map.out_nents > IMPORTER_SEGMENTS_MAX)
		return false;
	for (i = 0; i < map.out_nents; i++)
		if (!map.out_segments[i].phys ||
		    map.out_segments[i].phys % alignment ||
		    map.out_segments[i].length % alignment)
			return false;
	return true;
}

/* A page of the same kind, so that what comes next begins at no round address. */
static int open_wedge(int device, const struct bufalloc_request *like)
{
	return buffer_open(device, PAGE, like->caching);
}

TEST_F(constraint, alignment_is_of_each_run)
{
	unsigned int i, k;
	int fd, wedge;

	for (i = 0; i < ARRAY_SIZE(alignments); i++) {
		const size_t lengths[] = {
			PAGE,
			alignments[i],
			alignments[i] + 1,
			9 * MIB,
		};

		self->request.alignment = alignments[i];
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			size_t whole = round_up(lengths[k], alignments[i]);

			wedge = open_wedge(self->device, &self->request);
			ASSERT_LE(0, wedge);
			self->request.length = lengths[k];
			fd = open_backed(self->device, &self->request, NULL);
			ASSERT_LE(0, fd);
			EXPECT_EQ((off_t)whole, lseek(fd, 0, SEEK_END));
			EXPECT_TRUE(is_aligned(self->importer, fd, whole,
					       alignments[i]));
			close(fd);
			close(wedge);
		}
	}
}

/* Up to a page it is what every buffer has. */
TEST_F(constraint, small_alignment_is_a_page)
{
	static const size_t small[] = { 1, 2, 64, 2048, 4096 };
	struct bufalloc_result result;
	unsigned int i;

	self->request.length = PAGE + 1;
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		self->request.alignment = small[i];
		ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request,
					    &result, NULL));
		EXPECT_EQ(2 * PAGE, result.length);
		close(result.fd);
	}
}

TEST_F(constraint, alignment_of_one_run)
{
	struct bufalloc_query query;
	unsigned int i;
	int fd, wedge;

	self->request.flags |= BUFALLOC_ALLOC_CONTIGUOUS;
	for (i = 0; i < ARRAY_SIZE(alignments); i++) {
		self->request.length = 3 * MIB - PAGE;
		self->request.alignment = alignments[i];
		wedge = open_wedge(self->device, &self->request);
		ASSERT_LE(0, wedge);
		fd = open_backed(self->device, &self->request, NULL);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(is_aligned(self->importer, fd,
				       round_up(3 * MIB, alignments[i]),
				       alignments[i]));
		ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
		EXPECT_EQ(1, query.out_segments);
		close(fd);
		close(wedge);
	}
}

/* What is aligned is carved from blocks like the rest, and leaves no gap that stays. */
TEST_F(constraint, direct_map_is_not_split)
{
	enum { COUNT = 96 };
	static const size_t some[] = { 4 * KIB, 64 * KIB, 16 * KIB };
	long before = meminfo("DirectMap4k");
	int fds[COUNT], i;

	if (!machine_types_memory())
		SKIP(return, "nobody changes the kernel's mapping here");
	ASSERT_LT(0, before);
	for (i = 0; i < COUNT; i++) {
		self->request.alignment = some[i % ARRAY_SIZE(some)];
		self->request.length = PAGE;
		fds[i] = open_backed(self->device, &self->request, NULL);
		ASSERT_LE(0, fds[i]);
		EXPECT_TRUE(is_aligned(self->importer, fds[i],
				       self->request.alignment,
				       self->request.alignment));
	}
	/* Of one block there is room for all but those that wait for round numbers. */
	if (variant->caching == BUFALLOC_CACHING_WC) {
		EXPECT_EQ(before, meminfo("DirectMap4k"));
		EXPECT_GE(4 * MIB, client_bytes(self->device));
	}
	for (i = 0; i < COUNT; i++)
		close(fds[i]);
	EXPECT_EQ(before, meminfo("DirectMap4k"));
}

struct padded {
	size_t length;
	size_t padding;
	size_t alignment;
	size_t whole;
};

static const struct padded padded[] = {
	{ PAGE, 0, 0, PAGE },
	{ 1, PAGE - 1, 0, PAGE },
	{ 1, PAGE, 0, 2 * PAGE },
	{ PAGE - 1, 1, 0, PAGE },
	{ PAGE - 1, 2, 0, 2 * PAGE },
	{ PAGE, 1, 0, 2 * PAGE },
	{ PAGE, 64 * KIB, 0, 64 * KIB + PAGE },
	{ 64 * KIB - PAGE, PAGE, 64 * KIB, 64 * KIB },
	{ 64 * KIB - PAGE, PAGE + 1, 64 * KIB, 128 * KIB },
	{ MIB + 1, 3 * MIB, 0, 4 * MIB + PAGE },
};

/* It is there for the device and for the CPU, and nothing of others is in it. */
TEST_F(constraint, padding_is_there_and_zero)
{
	static struct importer_map map;
	struct importer_table table;
	struct mapping mapping;
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(padded); i++) {
		ASSERT_EQ(0, memory_dirty(self->device, variant->caching,
					  MIB, 8 * MIB, 0xa5));
		self->request.length = padded[i].length;
		self->request.padding = padded[i].padding;
		self->request.alignment = padded[i].alignment;
		fd = open_backed(self->device, &self->request, NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, look(self->importer, fd, &map, &table));
		EXPECT_EQ(padded[i].whole, table.out_length);
		ASSERT_EQ(0, buffer_map(fd, &mapping));
		EXPECT_EQ(padded[i].whole, mapping.length);
		EXPECT_TRUE(mapping_is(&mapping, 0));
		buffer_unmap(&mapping);
		close(fd);
	}
}

/* A device reads past the length, by DMA, and what it read was zero. */
TEST_F(constraint, devices_read_padding)
{
	static struct importer_map map;
	size_t chunk = 2048;
	struct mapping mapping;
	struct edus edus;
	int i, id, fd;

	edus_find(self->importer, &edus);
	self->request.dma_bits = edus_reaching(&edus);
	self->request.length = 3 * PAGE;
	self->request.padding = PAGE;
	fd = open_backed(self->device, &self->request, NULL);
	ASSERT_LE(0, fd);
	edus_taking(&edus, self->device, fd);
	ASSERT_LE(1, edus.count);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	for (i = 0; i < edus.count; i++) {
		id = importer_attach(self->importer, fd, edus.facts[i].device);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(self->importer, id,
					  IMPORTER_BIDIRECTIONAL, &map));
		ASSERT_EQ(0, bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW));
		memset(mapping.bytes, 0x77, 3 * PAGE);
		ASSERT_EQ(0, bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW));
		ASSERT_EQ(0, importer_dma(self->importer, id, IMPORTER_TO_DEVICE,
					  4 * PAGE - chunk, chunk));
		ASSERT_EQ(0, importer_dma(self->importer, id,
					  IMPORTER_FROM_DEVICE, 0, chunk));
		ASSERT_EQ(0, bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_READ));
		EXPECT_EQ(0, mapping.bytes[0]);
		EXPECT_EQ(0, memcmp(mapping.bytes, mapping.bytes + 1,
				    chunk - 1));
		EXPECT_EQ(0x77, mapping.bytes[chunk]);
		ASSERT_EQ(0, bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_READ));
		ASSERT_EQ(0, importer_detach(self->importer, id));
	}
	buffer_unmap(&mapping);
	close(fd);
}

/* Together they are as long as a buffer can be, and no longer. */
TEST_F(constraint, padding_counts_for_the_longest)
{
	struct bufalloc_result result;
	struct bufalloc_info info;
	uint32_t reason;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	self->request.flags |= BUFALLOC_ALLOC_DEFERRED;
	self->request.length = info.out_max_length - PAGE;
	self->request.padding = PAGE;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result,
				    NULL));
	EXPECT_EQ(info.out_max_length, result.length);
	close(result.fd);
	self->request.padding = PAGE + 1;
	EXPECT_EQ(-EINVAL, bufalloc_alloc(self->device, &self->request, &result,
					  &reason));
	EXPECT_EQ(BUFALLOC_REASON_LENGTH, reason);
	self->request.length = 1;
	self->request.padding = info.out_max_length;
	EXPECT_EQ(-EINVAL, bufalloc_alloc(self->device, &self->request, &result,
					  &reason));
	EXPECT_EQ(BUFALLOC_REASON_LENGTH, reason);
}

/* One segment is what the flag says. */
TEST_F(constraint, one_segment_is_contiguous)
{
	struct bufalloc_query query;
	uint32_t reason;
	int fd;

	self->request.max_segments = 1;
	self->request.length = 3 * MIB;
	fd = open_backed(self->device, &self->request, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
	EXPECT_EQ(1, query.out_segments);
	EXPECT_TRUE(query.out_state & BUFALLOC_STATE_CONTIGUOUS);
	EXPECT_TRUE(is_aligned(self->importer, fd, 3 * MIB, PAGE));
	close(fd);

	self->request.length = 256 * MIB;
	EXPECT_EQ(-ENOMEM, open_backed(self->device, &self->request, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
}

/* As few as asked for, or a refusal that says so: nothing in between. */
TEST_F(constraint, segments_are_as_few_as_asked_for)
{
	static struct importer_map map;
	struct importer_table table;
	uint32_t most, reason;
	int fd, had = 0;

	self->request.length = 9 * MIB;
	for (most = 2; most <= 64; most *= 2) {
		self->request.max_segments = most;
		fd = open_backed(self->device, &self->request, &reason);
		if (fd < 0) {
			EXPECT_EQ(-ENOMEM, fd);
			EXPECT_EQ(BUFALLOC_REASON_SEGMENTS, reason);
			continue;
		}
		ASSERT_EQ(0, look(self->importer, fd, &map, &table));
		EXPECT_GE(most, table.out_nents);
		EXPECT_EQ(9 * MIB, table.out_length);
		had++;
		close(fd);
	}
	EXPECT_LT(0, had);
}

/* The heaps that this machine has, by their limits. */
static bool has_heap(int device, uint32_t bits)
{
	struct bufalloc_heap heap;
	struct bufalloc_info info;
	uint32_t i;

	if (bufalloc_get_info(device, &info))
		return false;
	for (i = 0; i < info.out_heaps; i++)
		if (!bufalloc_get_heap(device, i, &heap) &&
		    !strncmp(heap.out_name, "system", 6) &&
		    heap.out_dma_bits <= bits)
			return true;
	return false;
}

TEST_F(constraint, dma_bits_are_where_the_memory_is)
{
	static const uint32_t bits[] = { 24, 27, 28, 29, 30, 31, 32 };
	static const size_t lengths[] = { PAGE, 64 * KIB, 3 * MIB };
	static struct importer_map map;
	struct importer_table table;
	unsigned int i, k;
	uint32_t reason;
	int fd;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		/* Each x86 has all of them. */
		if (machine_types_memory())
			ASSERT_TRUE(has_heap(self->device, bits[i]));
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			self->request.dma_bits = bits[i];
			self->request.length = lengths[k];
			fd = open_backed(self->device, &self->request, &reason);
			if (!has_heap(self->device, bits[i])) {
				EXPECT_EQ(-ENOENT, fd);
				EXPECT_EQ(BUFALLOC_REASON_DMA_BITS, reason);
				continue;
			}
			ASSERT_LE(0, fd);
			ASSERT_EQ(0, look(self->importer, fd, &map, &table));
			EXPECT_EQ(lengths[k], table.out_length);
			EXPECT_EQ(0, table.out_last_phys >> bits[i]);
			close(fd);
		}
	}
}

/* Without it memory lies higher: else the test above would show nothing. */
TEST_F(constraint, memory_goes_on_above_24_bits)
{
	static struct importer_map map;
	struct importer_table table;
	int fd;

	self->request.length = 64 * KIB;
	fd = open_backed(self->device, &self->request, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, look(self->importer, fd, &map, &table));
	EXPECT_NE(0, table.out_last_phys >> 24);
	close(fd);
}

/*
 * The first 16 MiB of an x86 are few enough to take all of them, page by page, and to
 * give back each second one: what is left is in pieces that nobody can put together.
 */
FIXTURE(fragments)
{
	int device;
	int importer;
	struct bufalloc_request request;
	int count;
	int *fds;
};

FIXTURE_VARIANT(fragments)
{
	uint32_t caching;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(fragments, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(fragments, deferred_coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.flags = BUFALLOC_ALLOC_DEFERRED,
};

/* Until there is no more of that length; the number of them. */
static int take_all(int device, size_t length, int *fds, int most)
{
	struct bufalloc_request request =
		request_of(length, BUFALLOC_CACHING_COHERENT);
	int count;

	request.dma_bits = 24;
	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	for (count = 0; count < most; count++) {
		fds[count] = open_backed(device, &request, NULL);
		if (fds[count] < 0)
			break;
	}
	return count;
}

/* Each processor keeps some for itself. It stays on the first one, which is the last. */
static int take_everywhere(int device, size_t length, int *fds, int most)
{
	int processor = sysconf(_SC_NPROCESSORS_ONLN), count = 0;

	while (processor-- > 0 && !run_on(processor))
		count += take_all(device, length, fds + count, most - count);
	return count;
}

static int64_t page_of(int importer, int fd)
{
	struct mapping mapping;
	int64_t pfn;

	if (buffer_map(fd, &mapping))
		return -1;
	pfn = user_pfn(importer, mapping.bytes);
	buffer_unmap(&mapping);
	return pfn;
}

/* Those of odd numbers go; the number of the others, which are at the front then. */
static int give_back_odd(int importer, int *fds, int count)
{
	int i, kept = 0;

	for (i = 0; i < count; i++) {
		if (page_of(importer, fds[i]) & 1)
			close(fds[i]);
		else
			fds[kept++] = fds[i];
	}
	return kept;
}

FIXTURE_SETUP(fragments)
{
	struct rlimit limit = { HOLDERS_MAX + 100, HOLDERS_MAX + 100 };
	size_t length;
	int taken;

	if (!machine_types_memory())
		SKIP(return, "no zone that is so small");
	if (is_watched())
		SKIP(return, "to take all of a zone takes minutes there");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fds = calloc(HOLDERS_MAX, sizeof(*self->fds));
	ASSERT_NE(NULL, self->fds);
	ASSERT_EQ(0, run_on(0));
	taken = take_everywhere(self->device, PAGE, self->fds, HOLDERS_MAX);
	/* All that the zone has, but for what others took of it before. */
	ASSERT_LT(2000, taken);
	ASSERT_GT(HOLDERS_MAX, taken);
	self->count = give_back_odd(self->importer, self->fds, taken);
	ASSERT_LT(taken / 4, taken - self->count);
	/* What the kernel had kept for itself is free now, too. */
	for (length = 64 * KIB; length > PAGE; length /= 2)
		self->count += take_everywhere(self->device, length,
					       self->fds + self->count,
					       HOLDERS_MAX - self->count);
	self->request = request_of(16 * PAGE, variant->caching);
	self->request.flags = variant->flags;
	self->request.dma_bits = 24;
}

FIXTURE_TEARDOWN(fragments)
{
	while (self->count > 0)
		close(self->fds[--self->count]);
	free(self->fds);
	close(self->importer);
	bufalloc_close(self->device);
}

TEST_F(fragments, segments_are_counted)
{
	struct bufalloc_query query;
	uint32_t most, reason;
	int fd;

	fd = open_backed(self->device, &self->request, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
	EXPECT_LT(8, query.out_segments);
	close(fd);
	for (most = 2; most <= 20; most++) {
		self->request.max_segments = most;
		reason = BUFALLOC_REASON_NONE;
		fd = open_backed(self->device, &self->request, &reason);
		/* Between them it depends on pages that others free meanwhile. */
		if (most <= 8) {
			EXPECT_EQ(-ENOMEM, fd);
			EXPECT_EQ(BUFALLOC_REASON_SEGMENTS, reason);
		} else if (most >= 16) {
			EXPECT_LE(0, fd);
		}
		if (fd >= 0)
			close(fd);
	}
}

TEST_F(fragments, one_segment_is_not_to_be_had)
{
	uint32_t reason;

	/* 16 pages: two neighbours may have been freed by others meanwhile. */
	self->request.max_segments = 1;
	EXPECT_EQ(-ENOMEM, open_backed(self->device, &self->request, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
	self->request.max_segments = 0;
	self->request.flags |= BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_EQ(-ENOMEM, open_backed(self->device, &self->request, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
}

/* There is enough, but not at such addresses: no page of it is given instead. */
TEST_F(fragments, alignment_is_not_to_be_had)
{
	uint64_t alignment;
	uint32_t reason;

	for (alignment = 2 * PAGE; alignment <= 64 * KIB; alignment *= 2) {
		self->request.alignment = alignment;
		EXPECT_EQ(-ENOMEM, open_backed(self->device, &self->request,
					       &reason));
		EXPECT_EQ(BUFALLOC_REASON_ALIGNMENT, reason);
	}
}

/* Whoever maps a deferred one meets the same, and QUERY tells of it. */
TEST_F(fragments, refusals_of_a_map)
{
	static const struct {
		uint32_t max_segments;
		uint32_t alignment;
		uint32_t reason;
	} all[] = {
		{ 1, 0, BUFALLOC_REASON_CONTIGUOUS },
		{ 2, 0, BUFALLOC_REASON_SEGMENTS },
		{ 0, 64 * KIB, BUFALLOC_REASON_ALIGNMENT },
	};
	static struct importer_map map;
	struct bufalloc_result result;
	uint32_t reason;
	unsigned int i;
	int id;

	self->request.flags |= BUFALLOC_ALLOC_DEFERRED;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		self->request.max_segments = all[i].max_segments;
		self->request.alignment = all[i].alignment;
		ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request,
					    &result, NULL));
		id = importer_attach(self->importer, result.fd,
				     IMPORTER_DEVICE_64);
		ASSERT_LE(0, id);
		EXPECT_EQ(-ENOMEM, importer_map(self->importer, id,
						IMPORTER_TO_DEVICE, &map));
		EXPECT_EQ(1, buffer_refusals(self->device, result.fd, &reason));
		EXPECT_EQ(all[i].reason, reason);
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
					   result.fd, 0));
		EXPECT_EQ(ENOMEM, errno);
		ASSERT_EQ(0, importer_detach(self->importer, id));
		close(result.fd);
	}
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * The memory that the kernel sets aside for those who need it in one run goes to
 * them, and to nobody who does not.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

FIXTURE(cma)
{
	int device;
	int importer;
	uint64_t start;
	uint64_t end;
};

FIXTURE_VARIANT(cma)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(cma, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(cma, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(cma, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(cma)
{
	ASSERT_TRUE(cma_area(&self->start, &self->end));
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
}

FIXTURE_TEARDOWN(cma)
{
	close(self->importer);
	bufalloc_close(self->device);
}

/* How many of the pages of a mapping, one in each 64 KiB, are of the area. */
static long pages_of_area(const FIXTURE_DATA(cma) * self,
			  const struct mapping *map)
{
	int64_t pfn;
	long count = 0;
	size_t at;

	for (at = 0; at < map->length; at += 64 * KIB) {
		pfn = user_pfn(self->importer, map->bytes + at);
		if (pfn < 0)
			return pfn;
		count += (uint64_t)pfn * 4096 >= self->start &&
			 (uint64_t)pfn * 4096 < self->end;
	}
	return count;
}

/* Twice the area, while the rest of the memory is many times that. */
TEST_F(cma, scattered_memory_is_not_taken_from_it)
{
	struct mapping map;
	int fd = buffer_open(self->device, 2 * (self->end - self->start),
			     variant->caching);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &map));
	EXPECT_EQ(0, pages_of_area(self, &map));
	buffer_unmap(&map);
	close(fd);
}

TEST_F(cma, contiguous_memory_is)
{
	size_t length = 20 * MIB + 4096;
	struct bufalloc_query query;
	struct mapping map;
	int fd = buffer_open_contiguous(self->device, length, variant->caching);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &map));
	EXPECT_EQ((long)(map.length / (64 * KIB)) + 1,
		  pages_of_area(self, &map));
	ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
	EXPECT_EQ(1, query.out_segments);
	EXPECT_TRUE(query.out_state & BUFALLOC_STATE_CONTIGUOUS);
	buffer_unmap(&map);
	close(fd);
}

TEST_F(cma, full_area_is_ENOMEM)
{
	size_t length = self->end - self->start + 4 * MIB;
	struct bufalloc_request request = request_of(length, variant->caching);
	struct bufalloc_result result;
	uint32_t reason = 0;
	long live = live_bytes();

	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_EQ(-ENOMEM,
		  bufalloc_alloc(self->device, &request, &result, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
	EXPECT_EQ(live, live_bytes());
}

TEST_HARNESS_MAIN

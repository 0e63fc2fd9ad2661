// SPDX-License-Identifier: MIT
/*
 * Old memory is never shown. The cells that boot with init_on_alloc=0 make this
 * a test of the module; elsewhere the kernel clears pages before we see them.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"

#define DIRT 0xaa

FIXTURE(zero)
{
	int device;
};

FIXTURE_VARIANT(zero)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(zero, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(zero, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(zero, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(zero)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(zero)
{
	bufalloc_close(self->device);
}

/* Memory that a first user filled is zero for the second, at every size. */
TEST_F(zero, memory_that_was_used_before)
{
	static const size_t sizes[] = {
		4 * KIB,
		12 * KIB,
		64 * KIB,
		1 * MIB,
		2 * MIB,
		1920 * 1080 * 3 / 2,
		4 * MIB,
		33 * MIB,
	};
	struct mapping mapping;
	unsigned int i, round;
	int fd;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, memory_dirty(self->device, variant->caching,
					  sizes[i], 128 * MIB, DIRT));
		for (round = 0; round < 8; round++) {
			fd = buffer_open(self->device, sizes[i],
					 variant->caching);
			ASSERT_LE(0, fd);
			ASSERT_EQ(0, buffer_map(fd, &mapping));
			ASSERT_TRUE(mapping_is(&mapping, 0));
			memset(mapping.bytes, DIRT, mapping.length);
			buffer_unmap(&mapping);
			close(fd);
		}
	}
}

/* A piece of a block that is still in use: freed, carved again. */
TEST_F(zero, piece_that_was_used_before)
{
	struct mapping mapping;
	int keep, fd, round;

	keep = buffer_open(self->device, 4096, variant->caching);
	ASSERT_LE(0, keep);
	for (round = 0; round < 16; round++) {
		fd = buffer_open(self->device, 100 * KIB, variant->caching);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, buffer_map(fd, &mapping));
		ASSERT_TRUE(mapping_is(&mapping, 0));
		memset(mapping.bytes, DIRT, mapping.length);
		buffer_unmap(&mapping);
		close(fd);
	}
	close(keep);
}

/* Memory that another program used, in bulk. */
TEST_F(zero, memory_of_another_process)
{
	struct mapping mapping;
	unsigned char *bytes;
	size_t length = 512 * MIB;
	int fd;

	bytes = mmap(NULL, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)bytes);
	memset(bytes, DIRT, length);
	munmap(bytes, length);

	fd = buffer_open(self->device, 256 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	EXPECT_TRUE(mapping_is(&mapping, 0));
	buffer_unmap(&mapping);
	close(fd);
}

/* The bytes after an odd length, up to the end of the page. */
TEST_F(zero, rest_of_the_last_page)
{
	struct mapping mapping;
	int fd;

	ASSERT_EQ(0, memory_dirty(self->device, variant->caching, 8 * KIB,
				  8 * MIB, DIRT));
	fd = buffer_open(self->device, 4097, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	EXPECT_EQ(8192, mapping.length);
	EXPECT_TRUE(mapping_is(&mapping, 0));
	buffer_unmap(&mapping);
	close(fd);
}

/*
 * What the last owner left in the caches: a 32-bit ARM's DMA API does not flush what
 * it does not map, so a mapping for the device does, once for each chunk; elsewhere
 * nothing more is done.
 */
TEST(memory_is_flushed_where_the_dma_api_does_not)
{
	int device = bufalloc_open(NULL);
	struct bufalloc_query query;
	long hits;
	int fd;

	ASSERT_LE(0, device);
	ASSERT_EQ(0, probe_start("dma_map_page_attrs", ""));
	fd = buffer_open(device, 9 * MIB, BUFALLOC_CACHING_COHERENT);
	hits = probe_hits();
	probe_stop();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bufalloc_query(device, fd, &query));
	EXPECT_EQ(sizeof(long) == 4 ? query.out_chunks : 0, hits);
	close(fd);
	bufalloc_close(device);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * Old memory is never shown. The cells that boot with init_on_alloc=0 make this
 * a test of the module; elsewhere the kernel clears pages before we see them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

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
					  sizes[i], 40 * MIB, DIRT));
		for (round = 0; round < 4; round++) {
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
	size_t length = 256 * MIB;
	int fd;

	bytes = mmap(NULL, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)bytes);
	memset(bytes, DIRT, length);
	munmap(bytes, length);

	fd = buffer_open(self->device, 128 * MIB, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	EXPECT_TRUE(mapping_is(&mapping, 0));
	buffer_unmap(&mapping);
	close(fd);
}

/* The bytes after an odd length, up to the end of the page. */
TEST_F(zero, rest_of_the_last_page)
{
	static const size_t lengths[] = {
		1,
		4095,
		4097,
		8191,
		100 * KIB + 1,
		2 * MIB + 1,
		5 * MIB - 1,
	};
	struct mapping mapping;
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, memory_dirty(self->device, variant->caching,
					  lengths[i], 8 * MIB, DIRT));
		fd = buffer_open(self->device, lengths[i], variant->caching);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, buffer_map(fd, &mapping));
		EXPECT_EQ((lengths[i] + 4095) & ~4095UL, mapping.length);
		EXPECT_TRUE(mapping_is(&mapping, 0));
		buffer_unmap(&mapping);
		close(fd);
	}
}

/* 0 where all of a buffer is zero; it is left dirty. */
static int spoil(int fd)
{
	struct mapping mapping;
	int ret;

	if (fd < 0)
		return fd;
	ret = buffer_map(fd, &mapping);
	if (ret)
		return ret;
	ret = mapping_is(&mapping, 0) ? 0 : -EILSEQ;
	memset(mapping.bytes, DIRT, mapping.length);
	buffer_unmap(&mapping);
	return ret;
}

#define MANY 48

/*
 * Pieces of many lengths, that come and go in no order: what is carved lies across
 * what others were.
 */
TEST_F(zero, pieces_in_any_order)
{
	unsigned int seed = 12345, i, at;
	int fds[MANY];

	for (i = 0; i < MANY; i++)
		fds[i] = -1;
	for (i = 0; i < 20 * MANY; i++) {
		seed = seed * 1103515245 + 12345;
		at = (seed >> 16) % MANY;
		close(fds[at]);
		fds[at] = buffer_open(self->device,
				      4096 * (1 + (seed >> 8) % 40),
				      variant->caching);
		ASSERT_EQ(0, spoil(fds[at]));
	}
	for (i = 0; i < MANY; i++)
		close(fds[i]);
}

/* One run, of lengths that the page allocator rounds up and that it does not. */
TEST_F(zero, contiguous_memory)
{
	static const size_t lengths[] = {
		4 * KIB,
		20 * KIB,
		64 * KIB,
		1 * MIB,
		3 * MIB,
		4 * MIB,
	};
	unsigned int i, round;
	int fd;

	/* Others may have left little in one piece. */
	ASSERT_EQ(0, write_string("/proc/sys/vm/compact_memory", "1"));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, memory_dirty(self->device, variant->caching,
					  lengths[i], 16 * MIB, DIRT));
		for (round = 0; round < 8; round++) {
			fd = buffer_open_contiguous(self->device, lengths[i],
						    variant->caching);
			ASSERT_EQ(0, spoil(fd));
			close(fd);
		}
	}
}

/* Every heap that gives such memory, by its index. */
TEST_F(zero, memory_of_each_heap)
{
	struct bufalloc_request request = request_of(300 * KIB,
						     variant->caching);
	struct bufalloc_result result;
	struct bufalloc_info info;
	struct bufalloc_heap heap;
	int seen = 0;
	uint32_t i;
	int round;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	for (i = 0; i < info.out_heaps; i++) {
		ASSERT_EQ(0, bufalloc_get_heap(self->device, i, &heap));
		if (!(heap.out_cachings & 1U << variant->caching))
			continue;
		request.heap = i;
		for (round = 0; round < 16; round++) {
			ASSERT_EQ(0, bufalloc_alloc(self->device, &request,
						    &result, NULL));
			ASSERT_EQ(0, spoil(result.fd));
			close(result.fd);
		}
		seen++;
	}
	EXPECT_LT(0, seen);
}

/* He could not clean up after himself, and neither could his client. */
TEST_F(zero, memory_of_a_killed_process)
{
	int status, device, fd, i;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		device = bufalloc_open(NULL);
		for (i = 0; i < 32; i++)
			if (spoil(buffer_open(device, i % 2 ? 2 * MIB : 52 * KIB,
					      variant->caching)))
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	for (i = 0; i < 32; i++) {
		fd = buffer_open(self->device, i % 2 ? 2 * MIB : 52 * KIB,
				 variant->caching);
		ASSERT_EQ(0, spoil(fd));
		close(fd);
	}
}

/* What a device would read, when no process has ever looked at the memory. */
TEST_F(zero, memory_that_only_a_device_sees)
{
	static const size_t lengths[] = { 4 * KIB, 100 * KIB, 6 * MIB };
	static struct importer_map map;
	int importer = importer_open();
	uint64_t value, offset;
	unsigned int i;
	int fd, id;

	ASSERT_LE(0, importer);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, memory_dirty(self->device, variant->caching,
					  lengths[i], 16 * MIB, DIRT));
		fd = buffer_open(self->device, lengths[i], variant->caching);
		ASSERT_LE(0, fd);
		id = importer_attach(importer, fd, IMPORTER_DEVICE_64);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(importer, id, IMPORTER_TO_DEVICE,
					  &map));
		/* A few words of each page, and both of its ends. */
		for (offset = 0; offset < lengths[i]; offset += 4088 / 7) {
			ASSERT_EQ(0, importer_peek(importer, id,
						   offset & ~7ULL, &value));
			ASSERT_EQ(0, value);
		}
		close(fd);
		ASSERT_EQ(0, importer_detach(importer, id));
	}
	close(importer);
}

/* Calls of the module's function that clears memory, while it allocates a buffer. */
static long clears_of_alloc(int device, size_t length, uint32_t caching, int *fd)
{
	long hits;

	*fd = -1;
	if (probe_start("ba_caching_clear", ""))
		return -1;
	*fd = buffer_open(device, length, caching);
	hits = probe_hits();
	probe_stop();
	return hits;
}

/*
 * The module clears no page that the kernel has cleared: the page allocator, or the DMA API where
 * devices do not snoop. A range of a block that had an owner is cleared.
 */
TEST_F(zero, pages_are_cleared_once)
{
	bool carved = variant->caching == BUFALLOC_CACHING_WC && machine_types_memory();
	static const size_t lengths[] = { 4 * KIB, 9 * MIB };
	int importer = importer_open();
	struct bufalloc_query query;
	bool cleared;
	long clears;
	int kept, fd = -1;
	unsigned int i;

	ASSERT_LE(0, importer);
	cleared = importer_clears(importer) ||
		  (variant->caching == BUFALLOC_CACHING_CACHED && !machine_is_coherent());
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		clears = clears_of_alloc(self->device, lengths[i], variant->caching, &fd);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
		EXPECT_EQ(cleared ? 0 : query.out_chunks, clears);
		close(fd);
	}

	kept = buffer_open(self->device, 4 * KIB, variant->caching);
	ASSERT_LE(0, kept);
	close(buffer_open(self->device, 4 * KIB, variant->caching));
	clears = clears_of_alloc(self->device, 4 * KIB, variant->caching, &fd);
	ASSERT_LE(0, fd);
	EXPECT_EQ(cleared && !carved ? 0 : 1, clears);
	close(fd);
	close(kept);
	close(importer);
}

/*
 * What is cleared through the kernel's cacheable mapping, and used past the caches, leaves
 * no line in them: the start of a mapping for the device writes each chunk back, and its
 * end invalidates it. Nothing is done where the kernel's mapping has the same type.
 */
TEST(uncached_memory_leaves_nothing_in_the_caches)
{
	static const char *const functions[] = {
		"dma_map_page_attrs",
		"dma_unmap_page_attrs",
	};
	int device = bufalloc_open(NULL);
	struct bufalloc_query query;
	unsigned int i;
	long hits;
	int fd;

	ASSERT_LE(0, device);
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		ASSERT_EQ(0, probe_start(functions[i], ""));
		fd = buffer_open(device, 9 * MIB, BUFALLOC_CACHING_COHERENT);
		hits = probe_hits();
		probe_stop();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, bufalloc_query(device, fd, &query));
		EXPECT_EQ(machine_types_memory() ? 0 : query.out_chunks, hits);
		close(fd);
	}
	bufalloc_close(device);
}

TEST_HARNESS_MAIN

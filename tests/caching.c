// SPDX-License-Identifier: MIT
/*
 * What the CPU sees, told by the page-table entries and not by the module:
 * user mappings, kernel mappings of importers, and the kernel's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"

static const size_t lengths[] = {
	4 * KIB,
	64 * KIB,
	1 * MIB,
	2 * MIB,
	1920 * 1080 * 3 / 2,
	8 * MIB,
};

FIXTURE(caching)
{
	int device;
	int importer;
	int fd;
	struct mapping mapping;
	uint32_t memtype; /* as the module tells it */
	int entry; /* as the page tables of all mappings of it do */
	int direct; /* as the kernel's own */
};

FIXTURE_VARIANT(caching)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(caching, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(caching, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(caching, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

/* What is promised: of no caching that it is something else. */
static uint32_t promised(uint32_t caching)
{
	if (caching == BUFALLOC_CACHING_CACHED)
		return BUFALLOC_MEMTYPE_WRITE_BACK;
	if (caching == BUFALLOC_CACHING_COHERENT && machine_is_coherent())
		return BUFALLOC_MEMTYPE_WRITE_BACK;
	return BUFALLOC_MEMTYPE_WRITE_COMBINE;
}

/* The page table's word for a type. */
static int entry_of(uint32_t memtype)
{
	switch (memtype) {
	case BUFALLOC_MEMTYPE_WRITE_BACK:
		return IMPORTER_WRITE_BACK;
	case BUFALLOC_MEMTYPE_WRITE_COMBINE:
		return IMPORTER_WRITE_COMBINE;
	default:
		return IMPORTER_UNCACHED;
	}
}

FIXTURE_SETUP(caching)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->memtype = promised(variant->caching);
	self->entry = entry_of(self->memtype);
	self->direct = machine_types_memory() ? self->entry :
						IMPORTER_WRITE_BACK;
}

FIXTURE_TEARDOWN(caching)
{
	bufalloc_close(self->device);
	close(self->importer);
}

/* S1, S6: every page of the user's mapping and the kernel's view of each. */
TEST_F(caching, user_and_direct_entries)
{
	struct mapping *map = &self->mapping;
	unsigned int i;
	size_t offset;
	int64_t pfn;
	int direct;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		self->fd = buffer_open(self->device, lengths[i],
				       variant->caching);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, buffer_map(self->fd, map));
		for (offset = 0; offset < map->length; offset += 4096) {
			pfn = user_pfn(self->importer, map->bytes + offset);
			ASSERT_LT(0, pfn);
			ASSERT_EQ(self->entry,
				  user_memtype(self->importer,
					       map->bytes + offset));
			direct = direct_memtype(self->importer, pfn);
			if (direct != -ENXIO || machine_maps_all_memory())
				ASSERT_EQ(self->direct, direct);
		}
		buffer_unmap(map);
		close(self->fd);
	}
}

/* S6: memory that was write-combined is ordinary again when it is given back. */
TEST_F(caching, direct_entries_after_release)
{
	enum { PAGES = 2048 };
	struct mapping *map = &self->mapping;
	static int64_t pfns[PAGES];
	size_t page, pages;
	unsigned int i;
	int direct;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		self->fd = buffer_open(self->device, lengths[i],
				       variant->caching);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, buffer_map(self->fd, map));
		pages = map->length / 4096;
		ASSERT_GE(PAGES, pages);
		for (page = 0; page < pages; page++)
			pfns[page] = user_pfn(self->importer,
					      map->bytes + page * 4096);
		buffer_unmap(map);
		close(self->fd);
		for (page = 0; page < pages; page++) {
			direct = direct_memtype(self->importer, pfns[page]);
			if (direct != -ENXIO || machine_maps_all_memory())
				ASSERT_EQ(IMPORTER_WRITE_BACK, direct);
		}
	}
}

/* The kernel mapping that an importer gets: every sixteenth page of it. */
TEST_F(caching, vmap_entries)
{
	struct mapping *map = &self->mapping;
	struct importer_vmap vmap;
	uint64_t offset;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		self->fd = buffer_open(self->device, lengths[i],
				       variant->caching);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, buffer_map(self->fd, map));
		for (offset = 0; offset < map->length; offset += 4096)
			*(uint64_t *)(map->bytes + offset) = ~offset;
		for (offset = 0; offset < map->length; offset += 16 * 4096) {
			ASSERT_EQ(0, importer_vmap(self->importer, self->fd,
						   offset, &vmap));
			ASSERT_EQ(self->entry, (int)vmap.out_memtype);
			ASSERT_EQ(~offset, vmap.out_value);
		}
		buffer_unmap(map);
		close(self->fd);
	}
}

/* A page that was taken out of the mapping comes back as it was. */
TEST_F(caching, entries_after_a_zap)
{
	struct mapping *map = &self->mapping;
	size_t last;
	long faults;

	self->fd = buffer_open(self->device, 5 * MIB + 4096, variant->caching);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, map));
	last = map->length - 4096;
	map->bytes[0] = 1;
	map->bytes[last] = 2;
	ASSERT_EQ(0, importer_zap(self->importer, self->fd));
	EXPECT_EQ(-ENXIO, user_size(self->importer, map->bytes));
	EXPECT_EQ(-ENXIO, user_size(self->importer, map->bytes + last));

	faults = minor_faults();
	EXPECT_EQ(1, map->bytes[0]);
	EXPECT_EQ(2, map->bytes[last]);
	EXPECT_EQ(faults + 2, minor_faults());
	EXPECT_EQ(self->entry, user_memtype(self->importer, map->bytes));
	EXPECT_EQ(self->entry,
		  user_memtype(self->importer, map->bytes + last));
	buffer_unmap(map);
	close(self->fd);
}

/* S17: what was obtained is told, by ALLOC, QUERY and HEAP alike. */
TEST_F(caching, is_reported)
{
	struct bufalloc_request request = request_of(4096, variant->caching);
	struct bufalloc_result result;
	struct bufalloc_query query;
	struct bufalloc_heap heap;
	uint32_t memtypes[3];

	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(variant->caching, result.caching);
	EXPECT_EQ(self->memtype, result.memtype);
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(variant->caching, query.out_caching);
	EXPECT_EQ(self->memtype, query.out_memtype);
	ASSERT_EQ(0, bufalloc_get_heap(self->device, result.heap, &heap));
	memtypes[BUFALLOC_CACHING_WC] = heap.out_memtype_wc;
	memtypes[BUFALLOC_CACHING_COHERENT] = heap.out_memtype_coherent;
	memtypes[BUFALLOC_CACHING_CACHED] = heap.out_memtype_cached;
	EXPECT_EQ(self->memtype, memtypes[variant->caching]);
	EXPECT_TRUE(heap.out_cachings & 1U << variant->caching);
	close(result.fd);
}

/* What each heap says of a caching is what the page table says of its buffers. */
TEST_F(caching, every_heap_says_what_the_entry_is)
{
	struct bufalloc_request request = request_of(64 * KIB, variant->caching);
	struct bufalloc_result result;
	struct bufalloc_info info;
	struct bufalloc_heap heap;
	uint32_t memtypes[3];

	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	for (request.heap = 0; request.heap < info.out_heaps; request.heap++) {
		ASSERT_EQ(0, bufalloc_get_heap(self->device, request.heap, &heap));
		memtypes[BUFALLOC_CACHING_WC] = heap.out_memtype_wc;
		memtypes[BUFALLOC_CACHING_COHERENT] = heap.out_memtype_coherent;
		memtypes[BUFALLOC_CACHING_CACHED] = heap.out_memtype_cached;
		if (memtypes[variant->caching] == BUFALLOC_MEMTYPE_NONE) {
			EXPECT_EQ(-EOPNOTSUPP,
				  bufalloc_alloc(self->device, &request, &result,
						 NULL));
			continue;
		}
		ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result,
					    NULL));
		ASSERT_EQ(0, buffer_map(result.fd, &self->mapping));
		EXPECT_EQ(entry_of(memtypes[variant->caching]),
			  user_memtype(self->importer, self->mapping.bytes));
		buffer_unmap(&self->mapping);
		close(result.fd);
	}
}

/* "Any will do" changes nothing where what is asked for can be had. */
TEST_F(caching, any_caching_is_the_one_asked_for)
{
	struct bufalloc_request request = request_of(4096, variant->caching);
	struct bufalloc_result result;

	request.flags = BUFALLOC_ALLOC_ANY_CACHING;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(variant->caching, result.caching);
	EXPECT_EQ(self->memtype, result.memtype);
	close(result.fd);
}

/*
 * Ten thousand buffers of 4 KiB to 1 MiB, so many alive at a time that they do
 * not all fit where the kernel's mapping was split before.
 */
TEST_F(caching, direct_map_is_not_split)
{
	enum { COUNT = 10000,
	       LIVE = 500 };
	/* Four times what is alive at once is enough where each takes long. */
	int count = is_watched() ? COUNT / 5 : COUNT;
	long before = meminfo("DirectMap4k");
	int fds[LIVE], i;

	if (!machine_types_memory())
		SKIP(return, "nobody changes the kernel's mapping here");
	ASSERT_LT(0, before);
	memset(fds, -1, sizeof(fds));
	for (i = 0; i < count; i++) {
		if (fds[i % LIVE] >= 0)
			close(fds[i % LIVE]);
		fds[i % LIVE] = buffer_open(self->device,
					    4096UL << (i % 9),
					    variant->caching);
		ASSERT_LE(0, fds[i % LIVE]);
	}
	if (variant->caching == BUFALLOC_CACHING_WC)
		EXPECT_EQ(before, meminfo("DirectMap4k"));
	for (i = 0; i < LIVE; i++)
		close(fds[i]);
	EXPECT_EQ(before, meminfo("DirectMap4k"));
}

/* U2: a machine without write-combining. */
FIXTURE(nopat)
{
	int device;
	struct bufalloc_request request;
	struct bufalloc_result result;
};

FIXTURE_SETUP(nopat)
{
	if (machine_has_wc())
		SKIP(return, "this machine has write-combining");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->request = request_of(64 * KIB, BUFALLOC_CACHING_WC);
}

FIXTURE_TEARDOWN(nopat)
{
	bufalloc_close(self->device);
}

TEST_F(nopat, wc_is_refused)
{
	struct bufalloc_heap heap;
	uint32_t reason;

	EXPECT_EQ(-EOPNOTSUPP, bufalloc_alloc(self->device, &self->request,
					      &self->result, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CACHING, reason);
	ASSERT_EQ(0, bufalloc_get_heap(self->device, 0, &heap));
	EXPECT_EQ(BUFALLOC_MEMTYPE_NONE, heap.out_memtype_wc);
	EXPECT_FALSE(heap.out_cachings & 1U << BUFALLOC_CACHING_WC);
}

TEST_F(nopat, any_caching_is_given_and_told)
{
	self->request.flags = BUFALLOC_ALLOC_ANY_CACHING;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request,
				    &self->result, NULL));
	EXPECT_EQ(BUFALLOC_CACHING_COHERENT, self->result.caching);
	EXPECT_EQ(BUFALLOC_MEMTYPE_WRITE_BACK, self->result.memtype);
	close(self->result.fd);
}

TEST_HARNESS_MAIN

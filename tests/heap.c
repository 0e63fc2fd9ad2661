// SPDX-License-Identifier: MIT
/*
 * Heaps that a device tree describes: each has the memory that its node says and
 * no other, and tells what is different about it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/tree.h"

#define HEAPS_MAX 16

FIXTURE(heap)
{
	int device;
	int importer;
	uint32_t index;
	struct tree_heap node;
	struct bufalloc_heap facts;
	struct bufalloc_request request;
};

/* Which node: each machine with such heaps has one of some of the kinds. */
FIXTURE_VARIANT(heap)
{
	bool region;
	bool reusable;
	bool coherent;
	bool translated;
};

FIXTURE_VARIANT_ADD(heap, reusable) {
	.region = true,
	.reusable = true,
};

FIXTURE_VARIANT_ADD(heap, pool) {
	.region = true,
};

FIXTURE_VARIANT_ADD(heap, coherent) {
	.coherent = true,
};

FIXTURE_VARIANT_ADD(heap, translated) {
	.translated = true,
};

FIXTURE_VARIANT_ADD(heap, translated_reusable) {
	.region = true,
	.reusable = true,
	.translated = true,
};

/* Nodes that must not have become heaps. */
static const char *const bad_names[] = {
	"nowhere",
	"bounce",
	"astray",
	"dangling",
	"closed",
	"nested",
	"",
	"abcdefghijklmnopqrstuvwxyz01234",
};

static bool is_bad(const struct tree_heap *node)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_names); i++)
		if (!strcmp(node->name, bad_names[i]))
			return true;
	return !strcmp(node->name, "system");
}

static bool is_wanted(const struct tree_heap *node,
		      const FIXTURE_VARIANT(heap) * variant)
{
	return !is_bad(node) && variant->region == !!node->size &&
	       variant->reusable == node->reusable &&
	       variant->coherent == node->coherent &&
	       variant->translated == node->translated;
}

FIXTURE_SETUP(heap)
{
	struct tree_heap nodes[HEAPS_MAX];
	int count = tree_heaps(nodes, HEAPS_MAX);

	while (count > 0 && !is_wanted(&nodes[count - 1], variant))
		count--;
	if (!count)
		SKIP(return, "no such heap in this machine's device tree");
	self->node = nodes[count - 1];

	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	ASSERT_EQ(0, bufalloc_find_heap(self->device, self->node.name,
					&self->index));
	ASSERT_EQ(0, bufalloc_get_heap(self->device, self->index,
				       &self->facts));
	self->request = request_of(MIB, variant->coherent ?
						BUFALLOC_CACHING_COHERENT :
						BUFALLOC_CACHING_WC);
	self->request.heap = self->index;
}

FIXTURE_TEARDOWN(heap)
{
	close(self->importer);
	bufalloc_close(self->device);
}

static uint64_t heap_used(FIXTURE_DATA(heap) * self)
{
	struct bufalloc_heap now;

	return bufalloc_get_heap(self->device, self->index, &now) ?
		       UINT64_MAX :
		       now.out_bytes_used;
}

TEST_F(heap, tells_what_it_is)
{
	uint32_t flags = 0;

	if (variant->translated || (variant->region && !variant->reusable))
		flags |= BUFALLOC_HEAP_KERNEL_MAPPING;
	/* These machines have an area of CMA. */
	flags |= variant->region ? BUFALLOC_HEAP_UNCHARGED :
				   BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS;
	if (!access(GROUPS "/dmem.capacity", F_OK))
		flags |= BUFALLOC_HEAP_DMEM;
	EXPECT_EQ(flags, self->facts.out_flags);
	EXPECT_EQ(self->node.size, self->facts.out_bytes_total);
	EXPECT_EQ(0, self->facts.out_bytes_used);
	if (variant->region) {
		EXPECT_EQ(self->node.size, self->facts.out_contiguous);
		EXPECT_TRUE(self->facts.out_dma_bits == 64 ||
			    self->node.start + self->node.size <=
				    1ULL << self->facts.out_dma_bits);
	}
}

/* Behind the device that is open to everybody, no memory that nobody pays for. */
TEST_F(heap, charged_device_has_no_memory_that_was_set_aside)
{
	int charged = bufalloc_open(BUFALLOC_DEVICE_CHARGED);
	struct bufalloc_result result;
	uint32_t reason = 0;

	ASSERT_LE(0, charged);
	if (variant->region) {
		EXPECT_EQ(-EACCES, bufalloc_alloc(charged, &self->request,
						  &result, &reason));
		EXPECT_EQ(BUFALLOC_REASON_UNCHARGED, reason);
	} else {
		ASSERT_EQ(0, bufalloc_alloc(charged, &self->request, &result,
					    &reason));
		close(result.fd);
	}
	/* What an IOMMU's driver takes in one run may be CMA memory. */
	self->request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	if (variant->translated) {
		EXPECT_EQ(-EACCES, bufalloc_alloc(charged, &self->request,
						  &result, &reason));
		EXPECT_EQ(BUFALLOC_REASON_UNCHARGED, reason);
	}
	bufalloc_close(charged);
}

TEST_F(heap, is_only_used_when_it_is_named)
{
	int fd = buffer_open(self->device, 9 * MIB, BUFALLOC_CACHING_COHERENT);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, heap_used(self));
	close(fd);
}

/* Where an attachment without an IOMMU finds a buffer of @length. */
static void find_places(struct __test_metadata *_metadata,
			FIXTURE_DATA(heap) * self, size_t length,
			uint32_t flags, struct importer_map *map)
{
	struct bufalloc_result result;
	struct edus edus;
	int id;

	edus_find(self->importer, &edus);
	self->request.length = length;
	self->request.flags = flags;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	EXPECT_EQ(self->index, result.heap);
	EXPECT_LE(length, heap_used(self));
	edus_taking(&edus, self->device, result.fd);
	ASSERT_LE(1, edus.count);
	id = importer_attach(self->importer, result.fd,
			     self->node.coherent ? edus.facts[0].device :
						   IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL, map));
	ASSERT_EQ(0, importer_detach(self->importer, id));
	close(result.fd);
	EXPECT_EQ(0, heap_used(self));
}

TEST_F(heap, memory_lies_in_its_region)
{
	static const size_t lengths[] = { 4096, 3 * MIB + 4096, 12 * MIB };
	struct importer_segment *segment;
	struct importer_map map;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		find_places(_metadata, self, lengths[i], 0, &map);
		if (!variant->region)
			continue;
		for (j = 0; j < map.out_nents; j++) {
			segment = &map.out_segments[j];
			EXPECT_LE(self->node.start, segment->phys);
			EXPECT_GE(self->node.start + self->node.size,
				  segment->phys + segment->length);
		}
	}
}

TEST_F(heap, contiguous_is_one_segment)
{
	struct importer_map map;

	find_places(_metadata, self, 3 * MIB + 4096, BUFALLOC_ALLOC_CONTIGUOUS,
		    &map);
	EXPECT_EQ(1, map.out_nents);
	EXPECT_EQ(3 * MIB + 4096, map.out_segments[0].length);
}

/* No other memory is taken in the name of a region that is full. */
TEST_F(heap, full_region_is_ENOMEM)
{
	struct bufalloc_result result;
	int fds[HEAPS_MAX * 64], count = 0;
	uint32_t reason = 0;

	if (!variant->region)
		return;
	self->request.length = self->node.size + 4096;
	EXPECT_EQ(-ENOMEM, bufalloc_alloc(self->device, &self->request, &result,
					  &reason));
	EXPECT_EQ(BUFALLOC_REASON_MEMORY, reason);
	EXPECT_EQ(0, heap_used(self));

	self->request.length = 4 * MIB;
	while (count < (int)ARRAY_SIZE(fds) &&
	       !bufalloc_alloc(self->device, &self->request, &result, NULL))
		fds[count++] = result.fd;
	EXPECT_LT(0, count);
	EXPECT_GE(self->node.size, heap_used(self));
	EXPECT_GE((int)(self->node.size / (4 * MIB)), count);
	while (count-- > 0)
		close(fds[count]);
	EXPECT_EQ(0, heap_used(self));
}

TEST_F(heap, memory_is_cleared)
{
	struct bufalloc_result result;
	struct mapping map;
	unsigned int round;

	self->request.length = 9 * MIB;
	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request,
					    &result, NULL));
		ASSERT_EQ(0, buffer_map(result.fd, &map));
		EXPECT_TRUE(mapping_is(&map, 0));
		memset(map.bytes, 0xa5, map.length);
		buffer_unmap(&map);
		close(result.fd);
	}
}

/* WC nowhere where a device sees the CPU's caches, write-back never in a pool. */
TEST_F(heap, cachings_are_what_they_can_be)
{
	bool pool = variant->region && !variant->reusable;
	int kind = variant->coherent ? IMPORTER_WRITE_BACK :
				       IMPORTER_WRITE_COMBINE;
	struct bufalloc_request refused = self->request;
	struct bufalloc_result result;
	struct importer_vmap vmap;
	struct mapping map;
	uint32_t reason = 0;

	refused.caching = variant->coherent ? BUFALLOC_CACHING_WC :
					      BUFALLOC_CACHING_CACHED;
	if (pool || variant->coherent) {
		EXPECT_EQ(-EOPNOTSUPP, bufalloc_alloc(self->device, &refused,
						      &result, &reason));
		EXPECT_EQ(BUFALLOC_REASON_CACHING, reason);
		EXPECT_EQ(0, self->facts.out_cachings &
				     (1U << refused.caching));
	}

	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	ASSERT_EQ(0, buffer_map(result.fd, &map));
	map.bytes[4096] = 0x5a;
	EXPECT_EQ(kind, user_memtype(self->importer, map.bytes));
	EXPECT_EQ(0, importer_vmap(self->importer, result.fd, 4096, &vmap));
	EXPECT_EQ(kind, (int)vmap.out_memtype);
	EXPECT_EQ(0x5a, vmap.out_value);
	buffer_unmap(&map);
	close(result.fd);
}

/* Cacheable memory that gets no syncs is not for a device that does not snoop. */
TEST_F(heap, who_does_not_snoop_is_told)
{
	int expected = variant->coherent ? -EIO : 0;
	struct importer_facts facts;
	struct bufalloc_result result;
	struct importer_map map;
	uint32_t reason;
	int id;

	ASSERT_EQ(0, importer_facts(self->importer, IMPORTER_DEVICE_64, &facts));
	EXPECT_FALSE(facts.out_coherent);
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	id = importer_attach(self->importer, result.fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(expected, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					 &map));
	EXPECT_EQ(expected ? 1 : 0,
		  buffer_refusals(self->device, result.fd, &reason));
	EXPECT_EQ(expected ? BUFALLOC_REASON_NOT_SNOOPING : BUFALLOC_REASON_NONE,
		  reason);
	ASSERT_EQ(0, importer_detach(self->importer, id));
	close(result.fd);
}

static uint32_t find_snooping(int importer)
{
	struct edus edus;
	int i;

	edus_find(importer, &edus);
	for (i = 0; i < edus.count; i++)
		if (edus.facts[i].out_coherent)
			return edus.facts[i].device;
	return 0;
}

/*
 * The kernel has a cacheable mapping of all memory but a pool's: a device that snoops may
 * have a pool, and otherwise what is write-back, as a deferred buffer is for it.
 */
TEST_F(heap, who_snoops_is_told)
{
	bool pool = variant->region && !variant->reusable;
	int expected = pool || variant->coherent ? 0 : -EIO;
	uint32_t snoops = find_snooping(self->importer);
	static struct importer_map map;
	struct bufalloc_result result;
	struct bufalloc_query query;
	uint32_t reason;
	int id;

	ASSERT_NE(0, snoops);
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	id = importer_attach(self->importer, result.fd, snoops);
	ASSERT_LE(0, id);
	EXPECT_EQ(expected, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					 &map));
	buffer_refusals(self->device, result.fd, &reason);
	EXPECT_EQ(expected ? BUFALLOC_REASON_SNOOPING : BUFALLOC_REASON_NONE,
		  reason);
	ASSERT_EQ(0, importer_detach(self->importer, id));
	close(result.fd);

	self->request.caching = BUFALLOC_CACHING_COHERENT;
	self->request.flags = BUFALLOC_ALLOC_DEFERRED;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	id = importer_attach(self->importer, result.fd, snoops);
	ASSERT_LE(0, id);
	EXPECT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(pool ? BUFALLOC_MEMTYPE_WRITE_COMBINE :
			 BUFALLOC_MEMTYPE_WRITE_BACK,
		  query.out_memtype);
	EXPECT_EQ(BUFALLOC_CACHING_COHERENT, query.out_caching);
	EXPECT_EQ(self->index, query.out_heap);
	ASSERT_EQ(0, importer_detach(self->importer, id));
	close(result.fd);
}

/* S17: that NO_KERNEL_MAPPING is ignored is told, and true. */
TEST_F(heap, kernel_mapping_is_as_told)
{
	bool mapped = variant->translated;
	long before, grown;
	struct bufalloc_result result;

	self->request.length = 9 * MIB;
	before = vmalloc_bytes();
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	grown = vmalloc_bytes() - before;
	EXPECT_EQ(mapped, grown >= (long)(9 * MIB));
	EXPECT_EQ(!mapped, grown < (long)MIB);
	close(result.fd);
}

/* S2, S16: devices move data through memory that was set aside. */
TEST_F(heap, devices_share_its_memory)
{
	static unsigned char pattern[1024];
	struct bufalloc_result result;
	struct importer_map map;
	struct mapping user;
	struct edus edus;
	int ids[2], i;

	edus_find(self->importer, &edus);
	self->request.length = 9 * MIB;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &self->request, &result, NULL));
	edus_taking(&edus, self->device, result.fd);
	ASSERT_LE(2, edus.count);
	ASSERT_EQ(0, buffer_map(result.fd, &user));
	for (i = 0; i < 2; i++) {
		ids[i] = importer_attach(self->importer, result.fd,
					 edus.facts[i].device);
		ASSERT_LE(0, ids[i]);
		ASSERT_EQ(0, importer_map(self->importer, ids[i],
					  IMPORTER_BIDIRECTIONAL, &map));
	}
	for (i = 0; i < (int)sizeof(pattern); i++)
		pattern[i] = i * 13 + 5;
	memcpy(user.bytes, pattern, sizeof(pattern));
	ASSERT_EQ(0, importer_dma(self->importer, ids[0], IMPORTER_TO_DEVICE, 0,
				  sizeof(pattern)));
	ASSERT_EQ(0, importer_dma(self->importer, ids[0], IMPORTER_FROM_DEVICE,
				  5 * MIB, sizeof(pattern)));
	ASSERT_EQ(0, importer_dma(self->importer, ids[1], IMPORTER_TO_DEVICE,
				  5 * MIB, sizeof(pattern)));
	ASSERT_EQ(0, importer_dma(self->importer, ids[1], IMPORTER_FROM_DEVICE,
				  9 * MIB - sizeof(pattern), sizeof(pattern)));
	EXPECT_EQ(0, memcmp(pattern, user.bytes + 9 * MIB - sizeof(pattern),
			    sizeof(pattern)));
	buffer_unmap(&user);
	close(result.fd);
}

/*
 * A region that is none, or not ours to keep; no name, or one that is taken; or a place
 * from which the node's device can be taken away.
 */
TEST(a_bad_node_is_no_heap)
{
	struct tree_heap nodes[HEAPS_MAX];
	int i, count = tree_heaps(nodes, HEAPS_MAX), bad = 0;
	int device = bufalloc_open(NULL);
	struct bufalloc_info info;
	struct bufalloc_heap heap;
	uint32_t index;

	for (i = 0; i < count; i++)
		bad += is_bad(&nodes[i]);
	if (!bad)
		SKIP(return, "no bad node in this machine's device tree");
	ASSERT_LE(0, device);
	ASSERT_EQ(0, bufalloc_get_info(device, &info));
	EXPECT_EQ(2 + count - bad, (int)info.out_heaps);
	for (i = 0; i < (int)ARRAY_SIZE(bad_names); i++)
		EXPECT_EQ(-ENOENT,
			  bufalloc_find_heap(device, bad_names[i], &index));
	ASSERT_EQ(0, bufalloc_find_heap(device, "system", &index));
	ASSERT_EQ(0, bufalloc_get_heap(device, index, &heap));
	EXPECT_EQ(64, heap.out_dma_bits);
	EXPECT_EQ(0, index);
	bufalloc_close(device);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/* Importers: their tables, their mappings, and what the DMA API was asked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (1920 * 1080 * 4UL)

FIXTURE(attachment)
{
	int device;
	int importer;
	int fd;
	int id;
	struct importer_map map;
};

FIXTURE_VARIANT(attachment)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(attachment, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(attachment, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(attachment, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(attachment)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, self->fd);
	self->id = importer_attach(self->importer, self->fd,
				   IMPORTER_DEVICE_64);
	ASSERT_LE(0, self->id);
}

FIXTURE_TEARDOWN(attachment)
{
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

/* The importer's segments are the buffer: all of it, in order, page-aligned. */
TEST_F(attachment, table_describes_the_buffer)
{
	struct bufalloc_query query;
	uint64_t total = 0;
	unsigned char *bytes;
	struct mapping map;
	unsigned int i;

	ASSERT_EQ(0, buffer_map(self->fd, &map));
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_BIDIRECTIONAL, &self->map));
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(query.out_segments, self->map.out_orig_nents);
	EXPECT_EQ(1, query.out_attachments);
	ASSERT_GE(IMPORTER_SEGMENTS_MAX, self->map.out_nents);
	for (i = 0; i < self->map.out_nents; i++) {
		bytes = map.bytes + total;
		EXPECT_EQ(0, self->map.out_segments[i].dma % 4096);
		EXPECT_EQ(0, self->map.out_segments[i].length % 4096);
		EXPECT_EQ(user_pfn(self->importer, bytes),
			  (int64_t)(self->map.out_segments[i].phys / 4096));
		total += self->map.out_segments[i].length;
	}
	EXPECT_EQ(map.length, total);
	buffer_unmap(&map);
}

/* S16, U10: one mapping for the life of the attachment. */
TEST_F(attachment, mapping_is_kept)
{
	struct importer_segment first;
	int i;

	ASSERT_EQ(0, probe_start("dma_map_sgtable", ""));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, importer_map(self->importer, self->id,
					  IMPORTER_TO_DEVICE, &self->map));
		if (!i)
			first = self->map.out_segments[0];
		EXPECT_EQ(first.dma, self->map.out_segments[0].dma);
		ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	}
	EXPECT_EQ(1, probe_hits());
	probe_stop();
}

TEST_F(attachment, mapping_ends_with_the_attachment)
{
	ASSERT_EQ(0, probe_start("dma_unmap_sg_attrs", ""));
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_TO_DEVICE, &self->map));
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	EXPECT_EQ(0, probe_hits());
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(1, probe_hits());
	probe_stop();
}

/* Nobody would tell that the driver of such a device leaves. */
TEST_F(attachment, mapping_on_another_bus_is_not_kept)
{
	int id = importer_attach(self->importer, self->fd,
				 IMPORTER_DEVICE_OTHER_BUS);

	ASSERT_LE(0, id);
	ASSERT_EQ(0, probe_start("dma_unmap_sg_attrs", ""));
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
				  &self->map));
	EXPECT_EQ(0, probe_hits());
	ASSERT_EQ(0, importer_unmap(self->importer, id));
	EXPECT_EQ(1, probe_hits());
	/* It can be mapped again. */
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
				  &self->map));
	ASSERT_EQ(0, importer_detach(self->importer, id));
	EXPECT_EQ(2, probe_hits());
	probe_stop();
}

static int last_direction(void)
{
	char text[8192], *found;
	const char *last = NULL;

	if (probe_read(text, sizeof(text)) <= 0)
		return -1;
	for (found = strstr(text, "dir="); found; found = strstr(found + 1, "dir="))
		last = found;
	return last ? atoi(last + strlen("dir=")) : -1;
}

/* In the direction asked for; wider by mapping again while nobody uses it. */
TEST_F(attachment, direction_is_asked_for_and_widened)
{
	ASSERT_EQ(0, probe_start("dma_map_sgtable", "dir=" PROBE_ARG3 ":u32"));
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_TO_DEVICE, &self->map));
	EXPECT_EQ(IMPORTER_TO_DEVICE, last_direction());
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_FROM_DEVICE, &self->map));
	EXPECT_EQ(IMPORTER_BIDIRECTIONAL, last_direction());
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	/* It covers both now. */
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_TO_DEVICE, &self->map));
	EXPECT_EQ(2, probe_hits());
	probe_stop();
}

/* Two directions at once, the second not covered by the first. */
TEST_F(attachment, direction_in_use_is_EBUSY)
{
	uint32_t reason;

	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_TO_DEVICE, &self->map));
	EXPECT_EQ(-EBUSY, importer_map(self->importer, self->id,
				       IMPORTER_FROM_DEVICE, &self->map));
	EXPECT_EQ(1, buffer_refusals(self->device, self->fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_DIRECTION, reason);
	EXPECT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_TO_DEVICE, &self->map));
	EXPECT_EQ(1, buffer_refusals(self->device, self->fd, &reason));
}

/* S8: two devices of different masks, each with a table of its own. */
TEST_F(attachment, two_devices_share_the_memory)
{
	struct bufalloc_request request = request_of(LENGTH, variant->caching);
	struct bufalloc_result result;
	struct bufalloc_query query;
	struct importer_map other;
	int first, second;

	request.dma_bits = 32;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	first = importer_attach(self->importer, result.fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, first);
	second = importer_attach(self->importer, result.fd, IMPORTER_DEVICE_32);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, importer_map(self->importer, first, IMPORTER_TO_DEVICE,
				  &self->map));
	ASSERT_EQ(0, importer_map(self->importer, second, IMPORTER_FROM_DEVICE,
				  &other));
	EXPECT_EQ(self->map.out_orig_nents, other.out_orig_nents);
	EXPECT_EQ(self->map.out_segments[0].phys, other.out_segments[0].phys);
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(2, query.out_attachments);
	ASSERT_EQ(0, importer_detach(self->importer, first));
	ASSERT_EQ(0, importer_unmap(self->importer, second));
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(1, query.out_attachments);
	close(result.fd);
}

/* A driver that does no DMA can attach, but not map. */
TEST_F(attachment, device_without_dma_is_ENODEV)
{
	int id = importer_attach(self->importer, self->fd,
				 IMPORTER_DEVICE_NONE);
	uint32_t reason;

	ASSERT_LE(0, id);
	EXPECT_EQ(0, buffer_refusals(self->device, self->fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_NONE, reason);
	EXPECT_EQ(-ENODEV, importer_map(self->importer, id, IMPORTER_TO_DEVICE,
					&self->map));
	EXPECT_EQ(1, buffer_refusals(self->device, self->fd, &reason));
	EXPECT_EQ(BUFALLOC_REASON_NO_DMA, reason);
	EXPECT_EQ(0, importer_detach(self->importer, id));
}

/* U7: the 32-bit heap is reached by a device that reaches 4 GiB. */
TEST_F(attachment, dma_bits_are_kept)
{
	struct bufalloc_request request = request_of(LENGTH, variant->caching);
	struct bufalloc_result result;
	unsigned int i;
	int id;

	request.dma_bits = 32;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	id = importer_attach(self->importer, result.fd, IMPORTER_DEVICE_32);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL,
				  &self->map));
	for (i = 0; i < self->map.out_nents; i++)
		EXPECT_GE(1ULL << 32, self->map.out_segments[i].dma +
					      self->map.out_segments[i].length);
	ASSERT_EQ(0, importer_detach(self->importer, id));
	close(result.fd);
}

/*
 * S23: memory above 4 GiB would be bounced for a 32-bit device, which would
 * work on a copy. It is refused, and the guest's log says nothing of it.
 */
TEST_F(attachment, bouncing_is_EIO)
{
	/* More than a CMA area holds, which lies below. */
	enum { COUNT = 4096 };
	static const size_t lengths[] = { 64 * KIB, 4 * MIB };
	static int fds[COUNT];
	unsigned int i;

	if (!machine_reaches_above_4_GiB())
		SKIP(return, "no memory above 4 GiB on this machine");
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct bufalloc_request request = request_of(lengths[i],
							     variant->caching);
		struct bufalloc_result result;
		int64_t pfn = 0;
		int count, id;
		struct mapping map;

		request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
		for (count = 0; count < COUNT && pfn < 1 << 20; count++) {
			ASSERT_EQ(0, bufalloc_alloc(self->device, &request,
						    &result, NULL));
			fds[count] = result.fd;
			ASSERT_EQ(0, buffer_map(result.fd, &map));
			pfn = user_pfn(self->importer, map.bytes);
			buffer_unmap(&map);
		}
		ASSERT_LE(1 << 20, pfn);
		id = importer_attach(self->importer, fds[count - 1],
				     IMPORTER_DEVICE_32);
		ASSERT_LE(0, id);
		EXPECT_EQ(-EIO, importer_map(self->importer, id,
					     IMPORTER_TO_DEVICE, &self->map));
		EXPECT_EQ(0, importer_detach(self->importer, id));
		while (count-- > 0)
			close(fds[count]);
	}
}

/* S14: every caching takes the syncs that cached memory needs elsewhere. */
TEST_F(attachment, cpu_access_is_bracketed)
{
	struct mapping map;
	uint64_t value;

	ASSERT_EQ(0, buffer_map(self->fd, &map));
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_BIDIRECTIONAL, &self->map));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	memset(map.bytes, 0x77, map.length);
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	ASSERT_EQ(0, importer_peek(self->importer, self->id, LENGTH / 2,
				   &value));
	EXPECT_EQ(0x7777777777777777ULL, value);
	buffer_unmap(&map);
}

/*
 * S15: what the DMA API is asked for, seen from outside the module. The bits
 * are those of <linux/dma-mapping.h>.
 */
#define ATTR_WRITE_COMBINE (1UL << 2)
#define ATTR_NO_KERNEL_MAPPING (1UL << 4)

static int seen_attrs(const char *text, unsigned long *all, unsigned long *any)
{
	unsigned long attrs;
	const char *found;
	int count = 0;

	*all = ~0UL;
	*any = 0;
	for (found = strstr(text, "attrs="); found;
	     found = strstr(found + 1, "attrs=")) {
		if (sscanf(found, "attrs=%lx", &attrs) != 1)
			continue;
		*all &= attrs;
		*any |= attrs;
		count++;
	}
	return count;
}

TEST_F(attachment, dma_api_makes_no_kernel_mapping)
{
	static char text[65536];
	unsigned long all, any;
	int fd, count;

	ASSERT_EQ(0, probe_start("dma_alloc_attrs", "attrs=" PROBE_ARG5 ":x32"));
	fd = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, probe_read(text, sizeof(text)));
	probe_stop();
	count = seen_attrs(text, &all, &any);
	if (variant->caching == BUFALLOC_CACHING_CACHED && !machine_is_coherent()) {
		/* Memory that needs syncs comes from dma_alloc_pages(). */
		EXPECT_EQ(0, count);
	} else {
		EXPECT_LT(0, count);
		EXPECT_TRUE(all & ATTR_NO_KERNEL_MAPPING);
	}
	EXPECT_EQ(variant->caching == BUFALLOC_CACHING_WC,
		  !!(any & ATTR_WRITE_COMBINE));

	/* It is given back with the attributes it was taken with. */
	ASSERT_EQ(0, probe_start("dma_free_attrs", "attrs=" PROBE_ARG5_AFTER_U64 ":x32"));
	close(fd);
	ASSERT_LT(0, probe_read(text, sizeof(text)));
	probe_stop();
	EXPECT_EQ(count, seen_attrs(text, &all, &any));
	EXPECT_EQ(!!count, !!(any & ATTR_NO_KERNEL_MAPPING));
	EXPECT_TRUE(all & ATTR_NO_KERNEL_MAPPING);
	EXPECT_EQ(variant->caching == BUFALLOC_CACHING_WC,
		  !!(any & ATTR_WRITE_COMBINE));
}

/*
 * Devices that snoop and one that does not, on the same machine. Where the type of memory
 * belongs to each mapping, the kernel's own mapping stays cacheable.
 */
FIXTURE(snooping)
{
	int device;
	int importer;
	uint32_t snoops[2];
	uint32_t bypasses;
	struct bufalloc_result result;
};

FIXTURE_SETUP(snooping)
{
	struct edus edus;
	int i, count = 0;

	if (machine_types_memory())
		SKIP(return, "the kernel's own mapping has the same type");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->result.fd = -1;
	edus_find(self->importer, &edus);
	for (i = 0; i < edus.count; i++) {
		if (!edus.facts[i].out_coherent)
			self->bypasses = edus.facts[i].device;
		else if (count < 2)
			self->snoops[count++] = edus.facts[i].device;
	}
	if (!strcmp(machine(), "nosnoop"))
		SKIP(return, "no device of this machine snoops");
	ASSERT_EQ(2, count);
	ASSERT_NE(0, self->bypasses);
}

FIXTURE_TEARDOWN(snooping)
{
	close(self->result.fd);
	close(self->importer);
	bufalloc_close(self->device);
}

/* A buffer that replaces the last one. */
static int take(FIXTURE_DATA(snooping) * self, uint32_t caching, uint32_t flags)
{
	struct bufalloc_request request = request_of(LENGTH, caching);

	close(self->result.fd);
	request.flags = flags;
	return bufalloc_alloc(self->device, &request, &self->result, NULL);
}

static int attach(FIXTURE_DATA(snooping) * self, uint32_t device)
{
	return importer_attach(self->importer, self->result.fd, device);
}

/* The reason of a refusal, 0 where the device has the buffer mapped, or an errno. */
static int map_reason(FIXTURE_DATA(snooping) * self, int id)
{
	static struct importer_map map;
	uint32_t reason;
	int ret = importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL, &map);

	if (ret != -EIO)
		return ret;
	buffer_refusals(self->device, self->result.fd, &reason);
	return reason;
}

/* The page table's word, where QUERY says the same; else -EPROTO. */
static int entry_of(FIXTURE_DATA(snooping) * self, uint32_t caching)
{
	struct bufalloc_query query;
	struct mapping map;
	int entry;

	if (bufalloc_query(self->device, self->result.fd, &query) ||
	    buffer_map(self->result.fd, &map))
		return -EIO;
	entry = user_memtype(self->importer, map.bytes);
	buffer_unmap(&map);
	if (query.out_caching != caching ||
	    query.out_memtype != (entry == IMPORTER_WRITE_BACK ?
					  BUFALLOC_MEMTYPE_WRITE_BACK :
					  BUFALLOC_MEMTYPE_WRITE_COMBINE))
		return -EPROTO;
	return entry;
}

/* The device could find old lines of the kernel's cacheable mapping. */
TEST_F(snooping, device_is_refused_uncached_memory)
{
	uint32_t caching;

	for (caching = BUFALLOC_CACHING_WC; caching <= BUFALLOC_CACHING_COHERENT;
	     caching++) {
		ASSERT_EQ(0, take(self, caching, 0));
		EXPECT_EQ(BUFALLOC_REASON_SNOOPING,
			  map_reason(self, attach(self, self->snoops[0])));
		EXPECT_EQ(0, map_reason(self, attach(self, self->bypasses)));
		EXPECT_EQ(IMPORTER_WRITE_COMBINE, entry_of(self, caching));
	}
}

TEST_F(snooping, cached_memory_serves_both_kinds)
{
	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_CACHED, 0));
	EXPECT_EQ(0, map_reason(self, attach(self, self->snoops[0])));
	EXPECT_EQ(0, map_reason(self, attach(self, self->bypasses)));
}

/* By the first map and by COMMIT. A device that comes later has no say. */
TEST_F(snooping, deferred_coherent_is_write_back_where_all_snoop)
{
	int id, commit;

	for (commit = 0; commit < 2; commit++) {
		ASSERT_EQ(0, take(self, BUFALLOC_CACHING_COHERENT,
				  BUFALLOC_ALLOC_DEFERRED));
		EXPECT_EQ(BUFALLOC_MEMTYPE_WRITE_COMBINE, self->result.memtype);
		ASSERT_LE(0, attach(self, self->snoops[0]));
		id = attach(self, self->snoops[1]);
		if (commit)
			ASSERT_EQ(0, bufalloc_commit(self->device,
						     &self->result.fd, 1, NULL,
						     NULL));
		EXPECT_EQ(0, map_reason(self, id));
		EXPECT_EQ(IMPORTER_WRITE_BACK,
			  entry_of(self, BUFALLOC_CACHING_COHERENT));
		EXPECT_EQ(BUFALLOC_REASON_NOT_SNOOPING,
			  map_reason(self, attach(self, self->bypasses)));
	}
}

/* What the CPU wrote, and the device read, and wrote elsewhere, is there. */
TEST_F(snooping, deferred_coherent_moves_data)
{
	enum { CHUNK = 2048 };
	struct mapping map;
	int id;

	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_COHERENT,
			  BUFALLOC_ALLOC_DEFERRED));
	id = attach(self, self->snoops[0]);
	ASSERT_EQ(0, map_reason(self, id));
	ASSERT_EQ(0, buffer_map(self->result.fd, &map));
	EXPECT_TRUE(mapping_is(&map, 0));
	memset(map.bytes, 0x3c, CHUNK);
	ASSERT_EQ(0, importer_dma(self->importer, id, IMPORTER_TO_DEVICE, 0,
				  CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, id, IMPORTER_FROM_DEVICE,
				  map.length - CHUNK, CHUNK));
	EXPECT_EQ(0, memcmp(map.bytes, map.bytes + map.length - CHUNK, CHUNK));
	buffer_unmap(&map);
}

TEST_F(snooping, deferred_coherent_is_uncached_where_none_snoops)
{
	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_COHERENT,
			  BUFALLOC_ALLOC_DEFERRED));
	EXPECT_EQ(0, map_reason(self, attach(self, self->bypasses)));
	EXPECT_EQ(IMPORTER_WRITE_COMBINE,
		  entry_of(self, BUFALLOC_CACHING_COHERENT));
	EXPECT_EQ(BUFALLOC_REASON_SNOOPING,
		  map_reason(self, attach(self, self->snoops[0])));
}

/* No type serves both, and the one of ALLOC serves those that do not snoop. */
TEST_F(snooping, mixed_devices_are_served_as_by_alloc)
{
	int snoops, bypasses;

	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_COHERENT,
			  BUFALLOC_ALLOC_DEFERRED));
	snoops = attach(self, self->snoops[0]);
	bypasses = attach(self, self->bypasses);
	EXPECT_EQ(BUFALLOC_REASON_SNOOPING, map_reason(self, snoops));
	EXPECT_EQ(0, map_reason(self, bypasses));
	EXPECT_EQ(IMPORTER_WRITE_COMBINE,
		  entry_of(self, BUFALLOC_CACHING_COHERENT));
}

/* WC that may be another is COHERENT then; WC that may not stays what it is. */
TEST_F(snooping, deferred_wc_becomes_coherent_where_any_will_do)
{
	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_WC,
			  BUFALLOC_ALLOC_DEFERRED | BUFALLOC_ALLOC_ANY_CACHING));
	EXPECT_EQ(BUFALLOC_CACHING_WC, self->result.caching);
	EXPECT_EQ(0, map_reason(self, attach(self, self->snoops[0])));
	EXPECT_EQ(IMPORTER_WRITE_BACK, entry_of(self, BUFALLOC_CACHING_COHERENT));

	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_WC, BUFALLOC_ALLOC_DEFERRED));
	EXPECT_EQ(BUFALLOC_REASON_SNOOPING,
		  map_reason(self, attach(self, self->snoops[0])));
	EXPECT_EQ(IMPORTER_WRITE_COMBINE, entry_of(self, BUFALLOC_CACHING_WC));
}

/* The CPU's mapping sees no device. */
TEST_F(snooping, deferred_coherent_is_uncached_for_the_cpu_alone)
{
	struct mapping map;

	ASSERT_EQ(0, take(self, BUFALLOC_CACHING_COHERENT,
			  BUFALLOC_ALLOC_DEFERRED));
	ASSERT_EQ(0, buffer_map(self->result.fd, &map));
	EXPECT_EQ(BUFALLOC_REASON_SNOOPING,
		  map_reason(self, attach(self, self->snoops[0])));
	EXPECT_EQ(IMPORTER_WRITE_COMBINE,
		  entry_of(self, BUFALLOC_CACHING_COHERENT));
	buffer_unmap(&map);
}

TEST_HARNESS_MAIN

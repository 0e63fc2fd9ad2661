// SPDX-License-Identifier: MIT
/*
 * U3: a part of a buffer is synced, for each device that does not see the caches: by
 * exactly the bytes of the part, cut where the memory goes on elsewhere, whatever an
 * IOMMU has made one. What the DMA API was asked for is seen from outside the module.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (9 * MIB)
#define CALLS_MAX 512

/* Arguments of the DMA API's functions: see PROBE_ARG3. */
#ifdef __arm__
#define FETCH "addr=%r1:x32 size=%r2:u32 dir=%r3:u32"
#else
#define FETCH "addr=$arg2:x64 size=$arg3:u64 dir=$arg4:u32"
#endif

/* One call of the DMA API. */
struct call {
	uint64_t addr;
	uint64_t size;
	uint32_t dir;
};

struct calls {
	unsigned int count;
	struct call list[CALLS_MAX];
};

struct part {
	uint64_t offset;
	uint64_t length;
};

FIXTURE(range)
{
	int device;
	int importer;
	int fd;
	int id;
	uint32_t edu;
	bool needs_syncs;
	/* Where each physical run begins, and where the last one ends. */
	unsigned int runs;
	uint64_t starts[IMPORTER_SEGMENTS_MAX + 1];
	struct importer_map map;
	struct calls wanted;
	struct calls seen;
	char trace[256 * KIB];
};

FIXTURE_VARIANT(range)
{
	uint32_t caching;
	uint32_t importing_device;
};

FIXTURE_VARIANT_ADD(range, wc) {
	.caching = BUFALLOC_CACHING_WC,
	.importing_device = IMPORTER_DEVICE_64,
};

FIXTURE_VARIANT_ADD(range, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.importing_device = IMPORTER_DEVICE_64,
};

FIXTURE_VARIANT_ADD(range, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.importing_device = IMPORTER_DEVICE_64,
};

/* Behind an IOMMU, if the machine has one. */
FIXTURE_VARIANT_ADD(range, cached_edu) {
	.caching = BUFALLOC_CACHING_CACHED,
	.importing_device = IMPORTER_DEVICE_EDU_0,
};

/* The runs of memory, as a device without an IOMMU sees them. */
static int find_runs(FIXTURE_DATA(range) * self)
{
	static struct importer_map map;
	int id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	unsigned int i;
	int ret;

	if (id < 0)
		return id;
	ret = importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL, &map);
	if (ret)
		return ret;
	if (map.out_nents > IMPORTER_SEGMENTS_MAX)
		return -E2BIG;
	self->runs = map.out_nents;
	for (i = 0; i < self->runs; i++)
		self->starts[i + 1] = self->starts[i] +
				      map.out_segments[i].length;
	return importer_detach(self->importer, id);
}

FIXTURE_SETUP(range)
{
	struct bufalloc_request request = request_of(LENGTH, variant->caching);
	struct importer_facts facts;
	struct edus edus;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &edus);
	request.dma_bits = edus_reaching(&edus);
	ASSERT_LE(1, edus.count);
	self->edu = edus.facts[0].device;
	self->fd = buffer_open_scattered(self->device, &request);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, find_runs(self));
	ASSERT_LT(1, self->runs);
	ASSERT_EQ(LENGTH, self->starts[self->runs]);

	ASSERT_EQ(0, importer_facts(self->importer, variant->importing_device,
				    &facts));
	self->needs_syncs = variant->caching == BUFALLOC_CACHING_CACHED &&
			    !facts.out_coherent;
	self->id = importer_attach(self->importer, self->fd,
				   variant->importing_device);
	ASSERT_LE(0, self->id);
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_BIDIRECTIONAL, &self->map));
	/* There, what an IOMMU has merged is synced. */
	if (!strcmp(machine(), "nosnoop")) {
		ASSERT_EQ(0, facts.out_coherent);
		if (variant->importing_device == IMPORTER_DEVICE_EDU_0)
			ASSERT_EQ(1, self->map.out_nents);
	}
}

FIXTURE_TEARDOWN(range)
{
	probe_stop();
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
}

/* Where the device sees a byte of the buffer. */
static uint64_t address_at(const struct importer_map *map, uint64_t offset)
{
	unsigned int i;

	for (i = 0; offset >= map->out_segments[i].length; i++)
		offset -= map->out_segments[i].length;
	return map->out_segments[i].dma + offset;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The calls for one device. */
static void want(FIXTURE_DATA(range) * self, const struct importer_map *map,
		 const struct part *part, uint32_t dir)
{
	uint64_t start, end;
	unsigned int i;

	for (i = 0; self->needs_syncs && i < self->runs; i++) {
		start = most(part->offset, self->starts[i]);
		end = least(part->offset + part->length, self->starts[i + 1]);
		if (start < end)
			self->wanted.list[self->wanted.count++] = (struct call) {
				.addr = address_at(map, start),
				.size = end - start,
				.dir = dir,
			};
	}
}

/* From 6.11 on drivers call a function of that name only where there is need. */
static int watch(const char *whom)
{
	char function[64];

	snprintf(function, sizeof(function), "__dma_sync_single_for_%s", whom);
	if (!probe_start(function, FETCH))
		return 0;
	return probe_start(function + 2, FETCH);
}

static int read_seen(FIXTURE_DATA(range) * self)
{
	unsigned long long addr, size;
	char *line = self->trace;
	unsigned int dir;
	int length;

	self->seen.count = 0;
	length = probe_read(self->trace, sizeof(self->trace));
	if (length < 0)
		return length;
	while ((line = strstr(line, "addr="))) {
		if (sscanf(line, "addr=%llx size=%llu dir=%u", &addr, &size, &dir) != 3 ||
		    self->seen.count == CALLS_MAX)
			return -EIO;
		self->seen.list[self->seen.count++] = (struct call) {
			.addr = addr,
			.size = size,
			.dir = dir,
		};
		line++;
	}
	/* None has been missed. */
	return (long)self->seen.count == probe_hits() ? 0 : -EIO;
}

/* The first call that is not as it has to be, or -1. */
static int first_wrong(FIXTURE_DATA(range) * self)
{
	unsigned int i, count = self->wanted.count;
	const struct call *wanted, *seen;

	for (i = 0; i < count && i < self->seen.count; i++) {
		wanted = &self->wanted.list[i];
		seen = &self->seen.list[i];
		if (wanted->addr != seen->addr || wanted->size != seen->size ||
		    wanted->dir != seen->dir)
			return i;
	}
	return count == self->seen.count ? -1 : (int)i;
}

static int begin(FIXTURE_DATA(range) * self, const struct part *part,
		 unsigned int access)
{
	return bufalloc_begin_cpu_access_range(self->device, self->fd,
					       part->offset, part->length,
					       access);
}

static int end(FIXTURE_DATA(range) * self, const struct part *part,
	       unsigned int access)
{
	return bufalloc_end_cpu_access_range(self->device, self->fd,
					     part->offset, part->length,
					     access);
}

#define PARTS_MAX (8 + 6 * IMPORTER_SEGMENTS_MAX)

/* Around each place where the memory goes on elsewhere, and at both ends. */
static unsigned int choose_parts(FIXTURE_DATA(range) * self, struct part *parts)
{
	unsigned int i, count = 0;
	uint64_t at, before;

	parts[count++] = (struct part) { 0, 1 };
	parts[count++] = (struct part) { 0, LENGTH };
	parts[count++] = (struct part) { 1, LENGTH - 2 };
	parts[count++] = (struct part) { LENGTH - 1, 1 };
	parts[count++] = (struct part) { 4096, 4096 };
	parts[count++] = (struct part) { 64, 64 };
	parts[count++] = (struct part) { 3 * MIB + 5, 7 };
	for (i = 1; i < self->runs; i++) {
		at = self->starts[i];
		parts[count++] = (struct part) { at, 1 };
		parts[count++] = (struct part) { at - 1, 1 };
		parts[count++] = (struct part) { at - 1, 2 };
		before = self->starts[i - 1];
		parts[count++] = (struct part) { before, at - before };
		parts[count++] = (struct part) { before + 1, LENGTH - before - 1 };
		parts[count++] = (struct part) { 0, at + 1 };
	}
	return count;
}

static const unsigned int accesses[] = {
	DMA_BUF_SYNC_READ,
	DMA_BUF_SYNC_WRITE,
	DMA_BUF_SYNC_RW,
};

/* Each part by each kind of access; one call at a time is hardly worth a probe. */
#define EXPECT_CALLS(whom, sync) \
	do { \
		static struct part parts[PARTS_MAX]; \
		unsigned int i, kind, count = choose_parts(self, parts); \
		int wrong; \
		for (i = 0; i < count; i++) { \
			kind = i % ARRAY_SIZE(accesses); \
			self->wanted.count = 0; \
			want(self, &self->map, &parts[i], IMPORTER_BIDIRECTIONAL); \
			ASSERT_EQ(0, watch(whom)); \
			ASSERT_EQ(0, sync(self, &parts[i], accesses[kind])); \
			ASSERT_EQ(0, read_seen(self)); \
			wrong = first_wrong(self); \
			EXPECT_EQ(-1, wrong) \
			{ \
				TH_LOG("part %llu+%llu: %u calls, not %u", \
				       (unsigned long long)parts[i].offset, \
				       (unsigned long long)parts[i].length, \
				       self->seen.count, self->wanted.count); \
			} \
		} \
	} while (0)

TEST_F(range, beginning_syncs_these_bytes_for_the_cpu)
{
	EXPECT_CALLS("cpu", begin);
}

TEST_F(range, end_syncs_these_bytes_for_the_device)
{
	EXPECT_CALLS("device", end);
}

/* And not the other way round. */
TEST_F(range, each_syncs_for_one_of_them_only)
{
	const struct part part = { 5, LENGTH - 10 };

	ASSERT_EQ(0, watch("device"));
	ASSERT_EQ(0, begin(self, &part, DMA_BUF_SYNC_RW));
	EXPECT_EQ(0, probe_hits());
	ASSERT_EQ(0, watch("cpu"));
	ASSERT_EQ(0, end(self, &part, DMA_BUF_SYNC_RW));
	EXPECT_EQ(0, probe_hits());
}

#define NO_SYNC UINT32_MAX

/*
 * The direction is that of the mapping. What a device only reads it has not changed. And
 * what it writes is mapped as if it read it as well, so that nothing is dropped that the
 * CPU has written.
 */
static const struct {
	uint32_t mapped;
	unsigned int access;
	uint32_t begin;
	uint32_t end;
} directions[] = {
	{ IMPORTER_TO_DEVICE, DMA_BUF_SYNC_READ, NO_SYNC, IMPORTER_TO_DEVICE },
	{ IMPORTER_TO_DEVICE, DMA_BUF_SYNC_WRITE, NO_SYNC, IMPORTER_TO_DEVICE },
	{ IMPORTER_TO_DEVICE, DMA_BUF_SYNC_RW, NO_SYNC, IMPORTER_TO_DEVICE },
	{ IMPORTER_FROM_DEVICE, DMA_BUF_SYNC_READ, IMPORTER_BIDIRECTIONAL,
	  IMPORTER_BIDIRECTIONAL },
	{ IMPORTER_FROM_DEVICE, DMA_BUF_SYNC_WRITE, IMPORTER_BIDIRECTIONAL,
	  IMPORTER_BIDIRECTIONAL },
	{ IMPORTER_FROM_DEVICE, DMA_BUF_SYNC_RW, IMPORTER_BIDIRECTIONAL,
	  IMPORTER_BIDIRECTIONAL },
};

/* By the whole as well as by a part. */
#define EXPECT_DIRECTION(whom, direction, sync) \
	do { \
		self->wanted.count = 0; \
		if ((direction) != NO_SYNC) \
			want(self, &map, &part, direction); \
		ASSERT_EQ(0, watch(whom)); \
		ASSERT_EQ(0, sync); \
		ASSERT_EQ(0, read_seen(self)); \
		EXPECT_EQ(-1, first_wrong(self)); \
	} while (0)

TEST_F(range, direction_is_that_of_the_mapping)
{
	const struct part part = { 0, LENGTH };
	static struct importer_map map;
	unsigned int i, access;
	int id;

	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		access = directions[i].access;
		id = importer_attach(self->importer, self->fd,
				     variant->importing_device);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(self->importer, id,
					  directions[i].mapped, &map));
		EXPECT_DIRECTION("cpu", directions[i].begin,
				 begin(self, &part, access));
		EXPECT_DIRECTION("device", directions[i].end,
				 end(self, &part, access));
		EXPECT_DIRECTION("cpu", directions[i].begin,
				 bufalloc_begin_cpu_access(self->fd, access));
		EXPECT_DIRECTION("device", directions[i].end,
				 bufalloc_end_cpu_access(self->fd, access));
		ASSERT_EQ(0, importer_detach(self->importer, id));
	}
}

/* Those that came last come first. */
TEST_F(range, each_device_that_has_it_mapped_is_synced)
{
	const struct part part = { self->starts[1] - 100, 200 };
	static struct importer_map map;
	int other = importer_attach(self->importer, self->fd,
				    variant->importing_device);

	ASSERT_LE(0, other);
	want(self, &self->map, &part, IMPORTER_BIDIRECTIONAL);
	ASSERT_EQ(0, watch("cpu"));
	ASSERT_EQ(0, begin(self, &part, DMA_BUF_SYNC_READ));
	ASSERT_EQ(0, read_seen(self));
	EXPECT_EQ(-1, first_wrong(self));

	ASSERT_EQ(0, importer_map(self->importer, other, IMPORTER_BIDIRECTIONAL,
				  &map));
	self->wanted.count = 0;
	want(self, &map, &part, IMPORTER_BIDIRECTIONAL);
	want(self, &self->map, &part, IMPORTER_BIDIRECTIONAL);
	ASSERT_EQ(0, watch("cpu"));
	ASSERT_EQ(0, begin(self, &part, DMA_BUF_SYNC_READ));
	ASSERT_EQ(0, read_seen(self));
	EXPECT_EQ(-1, first_wrong(self));

	ASSERT_EQ(0, importer_unmap(self->importer, other));
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, watch("cpu"));
	ASSERT_EQ(0, begin(self, &part, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, probe_hits());
}

static int sync_raw(FIXTURE_DATA(range) * self, struct bufalloc_sync sync)
{
	sync.size = sizeof(sync);
	return ioctl(self->device, BUFALLOC_IOCTL_SYNC, &sync) ? -errno : 0;
}

TEST_F(range, parts_that_are_none_are_EINVAL)
{
	const struct part wrong[] = {
		{ 0, 0 },
		{ LENGTH - 1, 0 },
		{ 0, LENGTH + 1 },
		{ 1, LENGTH },
		{ LENGTH - 1, 2 },
		{ LENGTH, 0 },
		{ LENGTH, 1 },
		{ LENGTH + 1, 1 },
		{ 0, UINT64_MAX },
		{ 1, UINT64_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
		{ UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX - LENGTH + 1, LENGTH },
		{ 1ULL << 63, 1ULL << 63 },
		{ 1ULL << 32, 1 },
		{ 0, 1ULL << 32 },
		{ 0, (1ULL << 32) + 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, begin(self, &wrong[i], DMA_BUF_SYNC_RW))
		{
			TH_LOG("%#llx+%#llx",
			       (unsigned long long)wrong[i].offset,
			       (unsigned long long)wrong[i].length);
		}
		EXPECT_EQ(-EINVAL, end(self, &wrong[i], DMA_BUF_SYNC_RW));
	}
}

TEST_F(range, flags_are_those_of_a_dma_buf)
{
	struct bufalloc_sync sync = { .fd = self->fd, .length = 1 };
	unsigned int flag;

	for (flag = 0; flag < 32; flag++) {
		sync.flags = DMA_BUF_SYNC_READ | 1U << flag;
		EXPECT_EQ(flag <= 2 ? 0 : -EINVAL, sync_raw(self, sync));
	}
	sync.flags = DMA_BUF_SYNC_START;
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
	sync.flags = DMA_BUF_SYNC_END;
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
	sync.flags = DMA_BUF_SYNC_READ;
	sync.__reserved = 1;
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
}

/* A wrong flag before a wrong file descriptor before a part that is too long. */
TEST_F(range, order_of_errors)
{
	struct bufalloc_sync sync = { .fd = -1, .length = LENGTH + 1 };
	int none = open("/dev/null", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, none);
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
	sync.flags = DMA_BUF_SYNC_READ;
	EXPECT_EQ(-EBADF, sync_raw(self, sync));
	sync.length = 0;
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
	sync.length = LENGTH + 1;
	sync.fd = none;
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
	sync.length = LENGTH;
	EXPECT_EQ(-EINVAL, sync_raw(self, sync));
	sync.fd = self->fd;
	EXPECT_EQ(0, sync_raw(self, sync));
	close(none);
}

/* Data goes to the device and comes back with nothing synced but where it lies. */
TEST_F(range, device_sees_what_the_cpu_wrote_in_a_part)
{
	const struct part from = { self->starts[1] + 4097, 1234 };
	const struct part to = { self->starts[1] - 4000, 1234 };
	static struct importer_map map;
	struct mapping mapping;
	unsigned int i;
	int id;

	id = importer_attach(self->importer, self->fd, self->edu);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_BIDIRECTIONAL,
				  &map));
	ASSERT_EQ(0, buffer_map(self->fd, &mapping));
	ASSERT_EQ(0, begin(self, &from, DMA_BUF_SYNC_WRITE));
	for (i = 0; i < from.length; i++)
		mapping.bytes[from.offset + i] = i * 7 + 3;
	ASSERT_EQ(0, end(self, &from, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, importer_dma(self->importer, id, IMPORTER_TO_DEVICE,
				  from.offset, from.length));
	ASSERT_EQ(0, importer_dma(self->importer, id,
				  IMPORTER_FROM_DEVICE, to.offset, to.length));
	ASSERT_EQ(0, begin(self, &to, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, memcmp(mapping.bytes + from.offset,
			    mapping.bytes + to.offset, to.length));
	EXPECT_EQ(0, mapping.bytes[to.offset - 1]);
	EXPECT_EQ(0, mapping.bytes[to.offset + to.length]);
	EXPECT_EQ(3, mapping.bytes[to.offset]);
	ASSERT_EQ(0, end(self, &to, DMA_BUF_SYNC_READ));
	buffer_unmap(&mapping);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * S8, S23: devices that do not reach all memory. Without an IOMMU what they do
 * not reach would be bounced, and they would work on a copy: it is refused, and
 * the guest's log says nothing of it.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"

#define CHUNK 2048UL
#define BUFFERS_MAX 1280

FIXTURE(narrow)
{
	int device;
	int importer;
	/*
	 * What reaches 64, 32 and 28 bits. The first moves data on every machine;
	 * where there is no other edu the second is one without hardware, and the
	 * third is 0.
	 */
	uint32_t wide;
	uint32_t middle;
	uint32_t small;
};

FIXTURE_VARIANT(narrow)
{
	uint32_t caching;
	/* What could be bounced, and what is too long even for that. */
	size_t length;
};

FIXTURE_VARIANT_ADD(narrow, wc) {
	.caching = BUFALLOC_CACHING_WC,
	.length = 64 * KIB,
};

FIXTURE_VARIANT_ADD(narrow, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.length = 64 * KIB,
};

FIXTURE_VARIANT_ADD(narrow, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
	.length = 64 * KIB,
};

FIXTURE_VARIANT_ADD(narrow, long_coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
	.length = 4 * MIB,
};

/* Translated, a device of fewer bits reaches everything. */
static uint32_t device_of_bits(const struct edus *edus, unsigned int bits)
{
	int i;

	for (i = 0; i < edus->count; i++)
		if (mask_bits(&edus->facts[i]) == bits &&
		    (bits == 64 || !is_translated(&edus->facts[i])))
			return edus->facts[i].device;
	return 0;
}

FIXTURE_SETUP(narrow)
{
	struct edus edus;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &edus);
	self->wide = device_of_bits(&edus, 64);
	self->middle = device_of_bits(&edus, 32);
	self->small = device_of_bits(&edus, 28);
	ASSERT_NE(0, self->wide);
	if (!strcmp(machine(), "narrow")) {
		ASSERT_NE(0, self->middle);
		ASSERT_NE(0, self->small);
	}
	if (!self->middle)
		self->middle = IMPORTER_DEVICE_32;
}

FIXTURE_TEARDOWN(narrow)
{
	close(self->importer);
	bufalloc_close(self->device);
}

/* What the device answers to it; the attachment is gone again. */
static int try_map(int importer, int fd, uint32_t device, uint64_t *last)
{
	static struct importer_map map;
	struct importer_table table = { 0 };
	int id = importer_attach(importer, fd, device);
	int ret;

	if (id < 0)
		return id;
	ret = importer_map(importer, id, IMPORTER_TO_DEVICE, &map);
	if (!ret)
		importer_table(importer, id, &table);
	if (last)
		*last = table.out_last_phys;
	importer_detach(importer, id);
	return ret;
}

/* Why it was refused, by what QUERY tells of this one time. */
static uint32_t why_not(FIXTURE_DATA(narrow) * self, int fd, uint32_t device,
			int expected)
{
	uint32_t before, reason;
	int count = buffer_refusals(self->device, fd, &before);

	if (try_map(self->importer, fd, device, NULL) != expected)
		return BUFALLOC_REASON_NONE;
	if (buffer_refusals(self->device, fd, &reason) != count + 1)
		return BUFALLOC_REASON_NONE;
	return reason;
}

/* Whether there is memory above 2^bits at all, by the kernel's own list. */
static bool machine_has_above(unsigned int bits)
{
	FILE *file = fopen("/proc/iomem", "re");
	unsigned long long last = 0, end;
	char line[256];

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "System RAM") &&
		    sscanf(line, "%*x-%llx", &end) == 1 && end > last)
			last = end;
	fclose(file);
	return last >> bits;
}

/* More buffers until one lies in part above 2^bits; keeps all of them. */
static int open_until_above(FIXTURE_DATA(narrow) * self,
			    const struct bufalloc_request *request,
			    unsigned int bits, int *fds)
{
	struct bufalloc_result result;
	uint64_t last = 0;
	int count = 0;

	while (count < BUFFERS_MAX && !(last >> bits)) {
		if (bufalloc_alloc(self->device, request, &result, NULL))
			break;
		fds[count++] = result.fd;
		if (try_map(self->importer, result.fd, IMPORTER_DEVICE_64,
			    &last))
			break;
	}
	return last >> bits ? count : -count;
}

static void close_all(int *fds, int count)
{
	while (count-- > 0)
		close(fds[count]);
}

/* What the CPU gave at the beginning is at the end, by DMA. */
static bool moves_data(int importer, int fd, uint32_t device)
{
	static struct importer_map map;
	struct mapping mapping;
	bool same = false;
	size_t last;
	int id;

	if (buffer_map(fd, &mapping))
		return false;
	last = mapping.length - CHUNK;
	bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW);
	memset(mapping.bytes, 0x3c, CHUNK);
	memset(mapping.bytes + last, 0, CHUNK);
	bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW);

	id = importer_attach(importer, fd, device);
	if (!importer_map(importer, id, IMPORTER_BIDIRECTIONAL, &map) &&
	    !importer_dma(importer, id, IMPORTER_TO_DEVICE, 0, CHUNK) &&
	    !importer_dma(importer, id, IMPORTER_FROM_DEVICE, last,
			  CHUNK)) {
		bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_READ);
		same = !memcmp(mapping.bytes, mapping.bytes + last,
			       CHUNK);
		bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_READ);
	}
	importer_detach(importer, id);
	buffer_unmap(&mapping);
	return same;
}

/* The wide one moves data there, in the same buffer that the others do not get. */
TEST_F(narrow, memory_above_4_GiB_is_EIO)
{
	struct bufalloc_request request = request_of(variant->length, variant->caching);
	int fds[BUFFERS_MAX], fd, count;

	if (!machine_has_above(32))
		SKIP(return, "no memory above 4 GiB on this machine");
	count = open_until_above(self, &request, 32, fds);
	ASSERT_LT(0, count);
	fd = fds[count - 1];
	EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
		  why_not(self, fd, self->middle, -EIO));
	EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
		  why_not(self, fd, IMPORTER_DEVICE_32, -EIO));
	if (self->small)
		EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
			  why_not(self, fd, self->small, -EIO));
	EXPECT_TRUE(moves_data(self->importer, fd, self->wide));
	close_all(fds, count);
}

/* One of the two is refused, and the other does not notice. */
TEST_F(narrow, memory_below_4_GiB_is_reached_by_32_bits)
{
	struct bufalloc_request request = request_of(variant->length, variant->caching);
	int fds[BUFFERS_MAX], fd, count;

	/* What is free at the very bottom comes in small pieces. */
	request.length = 4 * MIB;
	request.dma_bits = 32;
	count = open_until_above(self, &request, 28, fds);
	ASSERT_LT(0, count);
	fd = fds[count - 1];
	EXPECT_EQ(0, try_map(self->importer, fd, IMPORTER_DEVICE_32, NULL));
	if (self->small)
		EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
			  why_not(self, fd, self->small, -EIO));
	if (self->middle != IMPORTER_DEVICE_32)
		EXPECT_TRUE(moves_data(self->importer, fd, self->middle));
	close_all(fds, count);
}

/* No heap lies that low: said when it is asked for, not when it is mapped. */
TEST_F(narrow, memory_below_20_bits_is_ENOENT)
{
	struct bufalloc_request request = request_of(variant->length, variant->caching);
	struct bufalloc_result result;
	uint32_t reason;

	request.dma_bits = 20;
	EXPECT_EQ(-ENOENT, bufalloc_alloc(self->device, &request, &result,
					  &reason));
	EXPECT_EQ(BUFALLOC_REASON_DMA_BITS, reason);
}

/*
 * Memory that comes late has to be where all devices reach it. There is more of it on
 * the machine, but that is refused for what it is: not had there.
 */
TEST_F(narrow, too_much_for_the_narrowest_is_ENOMEM)
{
	struct bufalloc_request request = request_of(256 * MIB, variant->caching);
	struct bufalloc_result result;
	uint32_t reason;
	int wide, small;

	if (!self->small)
		SKIP(return, "no device reaches so little");
	request.flags = BUFALLOC_ALLOC_DEFERRED;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	small = importer_attach(self->importer, result.fd, self->small);
	ASSERT_LE(0, small);
	EXPECT_EQ(BUFALLOC_REASON_NARROW,
		  why_not(self, result.fd, self->wide, -ENOMEM));
	EXPECT_EQ(BUFALLOC_REASON_NARROW,
		  why_not(self, result.fd, self->small, -ENOMEM));
	EXPECT_EQ(-ENOMEM, bufalloc_commit(self->device, &result.fd, 1, NULL,
					   &reason));
	EXPECT_EQ(BUFALLOC_REASON_NARROW, reason);

	/* Without that device it is had, and then it is that device's misfortune. */
	ASSERT_EQ(0, importer_detach(self->importer, small));
	wide = importer_attach(self->importer, result.fd, self->wide);
	ASSERT_LE(0, wide);
	EXPECT_EQ(0, bufalloc_commit(self->device, &result.fd, 1, NULL, NULL));
	EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
		  why_not(self, result.fd, self->small, -EIO));
	EXPECT_EQ(0, importer_detach(self->importer, wide));
	close(result.fd);
}

struct commit {
	int device;
	int fds[2];
	int ret;
};

static void *commit_both(void *of)
{
	struct commit *commit = of;

	commit->ret = bufalloc_commit(commit->device, commit->fds, 2, NULL, NULL);
	return NULL;
}

static int open_deferred(int device, size_t length, uint32_t caching)
{
	struct bufalloc_request request = request_of(length, caching);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_DEFERRED;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

static bool is_backed(int device, int fd)
{
	struct bufalloc_query query;

	return !bufalloc_query(device, fd, &query) &&
	       query.out_state & BUFALLOC_STATE_BACKED;
}

/*
 * A COMMIT takes its time. Once it takes memory it has asked who is attached; a device
 * that comes then, while there is no memory to be seen yet, still has to reach it.
 */
TEST_F_TIMEOUT(narrow, who_comes_during_a_commit_reaches_it, PATIENCE)
{
	enum { ENOUGH = 3 };
	static struct importer_map map;
	struct commit commit = { .device = self->device };
	uint64_t bytes = client_bytes(self->device);
	int id, early = 0;
	pthread_t thread;
	bool meanwhile;

	if (!self->small)
		SKIP(return, "no device reaches so little");
	/* However often it is too late. */
	while (early < ENOUGH) {
		commit.fds[0] = open_deferred(self->device, variant->length,
					      variant->caching);
		commit.fds[1] = open_deferred(self->device, 64 * MIB,
					      variant->caching);
		ASSERT_LE(0, commit.fds[0]);
		ASSERT_LE(0, commit.fds[1]);
		ASSERT_EQ(0, pthread_create(&thread, NULL, commit_both,
					    &commit));
		while (client_bytes(self->device) == bytes)
			sched_yield();
		id = importer_attach(self->importer, commit.fds[0], self->small);
		ASSERT_LE(0, id);
		meanwhile = !is_backed(self->device, commit.fds[0]);
		early += meanwhile;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(0, commit.ret);
		if (meanwhile)
			EXPECT_EQ(0, importer_map(self->importer, id,
						  IMPORTER_TO_DEVICE, &map));
		ASSERT_EQ(0, importer_detach(self->importer, id));
		close(commit.fds[0]);
		close(commit.fds[1]);
		ASSERT_EQ(bytes, client_bytes(self->device));
	}
}

/* Who names a heap has it, and what it lacks is not for the devices' sake. */
TEST_F(narrow, named_heap_is_not_narrowed)
{
	struct bufalloc_request request = request_of(64 * KIB, variant->caching);
	struct bufalloc_result result;
	struct bufalloc_query query;
	int small;

	if (!self->small)
		SKIP(return, "no device reaches so little");
	request.flags = BUFALLOC_ALLOC_DEFERRED;
	request.heap = 0;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	small = importer_attach(self->importer, result.fd, self->small);
	ASSERT_LE(0, small);
	EXPECT_EQ(0, bufalloc_commit(self->device, &result.fd, 1, NULL, NULL));
	ASSERT_EQ(0, bufalloc_query(self->device, result.fd, &query));
	EXPECT_EQ(0, query.out_heap);
	EXPECT_EQ(BUFALLOC_REASON_UNREACHABLE,
		  why_not(self, result.fd, self->small, -EIO));
	EXPECT_EQ(0, importer_detach(self->importer, small));
	close(result.fd);
}

TEST_HARNESS_MAIN

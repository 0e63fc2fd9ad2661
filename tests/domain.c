// SPDX-License-Identifier: MIT
/*
 * Who translates for which device: with an IOMMU, without one, both on the same
 * machine. Domains are compared, never addresses: two domains may give the same.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (9 * MIB)
#define CHUNK 2048UL

/* What a machine claims to be; it fails here where it is not. */
enum claim {
	NONE_IS_TRANSLATED,
	ALL_ARE_TRANSLATED,
	SOME_ARE_TRANSLATED,
};

static enum claim claim_of_machine(void)
{
	static const struct {
		const char *machine;
		enum claim claim;
	} claims[] = {
		{ "iommu", ALL_ARE_TRANSLATED },
		{ "virtio-iommu", ALL_ARE_TRANSLATED },
		{ "smmu", ALL_ARE_TRANSLATED },
		{ "heapiommu", ALL_ARE_TRANSLATED },
		{ "partial", SOME_ARE_TRANSLATED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(claims); i++)
		if (!strcmp(machine(), claims[i].machine))
			return claims[i].claim;
	return NONE_IS_TRANSLATED;
}

FIXTURE(domain)
{
	int device;
	int importer;
	struct edus edus;
	int translated;
};

FIXTURE_SETUP(domain)
{
	int i;

	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &self->edus);
	for (i = 0; i < self->edus.count; i++)
		self->translated += is_translated(&self->edus.facts[i]);
}

FIXTURE_TEARDOWN(domain)
{
	close(self->importer);
	bufalloc_close(self->device);
}

TEST_F(domain, machine_is_what_it_claims)
{
	ASSERT_LE(2, self->edus.count);
	switch (claim_of_machine()) {
	case NONE_IS_TRANSLATED:
		EXPECT_EQ(0, self->translated);
		break;
	case ALL_ARE_TRANSLATED:
		EXPECT_EQ(self->edus.count, self->translated);
		break;
	case SOME_ARE_TRANSLATED:
		EXPECT_LT(0, self->translated);
		EXPECT_GT(self->edus.count, self->translated);
		break;
	}
}

/* A domain for each group, and one group for what cannot be told apart. */
TEST_F(domain, groups_have_domains_of_their_own)
{
	const struct importer_facts *one, *other;
	int i, k, distinct = 0;

	for (i = 0; i < self->edus.count; i++) {
		one = &self->edus.facts[i];
		EXPECT_EQ(one->out_kind == IMPORTER_DOMAIN_NONE,
			  one->out_group < 0);
		for (k = 0; k < i && is_translated(one); k++) {
			other = &self->edus.facts[k];
			EXPECT_EQ(one->out_group == other->out_group,
				  one->out_domain == other->out_domain);
			distinct += one->out_domain != other->out_domain;
		}
	}
	if (claim_of_machine() == ALL_ARE_TRANSLATED)
		EXPECT_LT(0, distinct);
	/* The importer's own are no devices of any bus with an IOMMU. */
	ASSERT_EQ(0, importer_facts(self->importer, IMPORTER_DEVICE_64,
				    &self->edus.facts[0]));
	EXPECT_EQ(IMPORTER_DOMAIN_NONE, self->edus.facts[0].out_kind);
}

static int open_scattered(FIXTURE_DATA(domain) * self, uint32_t dma_bits)
{
	struct bufalloc_request request =
		request_of(LENGTH, BUFALLOC_CACHING_COHERENT);

	request.dma_bits = dma_bits;
	return buffer_open_scattered(self->device, &request);
}

/* Attached to the device and mapped: the id, or a negative errno. */
static int import(int importer, int fd, uint32_t device)
{
	static struct importer_map map;
	int id = importer_attach(importer, fd, device);
	int ret;

	if (id < 0)
		return id;
	ret = importer_map(importer, id, IMPORTER_BIDIRECTIONAL, &map);
	return ret ? ret : id;
}

/*
 * Without translation the device sees the memory's own addresses and pieces;
 * with it, one piece. (Not where memory has another address for all devices:
 * none of these machines is such.)
 */
TEST_F(domain, tables_are_those_of_the_domain)
{
	uint32_t dma_bits = edus_reaching(&self->edus);
	int fd = open_scattered(self, dma_bits);
	struct importer_table table;
	struct bufalloc_query query;
	int i, id;

	ASSERT_LE(0, fd);
	edus_taking(&self->edus, self->device, fd);
	ASSERT_LE(1, self->edus.count);
	ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
	for (i = 0; i < self->edus.count; i++) {
		const struct importer_facts *facts = &self->edus.facts[i];

		id = import(self->importer, fd, facts->device);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_table(self->importer, id, &table));
		EXPECT_EQ(LENGTH, table.out_length);
		EXPECT_GE(facts->out_mask, table.out_last);
		if (is_translated(facts)) {
			EXPECT_EQ(1, table.out_nents);
		} else {
			EXPECT_EQ(query.out_segments, table.out_nents);
			EXPECT_EQ(table.out_last_phys, table.out_last);
		}
	}
	close(fd);
}

/*
 * S13: all devices of the machine, each by its own domain or none, and one that
 * no IOMMU knows, on the same memory at the same time.
 */
TEST_F(domain, kinds_of_domain_share_a_buffer)
{
	uint32_t dma_bits = edus_reaching(&self->edus);
	int fd = open_scattered(self, dma_bits);
	int ids[IMPORTER_EDUS_MAX], outside, i;
	struct mapping map;
	uint64_t value;

	ASSERT_LE(0, fd);
	edus_taking(&self->edus, self->device, fd);
	ASSERT_LE(1, self->edus.count);
	ASSERT_EQ(0, buffer_map(fd, &map));
	outside = import(self->importer, fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, outside);
	for (i = 0; i < self->edus.count; i++) {
		ids[i] = import(self->importer, fd,
				self->edus.facts[i].device);
		ASSERT_LE(0, ids[i]);
	}
	EXPECT_EQ(self->edus.count + 1, attachments(self->device, fd));

	/* From hand to hand, each to the next place. */
	memset(map.bytes, 0xa5, CHUNK);
	for (i = 0; i < self->edus.count; i++) {
		ASSERT_EQ(0, importer_dma(self->importer, ids[i],
					  IMPORTER_TO_DEVICE, i * CHUNK,
					  CHUNK));
		ASSERT_EQ(0, importer_dma(self->importer, ids[i],
					  IMPORTER_FROM_DEVICE,
					  (i + 1) * CHUNK, CHUNK));
		memset(map.bytes + i * CHUNK, 0, CHUNK);
	}
	for (i = 0; i < (int)CHUNK; i++)
		ASSERT_EQ(0xa5, map.bytes[self->edus.count * CHUNK + i]);
	ASSERT_EQ(0, importer_peek(self->importer, outside,
				   self->edus.count * CHUNK, &value));
	EXPECT_EQ(0xa5a5a5a5a5a5a5a5ULL, value);
	buffer_unmap(&map);
	close(fd);
}

TEST_HARNESS_MAIN

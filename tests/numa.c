// SPDX-License-Identifier: MIT
/*
 * S10: late memory is of the node that its device is on, whichever processor asks; and
 * of none in particular where devices of several nodes share it.
 */
#include <stdio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define LENGTH (3 * MIB)
#define NODES 2

FIXTURE(numa)
{
	int device;
	int importer;
	uint32_t edu_of[NODES];
	long bytes;
};

FIXTURE_VARIANT(numa)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(numa, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(numa, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(numa, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

static int node_of_device(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", name);
	return read_number(path);
}

/* Memory is listed in blocks, each in the folder of its node. */
static bool is_of_node(uint64_t phys, int node)
{
	unsigned long long size;
	char path[128];
	FILE *file;

	file = fopen("/sys/devices/system/memory/block_size_bytes", "re");
	if (!file)
		return false;
	if (fscanf(file, "%llx", &size) != 1)
		size = 0;
	fclose(file);
	if (!size)
		return false;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/memory%llu",
		 node, (unsigned long long)phys / size);
	return !access(path, F_OK);
}

FIXTURE_SETUP(numa)
{
	struct edus edus;
	int i, node;

	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &edus);
	for (i = 0; i < edus.count; i++) {
		node = node_of_device(edus.facts[i].out_name);
		if (node >= 0 && node < NODES)
			self->edu_of[node] = edus.facts[i].device;
	}
	ASSERT_NE(0, self->edu_of[0]);
	ASSERT_NE(0, self->edu_of[1]);
}

FIXTURE_TEARDOWN(numa)
{
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

static int open_buffer(int device, uint32_t caching, uint32_t flags)
{
	struct bufalloc_request request = request_of(LENGTH, caching);
	struct bufalloc_result result;
	int ret;

	request.flags = flags;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

/* How many of the runs of memory that the device got are of that node; -1 for all. */
static int runs_of_node(const struct importer_map *map, int node)
{
	unsigned int i;
	int runs = 0;

	for (i = 0; i < map->out_orig_nents; i++)
		runs += is_of_node(map->out_segments[i].phys, node);
	return runs == (int)map->out_orig_nents ? -1 : runs;
}

TEST_F(numa, late_memory_is_near_its_device)
{
	static struct importer_map map;
	int node, fd, id;

	for (node = 0; node < NODES; node++) {
		/* From the other end of the machine: a processor is on the node of its number. */
		ASSERT_EQ(0, run_on(!node));
		fd = open_buffer(self->device, variant->caching,
				 BUFALLOC_ALLOC_DEFERRED);
		ASSERT_LE(0, fd);
		id = importer_attach(self->importer, fd, self->edu_of[node]);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(self->importer, id,
					  IMPORTER_TO_DEVICE, &map));
		EXPECT_EQ(-1, runs_of_node(&map, node));
		importer_detach(self->importer, id);
		close(fd);
	}
}

/* What shows that it is the device, and not this test, that decides above. */
TEST_F(numa, other_memory_is_near_who_asks)
{
	static struct importer_map map;
	int node, fd, id;

	for (node = 0; node < NODES; node++) {
		ASSERT_EQ(0, run_on(node));
		fd = open_buffer(self->device, variant->caching, 0);
		ASSERT_LE(0, fd);
		id = importer_attach(self->importer, fd, self->edu_of[!node]);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(self->importer, id,
					  IMPORTER_TO_DEVICE, &map));
		EXPECT_EQ(-1, runs_of_node(&map, node));
		importer_detach(self->importer, id);
		close(fd);
	}
}

TEST_F(numa, devices_of_both_nodes_share_any_memory)
{
	static struct importer_map map;
	int node, fd, ids[NODES];

	for (node = 0; node < NODES; node++) {
		ASSERT_EQ(0, run_on(node));
		fd = open_buffer(self->device, variant->caching,
				 BUFALLOC_ALLOC_DEFERRED);
		ASSERT_LE(0, fd);
		ids[0] = importer_attach(self->importer, fd, self->edu_of[0]);
		ids[1] = importer_attach(self->importer, fd, self->edu_of[1]);
		ASSERT_LE(0, ids[0]);
		ASSERT_LE(0, ids[1]);
		ASSERT_EQ(0, importer_map(self->importer, ids[0],
					  IMPORTER_TO_DEVICE, &map));
		ASSERT_EQ(0, importer_map(self->importer, ids[1],
					  IMPORTER_TO_DEVICE, &map));
		EXPECT_EQ(-1, runs_of_node(&map, node));
		importer_detach(self->importer, ids[1]);
		importer_detach(self->importer, ids[0]);
		close(fd);
	}
}

TEST_HARNESS_MAIN

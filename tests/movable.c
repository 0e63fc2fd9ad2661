// SPDX-License-Identifier: MIT
/*
 * Memory that the kernel has to be able to empty, because its module can be unplugged:
 * no device holds a page there, wherever migration has put the page before. And a page
 * with a hardware error is given to no device.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define PAGE 4096UL
#define LENGTH (4 * MIB)
#define PAGES (LENGTH / PAGE)
/* All memory of this node is movable. */
#define NODE 1
#define MEMORY "/sys/devices/system/memory/"

FIXTURE(movable)
{
	int device;
	int importer;
	int fd;
	struct mapping mapping;
	unsigned long long block_pages;
	long bytes;
};

static int open_pageable(int device)
{
	struct bufalloc_request request = request_of(LENGTH, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_PAGEABLE;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

static unsigned long long read_block_pages(void)
{
	unsigned long long bytes = 0;
	FILE *file = fopen(MEMORY "block_size_bytes", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%llx", &bytes) != 1)
		bytes = 0;
	fclose(file);
	return bytes / PAGE;
}

FIXTURE_SETUP(movable)
{
	self->bytes = live_bytes();
	self->block_pages = read_block_pages();
	ASSERT_LT(0, self->block_pages);
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	self->fd = open_pageable(self->device);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_map(self->fd, &self->mapping));
	memset(self->mapping.bytes, 0x5a, LENGTH);
}

FIXTURE_TEARDOWN(movable)
{
	buffer_unmap(&self->mapping);
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

/* Whether a memory block has, or can have, only movable memory. */
static bool is_movable_block(unsigned long long block)
{
	char path[96], zones[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), MEMORY "memory%llu/valid_zones", block);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(zones, sizeof(zones), file))
		zones[0] = '\0';
	fclose(file);
	return !strncmp(zones, "Movable", strlen("Movable"));
}

/* How many pages of a mapping lie in movable memory, or a negative errno. */
static int count_movable(int importer, const struct mapping *mapping,
			 unsigned long long block_pages)
{
	unsigned long long block, last = -1ULL;
	bool movable = false;
	int count = 0;
	int64_t pfn;
	size_t at;

	if (madvise(mapping->bytes, mapping->length, MADV_POPULATE_READ))
		return -errno;
	for (at = 0; at < mapping->length; at += PAGE) {
		pfn = user_pfn(importer, mapping->bytes + at);
		if (pfn < 0)
			return pfn;
		block = pfn / block_pages;
		if (block != last)
			movable = is_movable_block(block);
		last = block;
		count += movable;
	}
	return count;
}

/* Returns how many pages could not be moved, or a negative errno. */
static int move_to_node(const struct mapping *mapping, int node)
{
	static void *pages[PAGES];
	static int nodes[PAGES], status[PAGES];
	int failed = 0;
	size_t i;

	for (i = 0; i < PAGES; i++) {
		pages[i] = mapping->bytes + i * PAGE;
		nodes[i] = node;
	}
	if (syscall(SYS_move_pages, 0, PAGES, pages, nodes, status, 2 /* MPOL_MF_MOVE */) < 0)
		return -errno;
	for (i = 0; i < PAGES; i++)
		failed += status[i] != node;
	return failed;
}

static bool has_kernel_function(const char *function)
{
	char line[256], name[128];
	FILE *file = fopen("/proc/kallsyms", "re");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s %*s %127s", name) == 1 && !strcmp(name, function);
	fclose(file);
	return found;
}

/* Whether this kernel lets a module have pages moved. */
static bool can_move_out(void)
{
	return has_kernel_function("memfd_pin_folios");
}

/* Take each block of the movable node away, and give it back. 0 or a negative errno. */
static int replug_node(void)
{
	unsigned long long block;
	char path[96];
	int ret = 0, found = 0;

	for (block = 0; block < 1024 && !ret; block++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/memory%llu/state", NODE, block);
		if (access(path, F_OK) || !is_movable_block(block))
			continue;
		found++;
		ret = write_string(path, "offline");
		/* The link of the node goes with the memory. */
		snprintf(path, sizeof(path), MEMORY "memory%llu/state", block);
		if (!ret)
			ret = write_string(path, "online_movable");
	}
	return found ? ret : -ENOENT;
}

TEST_F(movable, pages_move_out_before_a_device_holds_them)
{
	static struct importer_map map;
	struct bufalloc_query query;
	int id;

	ASSERT_EQ(0, move_to_node(&self->mapping, NODE));
	ASSERT_EQ(PAGES, count_movable(self->importer, &self->mapping, self->block_pages));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);

	if (!can_move_out()) {
		ASSERT_EQ(-EBUSY, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
		ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
		EXPECT_EQ(BUFALLOC_REASON_MOVABLE, query.out_refusal);
		EXPECT_EQ(0, replug_node());
		/* Other memory was all that was missing. */
		ASSERT_EQ(0, move_to_node(&self->mapping, 0));
	}
	ASSERT_EQ(0, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, count_movable(self->importer, &self->mapping, self->block_pages));
	EXPECT_EQ(0, replug_node());
	EXPECT_TRUE(mapping_is(&self->mapping, 0x5a));
	EXPECT_EQ(0, importer_unmap(self->importer, id));
}

/* What nobody holds goes out of the way as it is. */
TEST_F(movable, memory_goes_while_only_the_cpu_has_it_mapped)
{
	ASSERT_EQ(0, move_to_node(&self->mapping, NODE));
	EXPECT_EQ(0, replug_node());
	EXPECT_TRUE(mapping_is(&self->mapping, 0x5a));
}

static void survive(int signal)
{
	(void)signal;
}

TEST_F(movable, poisoned_page_is_EIO)
{
	static struct importer_map map;
	struct bufalloc_query query;
	int id;

	/* The kernel also tells whoever had the page. */
	ASSERT_NE(SIG_ERR, signal(SIGBUS, survive));
	ASSERT_EQ(0, madvise(self->mapping.bytes + PAGE, PAGE, MADV_HWPOISON));
	id = importer_attach(self->importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	EXPECT_EQ(-EIO, importer_map(self->importer, id, IMPORTER_TO_DEVICE, &map));
	ASSERT_EQ(0, bufalloc_query(self->device, self->fd, &query));
	EXPECT_EQ(BUFALLOC_REASON_UNREADABLE, query.out_refusal);
	EXPECT_EQ(0x5a, self->mapping.bytes[0]);
}

TEST_HARNESS_MAIN

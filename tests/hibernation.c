// SPDX-License-Identifier: MIT
/*
 * What hibernation does with buffers. Where the memory type belongs to the memory, as on
 * x86, they come back as they were. Elsewhere the kernel would copy what is in its caches
 * and not what is in memory: there is no hibernation while such a buffer has memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define PAGE 4096
#define LENGTH (4 * MIB)
#define DISK "/dev/vda"
#define POWER "/sys/power/"
/* An emulated processor takes its time for all of the memory. */
#define SECONDS 600

/* As far as @level of pm_test: "none" is all the way. 0 or a negative errno. */
static int hibernate(const char *level, const char *mode)
{
	int ret, restored;

	/* Nobody looks at the frozen machine; older kernels wait all the same. */
	write_string("/sys/module/hibernate/parameters/pm_test_delay", "0");
	ret = write_string(POWER "pm_test", level);
	if (ret)
		return ret;
	ret = write_string(POWER "disk", mode);
	if (!ret)
		ret = write_string(POWER "state", "disk");
	restored = write_string(POWER "pm_test", "none");
	return ret ? ret : restored;
}

FIXTURE(hibernation)
{
	int device;
	long bytes;
};

FIXTURE_SETUP(hibernation)
{
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(hibernation)
{
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

FIXTURE_VARIANT(hibernation)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(hibernation, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(hibernation, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

/* Whether the kernel's own mapping shows what is in the buffer. */
static bool can_be_copied(int device, int fd)
{
	struct bufalloc_query query;

	return machine_types_memory() ||
	       (!bufalloc_query(device, fd, &query) &&
		query.out_memtype == BUFALLOC_MEMTYPE_WRITE_BACK);
}

TEST_F_TIMEOUT(hibernation, is_refused_while_memory_cannot_be_copied, SECONDS)
{
	int fds[2];

	fds[0] = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, fds[0]);
	fds[1] = buffer_open(self->device, PAGE, variant->caching);
	ASSERT_LE(0, fds[1]);
	if (!can_be_copied(self->device, fds[0])) {
		EXPECT_EQ(-EBUSY, hibernate("freezer", "shutdown"));
		/* The last of them counts. */
		close(fds[0]);
		EXPECT_EQ(-EBUSY, hibernate("freezer", "shutdown"));
		close(fds[1]);
		EXPECT_EQ(0, hibernate("freezer", "shutdown"));
		/* Afterwards there is such memory again. */
		fds[0] = buffer_open(self->device, LENGTH, variant->caching);
		ASSERT_LE(0, fds[0]);
		fds[1] = buffer_open(self->device, PAGE, variant->caching);
		ASSERT_LE(0, fds[1]);
	} else {
		EXPECT_EQ(0, hibernate("freezer", "shutdown"));
	}
	close(fds[0]);
	close(fds[1]);
}

TEST_F_TIMEOUT(hibernation, deferred_memory_counts_when_it_comes, SECONDS)
{
	struct bufalloc_request request = request_of(LENGTH, variant->caching);
	struct bufalloc_result result;
	struct mapping mapping;

	request.flags = BUFALLOC_ALLOC_DEFERRED;
	ASSERT_EQ(0, bufalloc_alloc(self->device, &request, &result, NULL));
	EXPECT_EQ(0, hibernate("freezer", "shutdown"));
	ASSERT_EQ(0, buffer_map(result.fd, &mapping));
	if (!can_be_copied(self->device, result.fd))
		EXPECT_EQ(-EBUSY, hibernate("freezer", "shutdown"));
	buffer_unmap(&mapping);
	close(result.fd);
}

/* A disk for the image. 0 or a negative errno. */
static int swap_on_disk(void)
{
	static unsigned char page[PAGE];
	uint32_t header[3] = { 1 };
	int disk = open(DISK, O_RDWR | O_CLOEXEC);
	off_t bytes;
	int ret = 0;

	if (disk < 0)
		return -errno;
	/* As mkswap(8) writes it: version, last page, none of them bad. */
	bytes = lseek(disk, 0, SEEK_END);
	header[1] = bytes / PAGE - 1;
	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	if (pwrite(disk, page, PAGE, 0) != PAGE || fsync(disk))
		ret = -EIO;
	close(disk);
	if (!ret && swapon(DISK, 0))
		ret = -errno;
	return ret;
}

/* An image is written, read again, and put back by the same kernel. */
TEST_F_TIMEOUT(hibernation, buffers_come_back_as_they_were, SECONDS)
{
	struct mapping mapping;
	int importer, memtype, ret;
	int64_t pfn;
	int fd;

	ret = swap_on_disk();
	if (ret == -ENOENT)
		SKIP(return, "this machine has no disk");
	ASSERT_EQ(0, ret);
	importer = importer_open();
	ASSERT_LE(0, importer);
	fd = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &mapping));
	memset(mapping.bytes, 0xa7, LENGTH);
	memtype = user_memtype(importer, mapping.bytes);
	pfn = user_pfn(importer, mapping.bytes);

	EXPECT_EQ(0, hibernate("none", "test_resume"));

	EXPECT_TRUE(mapping_is(&mapping, 0xa7));
	EXPECT_EQ(pfn, user_pfn(importer, mapping.bytes));
	EXPECT_EQ(memtype, user_memtype(importer, mapping.bytes));
	EXPECT_EQ(memtype, direct_memtype(importer, pfn));
	buffer_unmap(&mapping);
	close(fd);
	close(importer);
	EXPECT_EQ(0, swapoff(DISK));
}

TEST_HARNESS_MAIN

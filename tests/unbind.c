// SPDX-License-Identifier: MIT
/*
 * S18: an administrator takes a driver from its device while the device has a
 * buffer. The driver lets go of the buffer later, or when its file is closed:
 * until then the memory and its mapping are there, and then they are not. What
 * the kernel thinks of it is in the guest's log.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "demo/camera.h"
#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"

#define LENGTH (9 * MIB)
#define CHUNK 2048UL

#define EDU_DRIVER "/sys/bus/pci/drivers/bufalloc-importer-edu/"

FIXTURE(unbind)
{
	int device;
	int importer;
	int fd;
	int id;
	long bytes;
	struct importer_facts edu;
	struct importer_map map;
};

FIXTURE_VARIANT(unbind)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(unbind, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(unbind, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(unbind)
{
	struct bufalloc_request request = request_of(LENGTH, variant->caching);
	struct edus edus;

	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	edus_find(self->importer, &edus);
	request.dma_bits = edus_reaching(&edus);
	ASSERT_LE(1, edus.count);
	self->edu = edus.facts[0];
	self->fd = buffer_open_scattered(self->device, &request);
	ASSERT_LE(0, self->fd);
	self->id = importer_attach(self->importer, self->fd, self->edu.device);
	ASSERT_LE(0, self->id);
	ASSERT_EQ(0, importer_map(self->importer, self->id,
				  IMPORTER_BIDIRECTIONAL, &self->map));
}

static int unbind(const struct importer_facts *edu)
{
	return write_string(EDU_DRIVER "unbind", edu->out_name);
}

static int bind(const struct importer_facts *edu)
{
	return write_string(EDU_DRIVER "bind", edu->out_name);
}

/* Whatever the test closed already is closed; the device is there for others. */
FIXTURE_TEARDOWN(unbind)
{
	close(self->fd);
	close(self->importer);
	bufalloc_close(self->device);
	bind(&self->edu);
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(unbind, device_is_gone)
{
	if (!edus_may_leave_mapped())
		SKIP(return, "this kernel complains of drivers that do");
	ASSERT_EQ(0, unbind(&self->edu));
	EXPECT_EQ(-ENODEV, importer_map(self->importer, self->id,
					IMPORTER_TO_DEVICE, &self->map));
	EXPECT_EQ(-ENODEV, importer_dma(self->importer, self->id,
					IMPORTER_TO_DEVICE, 0, CHUNK));
	EXPECT_EQ(-ENODEV, importer_attach(self->importer, self->fd,
					   self->edu.device));
}

/* The exporter kept the mapping, which the driver thinks is gone. */
TEST_F(unbind, kept_mapping_goes_with_the_detach)
{
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, unbind(&self->edu));
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(0, attachments(self->device, self->fd));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(self->bytes, live_bytes());
}

/*
 * The driver attaches once more in its remove(), of which nobody tells the exporter
 * again: that mapping ends with its last unmap.
 */
TEST_F(unbind, no_mapping_is_kept_for_a_driver_that_leaves)
{
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	self->id = importer_attach_late(self->importer, self->fd,
					self->edu.device);
	ASSERT_LE(0, self->id);
	ASSERT_EQ(0, probe_start("dma_unmap_sg_attrs", ""));
	ASSERT_EQ(0, unbind(&self->edu));
	EXPECT_EQ(1, attachments(self->device, self->fd));
	EXPECT_EQ(1, probe_hits());
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(1, probe_hits());
	probe_stop();
}

/*
 * The device has no driver any more when the importer attaches. The domain of its IOMMU
 * group can change then, so no mapping outlives its use. Without an IOMMU a mapping is kept,
 * as for each device that never has a driver.
 */
TEST_F(unbind, no_mapping_is_kept_behind_an_iommu_without_a_driver)
{
	int used = self->edu.out_group >= 0 ? 1 : 0;

	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, unbind(&self->edu));
	ASSERT_EQ(0, probe_start("dma_unmap_sg_attrs", ""));
	ASSERT_EQ(0, importer_attach_driverless(self->importer, self->id));
	EXPECT_EQ(1, attachments(self->device, self->fd));
	EXPECT_EQ(used, probe_hits());
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(1, probe_hits());
	probe_stop();
}

TEST_F(unbind, mapping_in_use_goes_later)
{
	if (!edus_may_leave_mapped())
		SKIP(return, "this kernel complains of drivers that do");
	ASSERT_EQ(0, unbind(&self->edu));
	ASSERT_EQ(0, importer_unmap(self->importer, self->id));
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(0, attachments(self->device, self->fd));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(unbind, buffer_is_closed_first)
{
	if (!edus_may_leave_mapped())
		SKIP(return, "this kernel complains of drivers that do");
	ASSERT_EQ(0, unbind(&self->edu));
	close(self->fd);
	bufalloc_close(self->device);
	self->fd = -1;
	self->device = -1;
	EXPECT_LT(self->bytes, live_bytes());
	close(self->importer);
	self->importer = -1;
	EXPECT_EQ(self->bytes, live_bytes());
}

/* The CPU goes on, and its syncs reach for a device without a driver. */
TEST_F(unbind, cpu_works_on)
{
	struct mapping map;

	if (!edus_may_leave_mapped())
		SKIP(return, "this kernel complains of drivers that do");
	ASSERT_EQ(0, buffer_map(self->fd, &map));
	ASSERT_EQ(0, unbind(&self->edu));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	memset(map.bytes, 0x42, map.length);
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	EXPECT_TRUE(mapping_is(&map, 0x42));
	buffer_unmap(&map);
}

/* A write that the driver waits for before it goes. */
TEST_F(unbind, device_is_writing)
{
	if (!edus_may_leave_mapped())
		SKIP(return, "this kernel complains of drivers that do");
	ASSERT_EQ(0, importer_dma_start(self->importer, self->id,
					IMPORTER_FROM_DEVICE, LENGTH - CHUNK,
					CHUNK));
	ASSERT_EQ(0, unbind(&self->edu));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, importer_detach(self->importer, self->id));
	EXPECT_EQ(self->bytes, live_bytes());
}

/* The kind of domain may only change between drivers. */
static int set_domain(const struct importer_facts *edu, const char *kind)
{
	char path[64];
	int ret;

	ret = unbind(edu);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type",
		 edu->out_group);
	ret = write_string(path, kind);
	return ret ? ret : bind(edu);
}

/* A kept mapping is not left for the next domain to trip over. */
TEST_F(unbind, domain_changes_meanwhile)
{
	static const char *const kinds[] = { "identity", "DMA" };
	unsigned int i;

	if (strcmp(machine(), "iommu"))
		SKIP(return, "the domain of an edu cannot be changed here");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, importer_unmap(self->importer, self->id));
		ASSERT_EQ(0, set_domain(&self->edu, kinds[i]));
		ASSERT_EQ(0, importer_detach(self->importer, self->id));
		self->id = importer_attach(self->importer, self->fd,
					   self->edu.device);
		ASSERT_LE(0, self->id);
		ASSERT_EQ(0, importer_map(self->importer, self->id,
					  IMPORTER_BIDIRECTIONAL, &self->map));
		EXPECT_EQ(0, importer_dma(self->importer, self->id,
					  IMPORTER_TO_DEVICE, LENGTH - CHUNK,
					  CHUNK));
	}
}

/* In the same domain as the mapping of before, which goes in the middle of it. */
TEST_F(unbind, device_comes_back_and_maps_again)
{
	struct mapping map;
	int again;

	if (!edus_may_leave_mapped())
		SKIP(return, "this kernel complains of drivers that do");
	ASSERT_EQ(0, buffer_map(self->fd, &map));
	ASSERT_EQ(0, unbind(&self->edu));
	ASSERT_EQ(0, bind(&self->edu));
	/* Not for who had the device before it went. */
	EXPECT_EQ(-ENODEV, importer_map(self->importer, self->id,
					IMPORTER_TO_DEVICE, &self->map));
	again = importer_attach(self->importer, self->fd, self->edu.device);
	ASSERT_LE(0, again);
	ASSERT_EQ(0, importer_map(self->importer, again,
				  IMPORTER_BIDIRECTIONAL, &self->map));
	ASSERT_EQ(0, importer_detach(self->importer, self->id));

	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	memset(map.bytes, 0x6d, CHUNK);
	memset(map.bytes + LENGTH - CHUNK, 0, CHUNK);
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_RW));
	ASSERT_EQ(0, importer_dma(self->importer, again, IMPORTER_TO_DEVICE, 0,
				  CHUNK));
	ASSERT_EQ(0, importer_dma(self->importer, again, IMPORTER_FROM_DEVICE,
				  LENGTH - CHUNK, CHUNK));
	ASSERT_EQ(0, bufalloc_begin_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, memcmp(map.bytes, map.bytes + LENGTH - CHUNK, CHUNK));
	ASSERT_EQ(0, bufalloc_end_cpu_access(self->fd, DMA_BUF_SYNC_READ));
	buffer_unmap(&map);
}

/*
 * The same of a driver that is not ours: a camera that is capturing. What is
 * queued then is given up while the driver goes, by the V4L2 core.
 */
FIXTURE(camera)
{
	int device;
	int fd;
	long bytes;
	struct camera camera;
};

FIXTURE_VARIANT(camera)
{
	const char *bus;
};

FIXTURE_VARIANT_ADD(camera, vmalloc) {
	.bus = "platform:vivid-000",
};

FIXTURE_VARIANT_ADD(camera, dma_contig) {
	.bus = "platform:vivid-001",
};

#define CAMERA_DRIVER "/sys/bus/platform/drivers/vivid/"
#define CAMERA_NAME "vivid.0"

static int start_camera(FIXTURE_DATA(camera) * self, const char *bus)
{
	int ret;

	ret = camera_open(&self->camera, bus, 640, 480);
	if (!ret)
		ret = camera_set_buffers(&self->camera, 1);
	if (ret)
		return ret;
	self->fd = buffer_open_low(self->device, self->camera.size,
				   BUFALLOC_CACHING_COHERENT,
				   BUFALLOC_ALLOC_CONTIGUOUS);
	if (self->fd < 0)
		return self->fd;
	ret = camera_queue(&self->camera, 0, self->fd);
	return ret ? ret : camera_start(&self->camera);
}

FIXTURE_SETUP(camera)
{
	if (access(CAMERA_DRIVER, F_OK))
		SKIP(return, "this kernel has no camera");
	if (is_watched())
		SKIP(return, "its driver sets no limit, of which this kernel warns");
	self->camera.fd = -1;
	self->fd = -1;
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, start_camera(self, variant->bus));
}

FIXTURE_TEARDOWN(camera)
{
	camera_close(&self->camera);
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
	write_string(CAMERA_DRIVER "bind", CAMERA_NAME);
}

TEST_F(camera, goes_while_it_captures)
{
	uint32_t index;

	ASSERT_EQ(0, write_string(CAMERA_DRIVER "unbind", CAMERA_NAME));
	EXPECT_NE(0, camera_dequeue(&self->camera, &index));
	EXPECT_EQ(0, attachments(self->device, self->fd));
	camera_close(&self->camera);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(self->bytes, live_bytes());

	ASSERT_EQ(0, write_string(CAMERA_DRIVER "bind", CAMERA_NAME));
	ASSERT_EQ(0, start_camera(self, variant->bus));
	EXPECT_EQ(0, camera_dequeue(&self->camera, &index));
	EXPECT_EQ(0, camera_stop(&self->camera));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * A camera captures into buffers of ours. The first vivid takes scattered
 * memory and writes by the exporter's vmap alone; the second one, whose memory
 * is dma-contig's, wants one DMA segment and gets it or refuses.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "demo/camera.h"
#include "demo/pattern.h"
#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/guest.h"

#define WIDTH 640
#define HEIGHT 480
#define BUFFERS 3
#define ROUNDS 12
#define POISON 0x5a

#define VMALLOC "platform:vivid-000"
#define DMA_CONTIG "platform:vivid-001"

/* More than the largest run of pages that the kernel gives out without CMA. */
#define LARGE (33 * MIB)

FIXTURE(vivid)
{
	int device;
	long bytes;
	struct camera camera;
	int fds[BUFFERS];
	struct mapping maps[BUFFERS];
};

FIXTURE_VARIANT(vivid)
{
	const char *bus;
	uint32_t caching;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(vivid, vmalloc_wc) {
	.bus = VMALLOC,
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(vivid, vmalloc_coherent) {
	.bus = VMALLOC,
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(vivid, vmalloc_cached) {
	.bus = VMALLOC,
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_VARIANT_ADD(vivid, dma_contig_wc) {
	.bus = DMA_CONTIG,
	.caching = BUFALLOC_CACHING_WC,
	.flags = BUFALLOC_ALLOC_CONTIGUOUS,
};

FIXTURE_VARIANT_ADD(vivid, dma_contig_coherent) {
	.bus = DMA_CONTIG,
	.caching = BUFALLOC_CACHING_COHERENT,
	.flags = BUFALLOC_ALLOC_CONTIGUOUS,
};

FIXTURE_VARIANT_ADD(vivid, dma_contig_cached) {
	.bus = DMA_CONTIG,
	.caching = BUFALLOC_CACHING_CACHED,
	.flags = BUFALLOC_ALLOC_CONTIGUOUS,
};

FIXTURE_SETUP(vivid)
{
	int i;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, camera_open(&self->camera, variant->bus, WIDTH, HEIGHT));
	ASSERT_EQ(0, camera_set_pattern(&self->camera));
	ASSERT_EQ(0, camera_set_buffers(&self->camera, BUFFERS));
	for (i = 0; i < BUFFERS; i++) {
		self->fds[i] = buffer_open_low(self->device, self->camera.size,
					       variant->caching,
					       variant->flags);
		ASSERT_LE(0, self->fds[i]);
		ASSERT_EQ(0, buffer_map(self->fds[i], &self->maps[i]));
		ASSERT_EQ(0, camera_queue(&self->camera, i, self->fds[i]));
	}
	ASSERT_EQ(0, camera_start(&self->camera));
}

/* Whatever the test closed already is closed: what counts is what is left. */
FIXTURE_TEARDOWN(vivid)
{
	int i;

	camera_close(&self->camera);
	for (i = 0; i < BUFFERS; i++) {
		close(self->fds[i]);
		buffer_unmap(&self->maps[i]);
	}
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

static uint32_t wrong_pixels(int fd, const struct camera *camera,
			     const struct mapping *map)
{
	uint32_t wrong;

	if (bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_READ))
		return UINT32_MAX;
	wrong = pattern_count_wrong(map->bytes, camera->stride, camera->width,
				    camera->height);
	if (bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_READ))
		return UINT32_MAX;
	return wrong;
}

/* So that the next frame is not this one. */
static int poison(int fd, struct mapping *map)
{
	int ret;

	ret = bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_WRITE);
	if (ret)
		return ret;
	memset(map->bytes, POISON, map->length);
	return bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_WRITE);
}

TEST_F(vivid, fills_the_same_buffers_again_and_again)
{
	unsigned int used[BUFFERS] = { 0 };
	uint32_t index;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, camera_dequeue(&self->camera, &index));
		ASSERT_GT(BUFFERS, index);
		used[index]++;
		ASSERT_EQ(0, wrong_pixels(self->fds[index], &self->camera,
					  &self->maps[index]))
		TH_LOG("round %d, buffer %u", round, index);
		ASSERT_EQ(0, poison(self->fds[index], &self->maps[index]));
		ASSERT_EQ(0, camera_queue(&self->camera, index,
					  self->fds[index]));
	}
	for (index = 0; index < BUFFERS; index++)
		EXPECT_LE(ROUNDS / BUFFERS - 1, used[index]);
	EXPECT_EQ(0, camera_stop(&self->camera));
}

/* What a stopped camera gave back can be given to it again. */
TEST_F(vivid, starts_again_after_a_stop)
{
	uint32_t index;
	int i;

	ASSERT_EQ(0, camera_stop(&self->camera));
	for (i = 0; i < BUFFERS; i++) {
		ASSERT_EQ(0, poison(self->fds[i], &self->maps[i]));
		ASSERT_EQ(0, camera_queue(&self->camera, i, self->fds[i]));
	}
	ASSERT_EQ(0, camera_start(&self->camera));
	ASSERT_EQ(0, camera_dequeue(&self->camera, &index));
	EXPECT_EQ(0, wrong_pixels(self->fds[index], &self->camera,
				  &self->maps[index]));
	EXPECT_EQ(0, camera_stop(&self->camera));
}

/* The camera holds what is queued, though nobody else does. */
TEST_F(vivid, keeps_buffers_whose_fds_are_closed)
{
	long bytes = live_bytes();
	int i;

	for (i = 0; i < BUFFERS; i++) {
		buffer_unmap(&self->maps[i]);
		ASSERT_EQ(0, close(self->fds[i]));
	}
	EXPECT_EQ(bytes, live_bytes());
	EXPECT_EQ(0, camera_stop(&self->camera));
	EXPECT_EQ(0, camera_set_buffers(&self->camera, 0));
	bufalloc_close(self->device);
	self->device = -1;
	EXPECT_EQ(self->bytes, live_bytes());
}

/* A buffer in more than one segment, and the camera that it is for. */
FIXTURE(scattered)
{
	int device;
	long bytes;
	struct camera camera;
	int fd;
};

#define TRIES 16

/* Pages that happen to lie side by side are one segment: keep them, try on. */
static int open_scattered(int device)
{
	struct bufalloc_query query;
	int fds[TRIES];
	int tries, fd = -ENOSPC;

	for (tries = 0; tries < TRIES && fd == -ENOSPC; tries++) {
		fds[tries] = buffer_open_low(device, LARGE,
					     BUFALLOC_CACHING_COHERENT, 0);
		if (fds[tries] < 0 ||
		    bufalloc_query(device, fds[tries], &query))
			break;
		if (query.out_segments > 1)
			fd = dup(fds[tries]);
	}
	while (tries--)
		close(fds[tries]);
	return fd;
}

FIXTURE_SETUP(scattered)
{
	self->camera.fd = -1;
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = open_scattered(self->device);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(scattered)
{
	camera_close(&self->camera);
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(scattered, is_taken_by_vmalloc)
{
	struct mapping map;
	uint32_t index;

	ASSERT_EQ(0, camera_open(&self->camera, VMALLOC, WIDTH, HEIGHT));
	ASSERT_EQ(0, camera_set_pattern(&self->camera));
	ASSERT_EQ(0, camera_set_buffers(&self->camera, BUFFERS));
	ASSERT_EQ(0, camera_queue(&self->camera, 0, self->fd));
	ASSERT_EQ(0, camera_start(&self->camera));
	ASSERT_EQ(0, camera_dequeue(&self->camera, &index));
	ASSERT_EQ(0, index);
	ASSERT_EQ(0, buffer_map(self->fd, &map));
	EXPECT_EQ(0, wrong_pixels(self->fd, &self->camera, &map));
	buffer_unmap(&map);
	EXPECT_EQ(0, camera_stop(&self->camera));
}

TEST_F(scattered, is_refused_by_dma_contig_with_efault)
{
	ASSERT_EQ(0, camera_open(&self->camera, DMA_CONTIG, WIDTH, HEIGHT));
	ASSERT_EQ(0, camera_set_buffers(&self->camera, BUFFERS));
	EXPECT_EQ(-EFAULT, camera_queue(&self->camera, 0, self->fd));
	EXPECT_EQ(0, camera_set_buffers(&self->camera, 0));
	EXPECT_EQ(0, attachments(self->device, self->fd));
}

TEST_HARNESS_MAIN

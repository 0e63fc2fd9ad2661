// SPDX-License-Identifier: MIT
/*
 * Scanout: cirrus makes framebuffers of our buffers by the library's helper,
 * maps each into the kernel and copies it into its video memory.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>
#include <xf86drm.h>

#include "demo/display.h"
#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/guest.h"

#define WIDTH 640
#define HEIGHT 480
#define BUFFERS 2
#define ROUNDS 6

FIXTURE(cirrus)
{
	int device;
	long bytes;
	struct display display;
	struct bufalloc_layout layout;
	int fds[BUFFERS];
	uint32_t framebuffers[BUFFERS];
};

FIXTURE_VARIANT(cirrus)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(cirrus, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(cirrus, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(cirrus, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(cirrus)
{
	const struct bufalloc_image image = { .fourcc = DRM_FORMAT_XRGB8888,
					      .width = WIDTH,
					      .height = HEIGHT };
	/* It snoops: where memory has no type of its own, it gets what is write-back. */
	uint32_t flags = machine_types_memory() ?
				 0 :
				 BUFALLOC_ALLOC_DEFERRED |
					 BUFALLOC_ALLOC_ANY_CACHING;
	int i;

	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, display_open(&self->display, "cirrus", WIDTH, HEIGHT));
	ASSERT_EQ(0, bufalloc_get_layout(&image, &self->layout));
	for (i = 0; i < BUFFERS; i++) {
		self->fds[i] = buffer_open_low(self->device, self->layout.size,
					       variant->caching, flags);
		ASSERT_LE(0, self->fds[i]);
		ASSERT_EQ(0, bufalloc_add_framebuffer(self->display.fd,
						      self->fds[i],
						      &self->layout,
						      &self->framebuffers[i]));
	}
}

/* Whatever the test closed already is closed: what counts is what is left. */
FIXTURE_TEARDOWN(cirrus)
{
	int i;

	display_close(&self->display);
	for (i = 0; i < BUFFERS; i++)
		close(self->fds[i]);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

static int fill(int fd, unsigned char byte)
{
	struct mapping map;
	int ret;

	ret = buffer_map(fd, &map);
	if (ret)
		return ret;
	ret = bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_WRITE);
	memset(map.bytes, byte, map.length);
	ret = bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_WRITE) ?: ret;
	buffer_unmap(&map);
	return ret;
}

TEST_F(cirrus, shows_one_buffer_after_the_other)
{
	int round, i, exported;

	for (round = 0; round < ROUNDS; round++) {
		i = round % BUFFERS;
		ASSERT_EQ(0, fill(self->fds[i], 40 * round));
		ASSERT_EQ(0, display_show(&self->display,
					  self->framebuffers[i]));
		ASSERT_EQ(0, display_refresh(&self->display,
					     self->framebuffers[i]));
		EXPECT_EQ(1, attachments(self->device, self->fds[i]));
		ASSERT_EQ(0, display_export(&self->display, &exported));
		EXPECT_EQ(inode(self->fds[i]), inode(exported));
		EXPECT_EQ(0, close(exported));
	}
}

TEST_F(cirrus, lets_go_of_a_framebuffer_that_is_removed)
{
	ASSERT_EQ(0, display_show(&self->display, self->framebuffers[0]));
	EXPECT_EQ(0, bufalloc_remove_framebuffer(self->display.fd,
						 self->framebuffers[1]));
	EXPECT_EQ(0, attachments(self->device, self->fds[1]));
	EXPECT_EQ(1, attachments(self->device, self->fds[0]));
	/* Also of one that is on the screen. */
	EXPECT_EQ(0, bufalloc_remove_framebuffer(self->display.fd,
						 self->framebuffers[0]));
	EXPECT_EQ(0, attachments(self->device, self->fds[0]));
}

TEST_F(cirrus, a_framebuffer_keeps_the_buffer)
{
	long bytes = live_bytes();
	int i;

	for (i = 0; i < BUFFERS; i++)
		ASSERT_EQ(0, close(self->fds[i]));
	EXPECT_EQ(bytes, live_bytes());
	EXPECT_EQ(0, display_show(&self->display, self->framebuffers[0]));
	EXPECT_EQ(0, display_refresh(&self->display, self->framebuffers[0]));
	EXPECT_EQ(0, display_blank(&self->display));
	for (i = 0; i < BUFFERS; i++)
		EXPECT_EQ(0, bufalloc_remove_framebuffer(self->display.fd,
							 self->framebuffers[i]));
	bufalloc_close(self->device);
	self->device = -1;
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(cirrus, a_closed_card_lets_everything_go)
{
	ASSERT_EQ(0, display_show(&self->display, self->framebuffers[0]));
	display_close(&self->display);
	EXPECT_EQ(0, attachments(self->device, self->fds[0]));
	EXPECT_EQ(0, attachments(self->device, self->fds[1]));
}

/* With the framebuffer gone nothing of the import is left. */
TEST_F(cirrus, the_helper_leaves_no_handle)
{
	uint32_t handle;

	ASSERT_EQ(0, bufalloc_remove_framebuffer(self->display.fd,
						 self->framebuffers[0]));
	EXPECT_EQ(0, attachments(self->device, self->fds[0]));
	ASSERT_EQ(0, drmPrimeFDToHandle(self->display.fd, self->fds[0],
					&handle));
	EXPECT_EQ(1, attachments(self->device, self->fds[0]));
	EXPECT_EQ(0, drmCloseBufferHandle(self->display.fd, handle));
	EXPECT_EQ(0, attachments(self->device, self->fds[0]));
}

TEST_F(cirrus, a_layout_past_the_buffer_is_einval)
{
	uint32_t framebuffer;

	ASSERT_EQ(0, bufalloc_remove_framebuffer(self->display.fd,
						 self->framebuffers[0]));
	self->layout.offsets[0] = 4096;
	EXPECT_EQ(-EINVAL, bufalloc_add_framebuffer(self->display.fd,
						    self->fds[0], &self->layout,
						    &framebuffer));
	/* And the import that it needed is undone. */
	EXPECT_EQ(0, attachments(self->device, self->fds[0]));
}

TEST_HARNESS_MAIN

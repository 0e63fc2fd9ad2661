// SPDX-License-Identifier: MIT
/*
 * PRIME: a buffer becomes a GEM object of another driver and stays the same
 * dma-buf, whichever of its names is used and whichever is closed first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <drm.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "demo/display.h"
#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/guest.h"

#define LENGTH (1 * MIB)

/* vgem's fences, of a kernel header that no Debian package installs. */
struct fence_attach {
	uint32_t handle;
	uint32_t flags;
	uint32_t out_fence;
	uint32_t pad;
};

struct fence_signal {
	uint32_t fence;
	uint32_t flags;
};

#define FENCE_WRITE 1
#define FENCE_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct fence_attach)
#define FENCE_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct fence_signal)

FIXTURE(vgem)
{
	int device;
	long bytes;
	int fd;
	int drm;
	uint32_t handle;
};

FIXTURE_VARIANT(vgem)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(vgem, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(vgem, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(vgem, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(vgem)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = buffer_open(self->device, LENGTH, variant->caching);
	ASSERT_LE(0, self->fd);
	self->drm = display_find("vgem");
	ASSERT_LE(0, self->drm);
	ASSERT_EQ(0, drmPrimeFDToHandle(self->drm, self->fd, &self->handle));
}

FIXTURE_TEARDOWN(vgem)
{
	close(self->drm);
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(vgem, attaches_until_its_handle_is_closed)
{
	EXPECT_EQ(1, attachments(self->device, self->fd));
	EXPECT_EQ(0, drmCloseBufferHandle(self->drm, self->handle));
	EXPECT_EQ(0, attachments(self->device, self->fd));
}

TEST_F(vgem, a_second_import_gives_the_same_handle)
{
	uint32_t again = 0;

	EXPECT_EQ(0, drmPrimeFDToHandle(self->drm, self->fd, &again));
	EXPECT_EQ(self->handle, again);
	EXPECT_EQ(1, attachments(self->device, self->fd));
}

TEST_F(vgem, exports_the_same_dma_buf)
{
	struct mapping ours, theirs;
	int again;

	ASSERT_EQ(0, drmPrimeHandleToFD(self->drm, self->handle,
					DRM_RDWR | DRM_CLOEXEC, &again));
	EXPECT_NE(self->fd, again);
	EXPECT_EQ(inode(self->fd), inode(again));
	ASSERT_EQ(0, buffer_map(self->fd, &ours));
	ASSERT_EQ(0, buffer_map(again, &theirs));
	ASSERT_EQ(LENGTH, theirs.length);
	ours.bytes[0] = 0x11;
	ours.bytes[LENGTH - 1] = 0x22;
	EXPECT_EQ(0x11, theirs.bytes[0]);
	EXPECT_EQ(0x22, theirs.bytes[LENGTH - 1]);
	buffer_unmap(&theirs);
	buffer_unmap(&ours);
	EXPECT_EQ(0, close(again));
}

/* A dma-buf of another exporter is no buffer of ours. */
TEST_F(vgem, its_own_dma_buf_is_none_of_ours)
{
	struct bufalloc_query query;
	uint32_t handle, pitch;
	uint64_t size;
	int fd;

	ASSERT_EQ(0, drmModeCreateDumbBuffer(self->drm, 64, 64, 32, 0, &handle,
					     &pitch, &size));
	ASSERT_EQ(0, drmPrimeHandleToFD(self->drm, handle, DRM_CLOEXEC, &fd));
	EXPECT_EQ(-EINVAL, bufalloc_query(self->device, fd, &query));
	close(fd);
	ASSERT_EQ(0, drmModeDestroyDumbBuffer(self->drm, handle));
}

TEST_F(vgem, an_object_keeps_the_buffer)
{
	long bytes = live_bytes();
	int again;

	ASSERT_EQ(0, close(self->fd));
	bufalloc_close(self->device);
	EXPECT_EQ(bytes, live_bytes());
	/* From the object alone the buffer comes back. */
	ASSERT_EQ(0, drmPrimeHandleToFD(self->drm, self->handle, DRM_CLOEXEC,
					&again));
	EXPECT_EQ(0, drmCloseBufferHandle(self->drm, self->handle));
	EXPECT_EQ(bytes, live_bytes());
	EXPECT_EQ(0, close(again));
	EXPECT_EQ(self->bytes, live_bytes());
	self->fd = -1;
	self->device = -1;
}

TEST_F(vgem, a_closed_card_lets_the_buffer_go)
{
	EXPECT_EQ(0, close(self->drm));
	self->drm = -1;
	EXPECT_EQ(0, attachments(self->device, self->fd));
	EXPECT_EQ(0, close(self->fd));
	self->fd = -1;
	EXPECT_EQ(self->bytes, live_bytes());
}

static short events_now(int fd, short wanted)
{
	struct pollfd events = { .fd = fd, .events = wanted };

	return poll(&events, 1, 0) < 0 ? -1 : events.revents;
}

/* A driver's write fence on the object is one on our buffer. */
TEST_F(vgem, a_fence_is_seen_by_poll)
{
	struct fence_attach fence = {
		.handle = self->handle,
		.flags = FENCE_WRITE,
	};
	struct fence_signal signal = { 0 };

	EXPECT_EQ(POLLIN, events_now(self->fd, POLLIN));
	ASSERT_EQ(0, drmIoctl(self->drm, FENCE_ATTACH, &fence));
	EXPECT_EQ(0, events_now(self->fd, POLLIN));
	signal.fence = fence.out_fence;
	ASSERT_EQ(0, drmIoctl(self->drm, FENCE_SIGNAL, &signal));
	EXPECT_EQ(POLLIN, events_now(self->fd, POLLIN));
}

TEST_HARNESS_MAIN

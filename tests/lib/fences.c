// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "demo/display.h"
#include "lib/fences.h"

/* As the kernel's drivers have them in headers that no Debian package installs. */
struct timeline_fence {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define TIMELINE_FENCE _IOWR('W', 0, struct timeline_fence)
#define TIMELINE_ADVANCE _IOW('W', 1, uint32_t)

struct card_fence {
	uint32_t handle;
	uint32_t flags;
	uint32_t out_fence;
	uint32_t pad;
};

struct card_signal {
	uint32_t fence;
	uint32_t flags;
};

#define CARD_FENCE_WRITE 1
#define CARD_FENCE DRM_IOWR(DRM_COMMAND_BASE + 1, struct card_fence)
#define CARD_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct card_signal)

int fences_open(struct fences *fences)
{
	fences->count = 0;
	fences->present = 0;
	fences->card = -1;
	fences->timeline = open("/sys/kernel/debug/sync/sw_sync",
				O_RDWR | O_CLOEXEC);
	if (fences->timeline >= 0)
		return 0;
	fences->card = display_find("vgem");
	return fences->card < 0 ? fences->card : 0;
}

void fences_close(struct fences *fences)
{
	fences_signal(fences);
	close(fences->timeline);
	close(fences->card);
}

static int timeline_create(struct fences *fences)
{
	struct timeline_fence fence = {
		.value = fences->present + fences->count + 1,
		.name = "bufalloc",
	};

	if (ioctl(fences->timeline, TIMELINE_FENCE, &fence))
		return -errno;
	fences->count++;
	return fence.fence;
}

/* Of an object that is only there to have the fence. */
static int card_create(struct fences *fences)
{
	struct card_fence fence = { .flags = CARD_FENCE_WRITE };
	uint32_t pitch;
	uint64_t size;
	int fd, file;

	if (drmModeCreateDumbBuffer(fences->card, 16, 16, 32, 0, &fence.handle,
				    &pitch, &size))
		return -errno;
	if (drmIoctl(fences->card, CARD_FENCE, &fence) ||
	    drmPrimeHandleToFD(fences->card, fence.handle, DRM_CLOEXEC, &fd))
		return -errno;
	fences->ids[fences->count++] = fence.out_fence;
	file = sync_file_export(fd, DMA_BUF_SYNC_READ);
	close(fd);
	drmModeDestroyDumbBuffer(fences->card, fence.handle);
	return file;
}

int fence_create(struct fences *fences)
{
	if (fences->count == FENCES_MAX)
		return -ENOSPC;
	return fences->timeline >= 0 ? timeline_create(fences) :
				       card_create(fences);
}

int fences_signal(struct fences *fences)
{
	uint32_t count = fences->count;
	struct card_signal signal = { 0 };

	fences->count = 0;
	fences->present += count;
	if (fences->timeline >= 0)
		return ioctl(fences->timeline, TIMELINE_ADVANCE, &count) ?
			       -errno :
			       0;
	while (count-- > 0) {
		signal.fence = fences->ids[count];
		if (drmIoctl(fences->card, CARD_SIGNAL, &signal))
			return -errno;
	}
	return 0;
}

int sync_file_export(int fd, uint32_t flags)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };

	return ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg) ? -errno :
								 arg.fd;
}

int sync_file_import(int fd, uint32_t flags, int sync_file)
{
	struct dma_buf_import_sync_file arg = {
		.flags = flags,
		.fd = sync_file,
	};

	return ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg) ? -errno : 0;
}

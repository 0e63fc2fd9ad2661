// SPDX-License-Identifier: MIT
/* The device: opening it, and what it says about itself and its heaps. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bufalloc.h"
#include "ioctl.h"

static int open_at(const char *path)
{
	int device = open(path, O_RDWR | O_CLOEXEC);

	return device < 0 ? -errno : device;
}

int bufalloc_open(const char *path)
{
	int device = open_at(path ? path : BUFALLOC_DEVICE);
	int charged;

	/* Try the charged device if this user may not open the first, or a container lacks it. */
	if (!path && (device == -EACCES || device == -ENOENT)) {
		charged = open_at(BUFALLOC_DEVICE_CHARGED);
		if (charged >= 0)
			return charged;
	}
	return device;
}

void bufalloc_close(int device)
{
	if (device >= 0)
		close(device);
}

int bufalloc_get_info_sized(int device, struct bufalloc_info *info, size_t size)
{
	if (size < sizeof(info->size))
		return -EINVAL;
	if (size > UINT32_MAX)
		return -E2BIG;
	memset(info, 0, size);
	info->size = size;
	return bufalloc_ioctl(device, BUFALLOC_IOCTL_INFO, info);
}

int bufalloc_get_heap_sized(int device, uint32_t index,
			    struct bufalloc_heap *heap, size_t size)
{
	if (size < offsetof(struct bufalloc_heap, out_name))
		return -EINVAL;
	if (size > UINT32_MAX)
		return -E2BIG;
	memset(heap, 0, size);
	heap->size = size;
	heap->index = index;
	return bufalloc_ioctl(device, BUFALLOC_IOCTL_HEAP, heap);
}

int bufalloc_find_heap(int device, const char *name, uint32_t *index)
{
	struct bufalloc_heap heap;
	uint32_t i;
	int ret;

	/* Past the last heap the kernel says ENOENT: what the caller is told. */
	for (i = 0;; i++) {
		ret = bufalloc_get_heap(device, i, &heap);
		if (ret)
			return ret;
		if (!strncmp(heap.out_name, name, sizeof(heap.out_name))) {
			*index = i;
			return 0;
		}
	}
}

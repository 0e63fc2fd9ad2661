// SPDX-License-Identifier: MIT
/* KMS framebuffers: a buffer and a layout, made ready for scanout. */
#include <errno.h>

#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "bufalloc.h"

/* All planes lie in the one buffer, so one handle serves them all. */
static int add(int drm, uint32_t handle, const struct bufalloc_layout *layout,
	       uint32_t *id)
{
	uint32_t handles[4] = { 0 }, strides[4] = { 0 }, offsets[4] = { 0 };
	uint64_t modifiers[4] = { 0 };
	uint64_t has_modifiers = 0;
	uint32_t plane;
	int ret;

	for (plane = 0; plane < layout->planes; plane++) {
		handles[plane] = handle;
		strides[plane] = layout->strides[plane];
		offsets[plane] = layout->offsets[plane];
		modifiers[plane] = DRM_FORMAT_MOD_LINEAR;
	}
	if (drmGetCap(drm, DRM_CAP_ADDFB2_MODIFIERS, &has_modifiers))
		has_modifiers = 0;
	if (has_modifiers)
		ret = drmModeAddFB2WithModifiers(drm, layout->width, layout->height,
						 layout->fourcc, handles, strides, offsets,
						 modifiers, id, DRM_MODE_FB_MODIFIERS);
	else
		ret = drmModeAddFB2(drm, layout->width, layout->height, layout->fourcc,
				    handles, strides, offsets, id, 0);
	return ret ? -errno : 0;
}

int bufalloc_add_framebuffer(int drm, int fd,
			     const struct bufalloc_layout *layout, uint32_t *id)
{
	uint32_t handle;
	int ret;

	if (!layout->planes || layout->planes > BUFALLOC_MAX_PLANES)
		return -EINVAL;
	if (drmPrimeFDToHandle(drm, fd, &handle))
		return -errno;
	ret = add(drm, handle, layout, id);
	drmCloseBufferHandle(drm, handle);
	return ret;
}

int bufalloc_remove_framebuffer(int drm, uint32_t id)
{
	return drmModeRmFB(drm, id) ? -errno : 0;
}

// SPDX-License-Identifier: MIT
/* Scanout by libdrm, with what every KMS driver has: no atomic commits. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include "display.h"

#define CARDS 16

static bool is_driven_by(int fd, const char *driver)
{
	drmVersion *version = drmGetVersion(fd);
	bool is;

	is = version && !strncmp(version->name, driver, strlen(driver));
	drmFreeVersion(version);
	return is;
}

int display_find(const char *driver)
{
	char path[32];
	int card, fd;

	for (card = 0; card < CARDS; card++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", card);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_driven_by(fd, driver))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

static bool find_mode(struct display *display, uint32_t id, uint32_t width,
		      uint32_t height)
{
	drmModeConnector *connector = drmModeGetConnector(display->fd, id);
	bool found = false;
	int i;

	if (!connector)
		return false;
	for (i = 0; i < connector->count_modes && !found; i++) {
		found = connector->connection == DRM_MODE_CONNECTED &&
			connector->modes[i].hdisplay == width &&
			connector->modes[i].vdisplay == height;
		if (found)
			display->mode = connector->modes[i];
	}
	drmModeFreeConnector(connector);
	return found;
}

static int find_output(struct display *display, uint32_t width, uint32_t height)
{
	drmModeRes *resources = drmModeGetResources(display->fd);
	int i, ret = -ENXIO;

	if (!resources)
		return -errno;
	for (i = 0; i < resources->count_connectors && ret; i++) {
		if (!resources->count_crtcs ||
		    !find_mode(display, resources->connectors[i], width,
			       height))
			continue;
		display->connector = resources->connectors[i];
		display->crtc = resources->crtcs[0];
		ret = 0;
	}
	drmModeFreeResources(resources);
	return ret;
}

int display_open(struct display *display, const char *driver, uint32_t width,
		 uint32_t height)
{
	int ret;

	*display = (struct display) { .fd = display_find(driver) };
	if (display->fd < 0) {
		ret = display->fd;
		display->fd = -1;
		return ret;
	}
	ret = find_output(display, width, height);
	if (ret)
		display_close(display);
	return ret;
}

void display_close(struct display *display)
{
	if (display->fd >= 0)
		close(display->fd);
	display->fd = -1;
}

int display_show(struct display *display, uint32_t framebuffer)
{
	return drmModeSetCrtc(display->fd, display->crtc, framebuffer, 0, 0,
			      &display->connector, 1, &display->mode) ?
		       -errno :
		       0;
}

int display_refresh(struct display *display, uint32_t framebuffer)
{
	drmModeClip whole = { 0, 0, display->mode.hdisplay,
			      display->mode.vdisplay };

	return drmModeDirtyFB(display->fd, framebuffer, &whole, 1) ? -errno : 0;
}

static uint32_t on_screen(struct display *display)
{
	drmModeCrtc *crtc = drmModeGetCrtc(display->fd, display->crtc);
	uint32_t framebuffer = crtc ? crtc->buffer_id : 0;

	drmModeFreeCrtc(crtc);
	return framebuffer;
}

int display_export(struct display *display, int *fd)
{
	drmModeFB2 *framebuffer;
	int ret = 0;

	framebuffer = drmModeGetFB2(display->fd, on_screen(display));
	if (!framebuffer)
		return -errno;
	if (drmPrimeHandleToFD(display->fd, framebuffer->handles[0], O_CLOEXEC,
			       fd))
		ret = -errno;
	drmCloseBufferHandle(display->fd, framebuffer->handles[0]);
	drmModeFreeFB2(framebuffer);
	return ret;
}

int display_blank(struct display *display)
{
	return drmModeSetCrtc(display->fd, display->crtc, 0, 0, 0, NULL, 0,
			      NULL) ?
		       -errno :
		       0;
}

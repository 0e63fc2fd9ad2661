// SPDX-License-Identifier: MIT
/* V4L2 capture with V4L2_MEMORY_DMABUF: the camera allocates nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "camera.h"

#define NODES 64
#define TIMEOUT_MS 10000

static int call(int fd, unsigned long request, void *argument)
{
	int ret;

	do {
		ret = ioctl(fd, request, argument);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static bool is_on(int fd, const char *bus)
{
	struct v4l2_capability capability = { 0 };

	return !call(fd, VIDIOC_QUERYCAP, &capability) &&
	       !strcmp((const char *)capability.bus_info, bus) &&
	       (capability.device_caps & V4L2_CAP_VIDEO_CAPTURE) &&
	       (capability.device_caps & V4L2_CAP_STREAMING);
}

static int find(const char *bus)
{
	char path[32];
	int node, fd;

	for (node = 0; node < NODES; node++) {
		snprintf(path, sizeof(path), "/dev/video%d", node);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_on(fd, bus))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/* V4L2 names this format in the order of its bytes, DRM in that of its bits. */
static int set_format(struct camera *camera)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = camera->width,
			.height = camera->height,
			.pixelformat = V4L2_PIX_FMT_XBGR32,
			.field = V4L2_FIELD_NONE,
		},
	};
	int ret;

	ret = call(camera->fd, VIDIOC_S_FMT, &format);
	if (ret)
		return ret;
	if (format.fmt.pix.width != camera->width ||
	    format.fmt.pix.height != camera->height ||
	    format.fmt.pix.pixelformat != V4L2_PIX_FMT_XBGR32)
		return -EINVAL;
	camera->stride = format.fmt.pix.bytesperline;
	camera->size = format.fmt.pix.sizeimage;
	return 0;
}

int camera_open(struct camera *camera, const char *bus, uint32_t width,
		uint32_t height)
{
	int ret;

	*camera = (struct camera) { .width = width, .height = height };
	camera->fd = find(bus);
	if (camera->fd < 0) {
		ret = camera->fd;
		camera->fd = -1;
		return ret;
	}
	ret = set_format(camera);
	if (ret)
		camera_close(camera);
	return ret;
}

void camera_close(struct camera *camera)
{
	if (camera->fd >= 0)
		close(camera->fd);
	camera->fd = -1;
}

/* A driver's own controls have no numbers in any header: ask for the name. */
static int find_control(int fd, const char *name,
			struct v4l2_queryctrl *control)
{
	int ret;

	*control = (struct v4l2_queryctrl) { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	while (!(ret = call(fd, VIDIOC_QUERYCTRL, control))) {
		if (!strcmp((const char *)control->name, name))
			return 0;
		control->id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	return ret;
}

static int set_menu(int fd, const char *name, const char *entry)
{
	struct v4l2_queryctrl control;
	struct v4l2_control value = { 0 };
	struct v4l2_querymenu menu = { 0 };
	int ret;

	ret = find_control(fd, name, &control);
	if (ret)
		return ret;
	menu.id = control.id;
	value.id = control.id;
	for (value.value = control.minimum; value.value <= control.maximum;
	     value.value++) {
		menu.index = value.value;
		if (call(fd, VIDIOC_QUERYMENU, &menu) ||
		    strcmp((const char *)menu.name, entry))
			continue;
		return call(fd, VIDIOC_S_CTRL, &value);
	}
	return -EINVAL;
}

int camera_set_pattern(struct camera *camera)
{
	static const char *const settings[][2] = {
		{ "Test Pattern", "100% Color Squares" },
		{ "OSD Text Mode", "None" },
		{ "Horizontal Movement", "No Movement" },
		{ "Vertical Movement", "No Movement" },
		{ NULL },
	};
	unsigned int i;
	int ret;

	for (i = 0; settings[i][0]; i++) {
		ret = set_menu(camera->fd, settings[i][0], settings[i][1]);
		if (ret)
			return ret;
	}
	return 0;
}

int camera_set_buffers(struct camera *camera, uint32_t count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	int ret;

	ret = call(camera->fd, VIDIOC_REQBUFS, &request);
	if (ret)
		return ret;
	return request.count < count ? -ENOMEM : 0;
}

int camera_queue(struct camera *camera, uint32_t index, int fd)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = fd,
	};

	return call(camera->fd, VIDIOC_QBUF, &buffer);
}

int camera_start(struct camera *camera)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	return call(camera->fd, VIDIOC_STREAMON, &type);
}

static int wait_for_frame(int fd)
{
	struct pollfd events = { .fd = fd, .events = POLLIN };
	int ret;

	do {
		ret = poll(&events, 1, TIMEOUT_MS);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	return events.revents & POLLERR ? -EIO : 0;
}

int camera_dequeue(struct camera *camera, uint32_t *index)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	int ret;

	ret = wait_for_frame(camera->fd);
	if (ret)
		return ret;
	ret = call(camera->fd, VIDIOC_DQBUF, &buffer);
	if (ret)
		return ret;
	*index = buffer.index;
	return (buffer.flags & V4L2_BUF_FLAG_ERROR) ||
			       buffer.bytesused != camera->size ?
		       -EIO :
		       0;
}

int camera_stop(struct camera *camera)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	return call(camera->fd, VIDIOC_STREAMOFF, &type);
}

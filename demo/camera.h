/* SPDX-License-Identifier: MIT */
/*
 * A V4L2 camera that writes its frames into dma-bufs of somebody else.
 *
 * Functions that return an int return 0 or a negative errno.
 */
#ifndef DEMO_CAMERA_H
#define DEMO_CAMERA_H

#include <stdint.h>

/* struct camera - an open camera; fd is -1 when it is not. */
struct camera {
	int fd;
	uint32_t width;
	uint32_t height;
	uint32_t stride; /* bytes in a line */
	uint32_t size; /* bytes in a frame */
};

/*
 * Opens the camera on the given bus (vivid's are "platform:vivid-000" and so
 * on), for frames in DRM_FORMAT_XRGB8888 of exactly that size. ENODEV: there is
 * no such camera; EINVAL: it has no such frames.
 */
int camera_open(struct camera *camera, const char *bus, uint32_t width,
		uint32_t height);
void camera_close(struct camera *camera);

/*
 * Makes vivid send the same frame again and again: the pattern of pattern.h,
 * standing still and without text.
 */
int camera_set_pattern(struct camera *camera);

/* Announces how many buffers will be used. 0 gives up those it had. */
int camera_set_buffers(struct camera *camera, uint32_t count);

/* Hands over buffer number index, whose memory is the dma-buf fd. */
int camera_queue(struct camera *camera, uint32_t index, int fd);

int camera_start(struct camera *camera);

/*
 * Takes back the buffer with the next frame. ETIMEDOUT: none came in 10 s;
 * EIO: one came that is not whole.
 */
int camera_dequeue(struct camera *camera, uint32_t *index);

/* Gives back what was queued. The buffers may be queued again. */
int camera_stop(struct camera *camera);

#endif

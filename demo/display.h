/* SPDX-License-Identifier: MIT */
/*
 * A KMS display that shows a framebuffer.
 *
 * Functions that return an int return 0 or a negative errno.
 */
#ifndef DEMO_DISPLAY_H
#define DEMO_DISPLAY_H

#include <stdint.h>

#include <xf86drmMode.h>

/* struct display - an open display; fd is -1 when it is not. */
struct display {
	int fd;
	uint32_t connector;
	uint32_t crtc;
	drmModeModeInfo mode;
};

/*
 * The first card whose driver's name begins like that (cirrus-qemu was called
 * cirrus once): a file descriptor, or ENODEV.
 */
int display_find(const char *driver);

/*
 * Opens a display in a mode of that size. ENODEV: no such driver; ENXIO:
 * nothing is connected that has this size.
 */
int display_open(struct display *display, const char *driver, uint32_t width,
		 uint32_t height);
void display_close(struct display *display);

/* Puts a framebuffer on the screen. */
int display_show(struct display *display, uint32_t framebuffer);

/* Says that the pixels of the framebuffer changed, to drivers that copy them. */
int display_refresh(struct display *display, uint32_t framebuffer);

/*
 * A new file descriptor of the dma-buf that the framebuffer on the screen was
 * made of. ENOENT: there is none.
 */
int display_export(struct display *display, int *fd);

/* Turns the screen off. */
int display_blank(struct display *display);

#endif

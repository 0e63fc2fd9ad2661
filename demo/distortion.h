/* SPDX-License-Identifier: MIT */
/*
 * The correction of a barrel lens: where in the captured frame each pixel of
 * the corrected picture comes from. lens.c computes it with GL, distortion.c
 * without, and both must agree.
 *
 * With d the way of a pixel's centre from the middle of the picture, in units
 * of half its diagonal, the colour is taken from
 *
 *	d * (1 + K1 |d|^2 + K2 |d|^4) / (1 + K1 + K2)
 *
 * so that the corners stay where they are. What lies outside the frame is a
 * dark grey, and its border is smooth over one pixel.
 */
#ifndef DEMO_DISTORTION_H
#define DEMO_DISTORTION_H

#include <stdint.h>

#define DISTORTION_K1 (-0.24)
#define DISTORTION_K2 (-0.04)

/* The grey: 0 to 255. */
#define DISTORTION_BACKDROP 40

/*
 * Corrects a frame in DRM_FORMAT_XRGB8888, with doubles where GL has floats.
 * Both are width x height and have lines of width * 4 bytes.
 */
void distortion_correct(const uint32_t *frame, uint32_t *picture,
			uint32_t width, uint32_t height);

/* The largest difference of any colour of any pixel, 0 to 255. */
uint32_t distortion_largest_difference(const uint32_t *one,
				       const uint32_t *other, uint32_t pixels);

/* How many pixels have a colour that differs by more than tolerance. */
uint32_t distortion_count_different(const uint32_t *one, const uint32_t *other,
				    uint32_t pixels, uint32_t tolerance);

#endif

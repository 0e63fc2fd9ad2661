/* SPDX-License-Identifier: MIT */
/*
 * The frame that vivid's "100% Color Squares" is, worked out here: eight by
 * eight squares, whose eight colours move on by one in each row.
 */
#ifndef DEMO_PATTERN_H
#define DEMO_PATTERN_H

#include <stdint.h>

/* One pixel of a width x height frame, in DRM_FORMAT_XRGB8888. */
uint32_t pattern_pixel(uint32_t x, uint32_t y, uint32_t width, uint32_t height);

/* How many of the pixels of a frame are not what they should be. */
uint32_t pattern_count_wrong(const void *frame, uint32_t stride, uint32_t width,
			     uint32_t height);

#endif

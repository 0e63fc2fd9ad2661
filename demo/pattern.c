// SPDX-License-Identifier: MIT
/* What a camera with a test pattern must deliver, independent of any driver. */
#include "pattern.h"

#define SQUARES 8

uint32_t pattern_pixel(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	/* The usual order of colour bars: from bright to dark. */
	static const uint32_t colours[SQUARES] = {
		0xffffff,
		0xffff00,
		0x00ffff,
		0x00ff00,
		0xff00ff,
		0xff0000,
		0x0000ff,
		0x000000,
	};
	uint32_t column = x * SQUARES / width;
	uint32_t row = y * SQUARES / height;

	return colours[(column + row) % SQUARES];
}

uint32_t pattern_count_wrong(const void *frame, uint32_t stride, uint32_t width,
			     uint32_t height)
{
	uint32_t x, y, wrong = 0;
	const uint32_t *line;

	for (y = 0; y < height; y++) {
		line = (const uint32_t *)((const char *)frame + y * stride);
		for (x = 0; x < width; x++)
			wrong += line[x] != pattern_pixel(x, y, width, height);
	}
	return wrong;
}

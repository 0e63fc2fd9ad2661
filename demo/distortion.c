// SPDX-License-Identifier: MIT
/* The reference for the GL stage: the same mapping, pixel by pixel. */
#include <math.h>
#include <stdlib.h>

#include "distortion.h"

struct point {
	double x;
	double y;
};

static struct point map(double x, double y, uint32_t width, uint32_t height)
{
	double half = hypot(width, height) / 2;
	double dx = (x - width / 2.0) / half;
	double dy = (y - height / 2.0) / half;
	double r2 = dx * dx + dy * dy;
	double factor = (1 + DISTORTION_K1 * r2 + DISTORTION_K2 * r2 * r2) /
			(1 + DISTORTION_K1 + DISTORTION_K2);

	return (struct point) {
		.x = width / 2.0 + dx * factor * half,
		.y = height / 2.0 + dy * factor * half,
	};
}

static double clamp(double value, double low, double high)
{
	return fmin(fmax(value, low), high);
}

/* How much of the pixel around a point lies inside the frame. */
static double cover(struct point at, uint32_t width, uint32_t height)
{
	return clamp(at.x + 0.5, 0, 1) * clamp(width - at.x + 0.5, 0, 1) *
	       clamp(at.y + 0.5, 0, 1) * clamp(height - at.y + 0.5, 0, 1);
}

static double channel(const uint32_t *frame, uint32_t width, uint32_t height,
		      double x, double y, unsigned int shift)
{
	uint32_t column = clamp(x, 0, width - 1);
	uint32_t line = clamp(y, 0, height - 1);

	return frame[line * width + column] >> shift & 0xff;
}

/* The four pixels whose centres are around a point, each by its nearness. */
static double sample(const uint32_t *frame, uint32_t width, uint32_t height,
		     struct point at, unsigned int shift)
{
	double x = floor(at.x - 0.5), y = floor(at.y - 0.5);
	double right = at.x - 0.5 - x, below = at.y - 0.5 - y;
	double upper, lower;

	upper = channel(frame, width, height, x, y, shift) * (1 - right) +
		channel(frame, width, height, x + 1, y, shift) * right;
	lower = channel(frame, width, height, x, y + 1, shift) * (1 - right) +
		channel(frame, width, height, x + 1, y + 1, shift) * right;
	return upper * (1 - below) + lower * below;
}

static uint32_t correct(const uint32_t *frame, uint32_t width, uint32_t height,
			struct point at)
{
	double inside = cover(at, width, height);
	uint32_t pixel = 0;
	unsigned int shift;
	double colour;

	for (shift = 0; shift < 24; shift += 8) {
		colour = sample(frame, width, height, at, shift) * inside +
			 DISTORTION_BACKDROP * (1 - inside);
		pixel |= (uint32_t)lround(colour) << shift;
	}
	return pixel;
}

void distortion_correct(const uint32_t *frame, uint32_t *picture,
			uint32_t width, uint32_t height)
{
	uint32_t x, y;

	for (y = 0; y < height; y++)
		for (x = 0; x < width; x++)
			picture[y * width + x] =
				correct(frame, width, height,
					map(x + 0.5, y + 0.5, width, height));
}

static uint32_t difference(uint32_t one, uint32_t other)
{
	uint32_t largest = 0, colour;
	unsigned int shift;

	for (shift = 0; shift < 24; shift += 8) {
		colour = abs((int)(one >> shift & 0xff) -
			     (int)(other >> shift & 0xff));
		if (colour > largest)
			largest = colour;
	}
	return largest;
}

uint32_t distortion_largest_difference(const uint32_t *one,
				       const uint32_t *other, uint32_t pixels)
{
	uint32_t i, here, largest = 0;

	for (i = 0; i < pixels; i++) {
		here = difference(one[i], other[i]);
		if (here > largest)
			largest = here;
	}
	return largest;
}

uint32_t distortion_count_different(const uint32_t *one, const uint32_t *other,
				    uint32_t pixels, uint32_t tolerance)
{
	uint32_t i, different = 0;

	for (i = 0; i < pixels; i++)
		different += difference(one[i], other[i]) > tolerance;
	return different;
}

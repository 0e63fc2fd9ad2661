// SPDX-License-Identifier: MIT
/* Image layouts: from a format, a size and alignments to strides and offsets. */
#include <errno.h>
#include <stdbool.h>

#include <drm_fourcc.h>

#include "bufalloc.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Luma is plane 0, or all there is. It comes in groups of @group pixels that
 * share @bytes bytes. In planes 1 and up, a sample of @chroma bytes stands for
 * @hsub x @vsub pixels.
 */
struct format {
	uint32_t fourcc;
	uint8_t planes;
	uint8_t bytes;
	uint8_t group;
	uint8_t chroma;
	uint8_t hsub;
	uint8_t vsub;
};

#define PACKED(fourcc, bytes) \
	{ \
		fourcc, 1, bytes, 1, 0, 1, 1 \
	}
#define PAIRED(fourcc, bytes) \
	{ \
		fourcc, 1, bytes, 2, 0, 1, 1 \
	}
#define SEMIPLANAR(fourcc, bytes, hsub, vsub) \
	{ \
		fourcc, 2, bytes, 1, 2 * (bytes), hsub, vsub \
	}
#define PLANAR(fourcc, hsub, vsub) \
	{ \
		fourcc, 3, 1, 1, 1, hsub, vsub \
	}

static const struct format formats[] = {
	PACKED(DRM_FORMAT_C8, 1),
	PACKED(DRM_FORMAT_R8, 1),
	PACKED(DRM_FORMAT_R16, 2),
	PACKED(DRM_FORMAT_RG88, 2),
	PACKED(DRM_FORMAT_GR88, 2),
	PACKED(DRM_FORMAT_RG1616, 4),
	PACKED(DRM_FORMAT_GR1616, 4),
	PACKED(DRM_FORMAT_RGB332, 1),
	PACKED(DRM_FORMAT_BGR233, 1),

	PACKED(DRM_FORMAT_XRGB4444, 2),
	PACKED(DRM_FORMAT_XBGR4444, 2),
	PACKED(DRM_FORMAT_RGBX4444, 2),
	PACKED(DRM_FORMAT_BGRX4444, 2),
	PACKED(DRM_FORMAT_ARGB4444, 2),
	PACKED(DRM_FORMAT_ABGR4444, 2),
	PACKED(DRM_FORMAT_RGBA4444, 2),
	PACKED(DRM_FORMAT_BGRA4444, 2),
	PACKED(DRM_FORMAT_XRGB1555, 2),
	PACKED(DRM_FORMAT_XBGR1555, 2),
	PACKED(DRM_FORMAT_RGBX5551, 2),
	PACKED(DRM_FORMAT_BGRX5551, 2),
	PACKED(DRM_FORMAT_ARGB1555, 2),
	PACKED(DRM_FORMAT_ABGR1555, 2),
	PACKED(DRM_FORMAT_RGBA5551, 2),
	PACKED(DRM_FORMAT_BGRA5551, 2),
	PACKED(DRM_FORMAT_RGB565, 2),
	PACKED(DRM_FORMAT_BGR565, 2),

	PACKED(DRM_FORMAT_RGB888, 3),
	PACKED(DRM_FORMAT_BGR888, 3),

	PACKED(DRM_FORMAT_XRGB8888, 4),
	PACKED(DRM_FORMAT_XBGR8888, 4),
	PACKED(DRM_FORMAT_RGBX8888, 4),
	PACKED(DRM_FORMAT_BGRX8888, 4),
	PACKED(DRM_FORMAT_ARGB8888, 4),
	PACKED(DRM_FORMAT_ABGR8888, 4),
	PACKED(DRM_FORMAT_RGBA8888, 4),
	PACKED(DRM_FORMAT_BGRA8888, 4),
	PACKED(DRM_FORMAT_XRGB2101010, 4),
	PACKED(DRM_FORMAT_XBGR2101010, 4),
	PACKED(DRM_FORMAT_RGBX1010102, 4),
	PACKED(DRM_FORMAT_BGRX1010102, 4),
	PACKED(DRM_FORMAT_ARGB2101010, 4),
	PACKED(DRM_FORMAT_ABGR2101010, 4),
	PACKED(DRM_FORMAT_RGBA1010102, 4),
	PACKED(DRM_FORMAT_BGRA1010102, 4),

	PACKED(DRM_FORMAT_XRGB16161616, 8),
	PACKED(DRM_FORMAT_XBGR16161616, 8),
	PACKED(DRM_FORMAT_ARGB16161616, 8),
	PACKED(DRM_FORMAT_ABGR16161616, 8),
	PACKED(DRM_FORMAT_XRGB16161616F, 8),
	PACKED(DRM_FORMAT_XBGR16161616F, 8),
	PACKED(DRM_FORMAT_ARGB16161616F, 8),
	PACKED(DRM_FORMAT_ABGR16161616F, 8),

	PAIRED(DRM_FORMAT_YUYV, 4),
	PAIRED(DRM_FORMAT_YVYU, 4),
	PAIRED(DRM_FORMAT_UYVY, 4),
	PAIRED(DRM_FORMAT_VYUY, 4),
	PAIRED(DRM_FORMAT_Y210, 8),
	PAIRED(DRM_FORMAT_Y212, 8),
	PAIRED(DRM_FORMAT_Y216, 8),
	PACKED(DRM_FORMAT_AYUV, 4),
	PACKED(DRM_FORMAT_XYUV8888, 4),
	PACKED(DRM_FORMAT_VUY888, 3),
	PACKED(DRM_FORMAT_Y410, 4),
	PACKED(DRM_FORMAT_XVYU2101010, 4),
	PACKED(DRM_FORMAT_Y412, 8),
	PACKED(DRM_FORMAT_Y416, 8),

	SEMIPLANAR(DRM_FORMAT_NV12, 1, 2, 2),
	SEMIPLANAR(DRM_FORMAT_NV21, 1, 2, 2),
	SEMIPLANAR(DRM_FORMAT_NV16, 1, 2, 1),
	SEMIPLANAR(DRM_FORMAT_NV61, 1, 2, 1),
	SEMIPLANAR(DRM_FORMAT_NV24, 1, 1, 1),
	SEMIPLANAR(DRM_FORMAT_NV42, 1, 1, 1),
	SEMIPLANAR(DRM_FORMAT_P010, 2, 2, 2),
	SEMIPLANAR(DRM_FORMAT_P012, 2, 2, 2),
	SEMIPLANAR(DRM_FORMAT_P016, 2, 2, 2),
	SEMIPLANAR(DRM_FORMAT_P210, 2, 2, 1),

	PLANAR(DRM_FORMAT_YUV410, 4, 4),
	PLANAR(DRM_FORMAT_YVU410, 4, 4),
	PLANAR(DRM_FORMAT_YUV411, 4, 1),
	PLANAR(DRM_FORMAT_YVU411, 4, 1),
	PLANAR(DRM_FORMAT_YUV420, 2, 2),
	PLANAR(DRM_FORMAT_YVU420, 2, 2),
	PLANAR(DRM_FORMAT_YUV422, 2, 1),
	PLANAR(DRM_FORMAT_YVU422, 2, 1),
	PLANAR(DRM_FORMAT_YUV444, 1, 1),
	PLANAR(DRM_FORMAT_YVU444, 1, 1),
};

static const struct format *find_format(uint32_t fourcc)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

/* Zero stands for one; anything that is not a power of two stays wrong. */
static bool alignment_ok(uint32_t alignment)
{
	return !(alignment & (alignment - 1));
}

/* Values and multiples stay below 2^40 here: 64 bits cannot overflow. */
static uint64_t round_up(uint64_t value, uint64_t multiple)
{
	return multiple ? (value + multiple - 1) / multiple * multiple : value;
}

static uint64_t divide_up(uint64_t value, uint64_t divisor)
{
	return (value + divisor - 1) / divisor;
}

/* Stride of plane 0, such that those of the chroma planes come out aligned. */
static uint64_t luma_stride(const struct format *format, uint32_t width,
			    uint32_t alignment)
{
	uint64_t pixels = round_up(width, format->hsub);
	uint64_t bytes = divide_up(pixels, format->group) * format->bytes;
	uint64_t unit = alignment ? alignment : 1;

	if (format->planes > 1 && format->bytes * format->hsub > format->chroma)
		unit *= format->bytes * format->hsub / format->chroma;
	return round_up(bytes, unit);
}

static uint64_t plane_stride(const struct format *format, uint64_t luma,
			     unsigned int plane)
{
	if (!plane)
		return luma;
	return luma * format->chroma / (format->bytes * format->hsub);
}

static uint64_t plane_lines(const struct format *format, uint64_t lines,
			    unsigned int plane)
{
	return plane ? divide_up(lines, format->vsub) : lines;
}

static int place_planes(const struct format *format,
			const struct bufalloc_image *image,
			struct bufalloc_layout *layout)
{
	uint64_t luma = luma_stride(format, image->width, image->stride_align);
	uint64_t lines = round_up(image->height, image->height_align);
	uint64_t end = 0, stride, offset, bytes;
	unsigned int plane;

	for (plane = 0; plane < format->planes; plane++) {
		stride = plane_stride(format, luma, plane);
		if (stride > UINT32_MAX || end > UINT32_MAX)
			return -EOVERFLOW;
		offset = round_up(end, image->offset_align);
		if (offset > UINT32_MAX)
			return -EOVERFLOW;
		if (__builtin_mul_overflow(stride, plane_lines(format, lines, plane), &bytes) ||
		    __builtin_add_overflow(offset, bytes, &end))
			return -EOVERFLOW;
		layout->strides[plane] = stride;
		layout->offsets[plane] = offset;
	}
	layout->planes = format->planes;
	layout->size = end;
	return 0;
}

int bufalloc_get_layout(const struct bufalloc_image *image,
			struct bufalloc_layout *layout)
{
	struct bufalloc_layout placed = {
		.fourcc = image->fourcc,
		.width = image->width,
		.height = image->height,
	};
	const struct format *format;
	int ret;

	if (!image->width || !image->height)
		return -EINVAL;
	if (!alignment_ok(image->stride_align) ||
	    !alignment_ok(image->offset_align) ||
	    !alignment_ok(image->height_align))
		return -EINVAL;
	format = find_format(image->fourcc);
	if (!format)
		return -EOPNOTSUPP;
	ret = place_planes(format, image, &placed);
	if (ret)
		return ret;
	*layout = placed;
	return 0;
}

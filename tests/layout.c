// SPDX-License-Identifier: MIT
/* What the library knows without a kernel: image layouts, and words. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <drm_fourcc.h>

#include <bufalloc.h>

#include "kselftest_harness.h"

FIXTURE(layout)
{
	struct bufalloc_image image;
	struct bufalloc_layout got;
};

FIXTURE_SETUP(layout)
{
	self->image = (struct bufalloc_image) {
		.fourcc = DRM_FORMAT_NV12,
		.width = 1920,
		.height = 1080,
		.stride_align = 64,
	};
}

FIXTURE_TEARDOWN(layout)
{
}

struct expected {
	struct bufalloc_image image;
	uint32_t planes;
	uint32_t strides[BUFALLOC_MAX_PLANES];
	uint32_t offsets[BUFALLOC_MAX_PLANES];
	uint64_t size;
};

#define IMAGE(format, ...) \
	{ \
		DRM_FORMAT_##format, __VA_ARGS__ \
	}

#define PRESET(format, pixels, lines, preset) \
	{ \
		.fourcc = DRM_FORMAT_##format, .width = pixels, .height = lines, \
		BUFALLOC_ALIGN_##preset \
	}

/* Each number is worked out by hand: none comes from the library. */
static const struct expected table[] = {
	{ IMAGE(XRGB8888, 640, 480, 0, 0, 0), 1, { 2560 }, { 0 }, 1228800 },
	{ IMAGE(ARGB8888, 1366, 768, 64, 0, 0), 1, { 5504 }, { 0 }, 4227072 },
	{ IMAGE(RGB888, 1366, 768, 64, 0, 0), 1, { 4160 }, { 0 }, 3194880 },
	{ IMAGE(RGB888, 1, 1, 0, 0, 0), 1, { 3 }, { 0 }, 3 },
	{ IMAGE(RGB565, 33, 3, 4, 0, 0), 1, { 68 }, { 0 }, 204 },
	{ IMAGE(XRGB2101010, 3840, 2160, 256, 0, 0), 1, { 15360 }, { 0 }, 33177600 },
	{ IMAGE(XRGB8888, 640, 480, 0, 0, 64), 1, { 2560 }, { 0 }, 1310720 },
	/* Three pixels of YUYV are two pairs. */
	{ IMAGE(YUYV, 3, 2, 0, 0, 0), 1, { 8 }, { 0 }, 16 },
	{ IMAGE(UYVY, 1280, 720, 64, 0, 0), 1, { 2560 }, { 0 }, 1843200 },
	{ IMAGE(NV12, 1920, 1080, 64, 0, 0), 2, { 1920, 1920 }, { 0, 2073600 }, 3110400 },
	{ IMAGE(NV12, 1920, 1080, 64, 4096, 16), 2, { 1920, 1920 }, { 0, 2088960 }, 3133440 },
	{ IMAGE(NV12, 1920, 1080, 64, 4096, 0), 2, { 1920, 1920 }, { 0, 2076672 }, 3113472 },
	/* Odd: the one chroma sample of the last pixel needs two bytes. */
	{ IMAGE(NV12, 5, 5, 0, 0, 0), 2, { 6, 6 }, { 0, 30 }, 48 },
	{ IMAGE(NV21, 1, 1, 0, 0, 0), 2, { 2, 2 }, { 0, 2 }, 4 },
	{ IMAGE(NV16, 640, 480, 0, 0, 0), 2, { 640, 640 }, { 0, 307200 }, 614400 },
	{ IMAGE(NV24, 5, 5, 0, 0, 0), 2, { 5, 10 }, { 0, 25 }, 75 },
	{ IMAGE(P010, 1920, 1080, 256, 0, 0), 2, { 3840, 3840 }, { 0, 4147200 }, 6220800 },
	{ IMAGE(YUV420, 640, 480, 0, 0, 0), 3, { 640, 320, 320 }, { 0, 307200, 384000 }, 460800 },
	{ IMAGE(YVU420, 5, 5, 0, 0, 0), 3, { 6, 3, 3 }, { 0, 30, 39 }, 48 },
	/* 1080 is 1088 at 64, but half of that is not a multiple of 64. */
	{ IMAGE(YUV420, 1080, 2, 64, 0, 0), 3, { 1152, 576, 576 }, { 0, 2304, 2880 }, 3456 },
	{ IMAGE(YUV410, 6, 6, 0, 0, 0), 3, { 8, 2, 2 }, { 0, 48, 52 }, 56 },
	{ IMAGE(YUV422, 640, 480, 32, 0, 0), 3, { 640, 320, 320 }, { 0, 307200, 460800 }, 614400 },
	{ IMAGE(YUV444, 5, 5, 8, 0, 0), 3, { 8, 8, 8 }, { 0, 40, 80 }, 120 },
	/* 6.4 GB in one plane: past 32 bits, and still a layout. */
	{ IMAGE(XRGB8888, 40000, 40000, 0, 0, 0), 1, { 160000 }, { 0 }, 6400000000ULL },
	/* The last offset that fits is 2^32 - 2^16. */
	{ IMAGE(NV12, 65536, 65535, 0, 0, 0), 2, { 65536, 65536 }, { 0, 4294901760 }, 6442385408 },
	{ PRESET(NV12, 1366, 1078, GPU), 2, { 1536, 1536 }, { 0, 1671168 }, 2506752 },
	{ PRESET(XRGB8888, 1366, 768, GPU), 1, { 5632 }, { 0 }, 4325376 },
	{ PRESET(NV12, 5, 5, GSTREAMER), 2, { 8, 8 }, { 0, 48 }, 72 },
	{ PRESET(NV21, 1918, 1079, GSTREAMER), 2, { 1920, 1920 }, { 0, 2073600 }, 3110400 },
	{ IMAGE(R8, ~0U, ~0U, 0, 0, 0), 1, { ~0U }, { 0 }, 0xfffffffe00000001 },
};

TEST_F(layout, matches_numbers_worked_out_by_hand)
{
	const struct expected *want;
	unsigned int plane;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		want = &table[i];
		memset(&self->got, 0xa5, sizeof(self->got));
		ASSERT_EQ(0, bufalloc_get_layout(&want->image, &self->got))
		TH_LOG("row %zu", i);
		EXPECT_EQ(want->image.fourcc, self->got.fourcc);
		EXPECT_EQ(want->image.width, self->got.width);
		EXPECT_EQ(want->image.height, self->got.height);
		EXPECT_EQ(want->planes, self->got.planes)
		TH_LOG("row %zu", i);
		EXPECT_EQ(want->size, self->got.size)
		TH_LOG("row %zu", i);
		for (plane = 0; plane < BUFALLOC_MAX_PLANES; plane++) {
			EXPECT_EQ(want->strides[plane], self->got.strides[plane])
			TH_LOG("row %zu plane %u", i, plane);
			EXPECT_EQ(want->offsets[plane], self->got.offsets[plane])
			TH_LOG("row %zu plane %u", i, plane);
		}
	}
}

TEST_F(layout, zero_width_is_einval)
{
	self->image.width = 0;
	EXPECT_EQ(-EINVAL, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, zero_height_is_einval)
{
	self->image.height = 0;
	EXPECT_EQ(-EINVAL, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, stride_align_of_no_power_of_two_is_einval)
{
	self->image.stride_align = 48;
	EXPECT_EQ(-EINVAL, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, offset_align_of_no_power_of_two_is_einval)
{
	self->image.offset_align = 3;
	EXPECT_EQ(-EINVAL, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, height_align_of_no_power_of_two_is_einval)
{
	self->image.height_align = 6;
	EXPECT_EQ(-EINVAL, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, unknown_fourcc_is_eopnotsupp)
{
	self->image.fourcc = DRM_FORMAT_INVALID;
	EXPECT_EQ(-EOPNOTSUPP, bufalloc_get_layout(&self->image, &self->got));
	self->image.fourcc = DRM_FORMAT_XRGB8888 | DRM_FORMAT_BIG_ENDIAN;
	EXPECT_EQ(-EOPNOTSUPP, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, bad_alignment_comes_before_unknown_fourcc)
{
	self->image.fourcc = DRM_FORMAT_INVALID;
	self->image.stride_align = 3;
	EXPECT_EQ(-EINVAL, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, stride_of_4_gib_is_eoverflow)
{
	self->image.fourcc = DRM_FORMAT_XRGB8888;
	self->image.stride_align = 0;
	self->image.height = 1;
	self->image.width = (1U << 30) - 1;
	EXPECT_EQ(0, bufalloc_get_layout(&self->image, &self->got));
	EXPECT_EQ(4294967292U, self->got.strides[0]);
	self->image.width = 1U << 30;
	EXPECT_EQ(-EOVERFLOW, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, stride_aligned_past_4_gib_is_eoverflow)
{
	self->image.fourcc = DRM_FORMAT_XRGB8888;
	self->image.stride_align = 64;
	self->image.height = 1;
	self->image.width = (1U << 30) - 1;
	EXPECT_EQ(-EOVERFLOW, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, chroma_at_4_gib_is_eoverflow)
{
	self->image.width = 65536;
	self->image.height = 65536;
	EXPECT_EQ(-EOVERFLOW, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, chroma_aligned_past_4_gib_is_eoverflow)
{
	self->image.width = 65536;
	self->image.height = 65535;
	self->image.offset_align = 1U << 31;
	EXPECT_EQ(-EOVERFLOW, bufalloc_get_layout(&self->image, &self->got));
}

TEST_F(layout, largest_size_is_exact)
{
	self->image.fourcc = DRM_FORMAT_R8;
	self->image.stride_align = 0;
	self->image.width = UINT32_MAX;
	self->image.height = UINT32_MAX;
	self->image.height_align = 1U << 31;
	/* (2^32 - 1) * 2^32 is the largest size that still fits. */
	EXPECT_EQ(0, bufalloc_get_layout(&self->image, &self->got));
	EXPECT_EQ(UINT64_MAX - UINT32_MAX, self->got.size);
}

TEST_F(layout, a_refusal_leaves_the_layout_alone)
{
	struct bufalloc_layout before;

	memset(&before, 0xa5, sizeof(before));
	memcpy(&self->got, &before, sizeof(before));
	self->image.width = 65536;
	self->image.height = 65536;
	ASSERT_EQ(-EOVERFLOW, bufalloc_get_layout(&self->image, &self->got));
	EXPECT_EQ(0, memcmp(&before, &self->got, sizeof(before)));
}

TEST(each_reason_is_a_sentence_of_its_own)
{
	const char *sentence;
	uint32_t i, j;

	for (i = 0; i <= BUFALLOC_REASON_HIBERNATION; i++) {
		sentence = bufalloc_reason_string(i);
		ASSERT_NE(NULL, sentence);
		EXPECT_EQ('.', sentence[strlen(sentence) - 1]);
		for (j = 0; j < i; j++)
			EXPECT_STRNE(bufalloc_reason_string(j), sentence);
	}
}

TEST(an_unknown_reason_is_a_sentence_too)
{
	const char *unknown = bufalloc_reason_string(UINT32_MAX);

	ASSERT_NE(NULL, unknown);
	EXPECT_STREQ(unknown, bufalloc_reason_string(UINT32_MAX - 1));
	EXPECT_EQ('.', unknown[strlen(unknown) - 1]);
}

TEST(cachings_have_names)
{
	EXPECT_STREQ("wc", bufalloc_caching_string(BUFALLOC_CACHING_WC));
	EXPECT_STREQ("coherent", bufalloc_caching_string(BUFALLOC_CACHING_COHERENT));
	EXPECT_STREQ("cached", bufalloc_caching_string(BUFALLOC_CACHING_CACHED));
	EXPECT_STREQ("unknown caching", bufalloc_caching_string(UINT32_MAX));
}

TEST(memtypes_have_names)
{
	EXPECT_STREQ("none", bufalloc_memtype_string(BUFALLOC_MEMTYPE_NONE));
	EXPECT_STREQ("write-back", bufalloc_memtype_string(BUFALLOC_MEMTYPE_WRITE_BACK));
	EXPECT_STREQ("write-combine", bufalloc_memtype_string(BUFALLOC_MEMTYPE_WRITE_COMBINE));
	EXPECT_STREQ("uncached", bufalloc_memtype_string(BUFALLOC_MEMTYPE_UNCACHED));
	EXPECT_STREQ("unknown memory type", bufalloc_memtype_string(UINT32_MAX));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * One picture from a camera through a GPU to a display, in buffers of bufalloc:
 *
 *	vivid --> frame --> llvmpipe --> picture --> cirrus
 *
 * bufalloc-demo FILE leaves the last picture on the screen and its bytes in
 * FILE until a line comes on standard input. It prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bufalloc.h>
#include <drm_fourcc.h>

#include "camera.h"
#include "check.h"
#include "display.h"
#include "distortion.h"
#include "lens.h"
#include "pattern.h"

#define WIDTH 640
#define HEIGHT 480
#define PIXELS (WIDTH * HEIGHT)

/* Frames are captured into one pair of buffers, pictures drawn into another. */
#define PAIR 2
#define BUFFERS (2 * PAIR)
#define ROUNDS 4

/* cirrus is an old PCI device: it addresses no more. */
#define DMA_BITS 32

/* GL computes with floats of 32 bits, the reference with doubles. */
#define TOLERANCE 2

struct demo {
	struct bufalloc_layout layout;
	struct bufalloc_result buffers[BUFFERS];
	const struct bufalloc_result *frames;
	const struct bufalloc_result *pictures;

	struct camera camera;
	struct lens *lens;
	struct lens_image *frame_images[PAIR];
	struct lens_image *picture_images[PAIR];
	struct display display;
	uint32_t framebuffers[PAIR];

	/* What the last round used. */
	uint32_t frame;
	uint32_t picture;
	uint32_t wrong_pixels;
};

/* Ends the program: what cannot be set up cannot be shown either. */
__attribute__((noreturn)) static void give_up(const char *what,
					      const char *advice)
{
	check(false, "%s: %s", what, advice);
	check_finish();
	exit(EXIT_FAILURE);
}

static void require(int ret, const char *what)
{
	if (ret)
		give_up(what, strerror(-ret));
}

static unsigned long inode(int fd)
{
	struct stat status;

	return fstat(fd, &status) ? 0 : status.st_ino;
}

static void allocate(struct demo *demo)
{
	const struct bufalloc_image image = { .fourcc = DRM_FORMAT_XRGB8888,
					      .width = WIDTH,
					      .height = HEIGHT };
	struct bufalloc_request requests[BUFFERS] = { 0 };
	uint32_t i, failed, reason = BUFALLOC_REASON_NONE;
	int device, ret;

	device = bufalloc_open(NULL);
	if (device < 0)
		give_up("open " BUFALLOC_DEVICE, strerror(-device));
	require(bufalloc_get_layout(&image, &demo->layout), "layout");
	for (i = 0; i < BUFFERS; i++) {
		requests[i].length = demo->layout.size;
		requests[i].heap = BUFALLOC_HEAP_ANY;
		requests[i].dma_bits = DMA_BITS;
		requests[i].fd_flags = O_RDWR | O_CLOEXEC;
	}
	ret = bufalloc_alloc_batch(device, requests, demo->buffers, BUFFERS,
				   &failed, &reason);
	if (ret && reason != BUFALLOC_REASON_NONE)
		give_up("allocate", bufalloc_reason_string(reason));
	require(ret, "allocate");
	/* The buffers outlive the device's file descriptor. */
	bufalloc_close(device);
	demo->frames = demo->buffers;
	demo->pictures = demo->buffers + PAIR;
}

static void describe(const struct demo *demo)
{
	const struct bufalloc_result *buffer;
	uint32_t i, combined = 0;

	for (i = 0; i < BUFFERS; i++) {
		buffer = &demo->buffers[i];
		combined += buffer->caching == BUFALLOC_CACHING_WC &&
			    buffer->memtype == BUFALLOC_MEMTYPE_WRITE_COMBINE;
		tell("inode %lu: %s %u, %llu bytes, caching %s, memory type %s, %u chunk%s",
		     inode(buffer->fd), i < PAIR ? "frame" : "picture",
		     i % PAIR, (unsigned long long)buffer->length,
		     bufalloc_caching_string(buffer->caching),
		     bufalloc_memtype_string(buffer->memtype), buffer->chunks,
		     buffer->chunks == 1 ? "" : "s");
	}
	check(combined == BUFFERS,
	      "one batch gives %u buffers, %u of them write-combined", BUFFERS,
	      combined);
}

static void open_camera(struct demo *demo)
{
	uint32_t i;

	require(camera_open(&demo->camera, "platform:vivid-000", WIDTH, HEIGHT),
		"find vivid's camera");
	if (demo->camera.stride != demo->layout.strides[0])
		give_up("set the camera's format", "it wants another stride");
	require(camera_set_pattern(&demo->camera), "set the test pattern");
	require(camera_set_buffers(&demo->camera, PAIR), "set the buffers");
	for (i = 0; i < PAIR; i++)
		require(camera_queue(&demo->camera, i, demo->frames[i].fd),
			"queue a buffer");
}

static struct lens_image *import(struct demo *demo,
				 const struct bufalloc_result *buffer)
{
	struct lens_image *image;

	image = lens_import(demo->lens, buffer->fd, &demo->layout);
	if (!image)
		give_up("import into GL", lens_trouble(demo->lens));
	return image;
}

static void open_lens(struct demo *demo)
{
	uint32_t i;

	demo->lens = lens_new();
	if (!demo->lens)
		give_up("start GL", "there is no memory");
	if (lens_open(demo->lens))
		give_up("start GL", lens_trouble(demo->lens));
	for (i = 0; i < PAIR; i++) {
		demo->frame_images[i] = import(demo, &demo->frames[i]);
		demo->picture_images[i] = import(demo, &demo->pictures[i]);
	}
}

static void open_display(struct demo *demo)
{
	uint32_t i;

	require(display_open(&demo->display, "cirrus", WIDTH, HEIGHT),
		"find cirrus and its mode");
	for (i = 0; i < PAIR; i++)
		require(bufalloc_add_framebuffer(demo->display.fd,
						 demo->pictures[i].fd,
						 &demo->layout,
						 &demo->framebuffers[i]),
			"make a framebuffer");
}

/* Copies a buffer out of memory that is slow to read. */
static uint32_t *copy(const struct demo *demo,
		      const struct bufalloc_result *buffer)
{
	uint32_t *pixels = malloc(demo->layout.size);
	void *mapping;

	if (!pixels)
		give_up("copy a buffer", "there is no memory");
	require(bufalloc_map(buffer->fd, demo->layout.size, PROT_READ,
			     &mapping),
		"map a buffer");
	require(bufalloc_begin_cpu_access(buffer->fd, DMA_BUF_SYNC_READ),
		"begin CPU access");
	memcpy(pixels, mapping, demo->layout.size);
	require(bufalloc_end_cpu_access(buffer->fd, DMA_BUF_SYNC_READ),
		"end CPU access");
	bufalloc_unmap(mapping, demo->layout.size);
	return pixels;
}

static void capture(struct demo *demo)
{
	uint32_t *pixels;

	require(camera_dequeue(&demo->camera, &demo->frame), "take a frame");
	pixels = copy(demo, &demo->frames[demo->frame]);
	demo->wrong_pixels += pattern_count_wrong(pixels,
						  demo->layout.strides[0],
						  WIDTH, HEIGHT);
	free(pixels);
}

static void correct(struct demo *demo)
{
	if (lens_correct(demo->lens, demo->frame_images[demo->frame],
			 demo->picture_images[demo->picture]))
		give_up("render", lens_trouble(demo->lens));
}

static void show(struct demo *demo)
{
	uint32_t framebuffer = demo->framebuffers[demo->picture];

	require(display_show(&demo->display, framebuffer), "set the mode");
	require(display_refresh(&demo->display, framebuffer),
		"refresh the screen");
}

/* What the display itself calls the buffer on its screen. */
static unsigned long inode_on_screen(struct demo *demo)
{
	unsigned long number;
	int fd;

	require(display_export(&demo->display, &fd), "export the framebuffer");
	number = inode(fd);
	close(fd);
	return number;
}

static void stream(struct demo *demo)
{
	uint32_t round;

	require(camera_start(&demo->camera), "start the camera");
	for (round = 0; round < ROUNDS; round++) {
		demo->picture = round % PAIR;
		capture(demo);
		correct(demo);
		show(demo);
		tell("round %u: vivid fills inode %lu, GL reads %lu, draws %lu, cirrus shows %lu",
		     round, inode(demo->frames[demo->frame].fd),
		     inode(demo->frames[demo->frame].fd),
		     inode(demo->pictures[demo->picture].fd),
		     inode_on_screen(demo));
		if (round < ROUNDS - 1)
			require(camera_queue(&demo->camera, demo->frame,
					     demo->frames[demo->frame].fd),
				"queue a buffer again");
	}
	require(camera_stop(&demo->camera), "stop the camera");
}

static void check_pixels(struct demo *demo, const uint32_t *frame,
			 const uint32_t *picture)
{
	uint32_t *reference = malloc(demo->layout.size);
	uint32_t largest, moved;

	if (!reference)
		give_up("check the picture", "there is no memory");
	distortion_correct(frame, reference, WIDTH, HEIGHT);
	largest = distortion_largest_difference(picture, reference, PIXELS);
	check(largest <= TOLERANCE,
	      "the picture is that of the CPU reference: largest difference %u of 255, tolerance %u",
	      largest, TOLERANCE);
	moved = distortion_count_different(frame, picture, PIXELS, 64);
	check(moved > PIXELS / 4,
	      "the lens is no identity: %u %% of the pixels changed",
	      moved * 100 / PIXELS);
	free(reference);
}

static void save(const char *path, const uint32_t *pixels, size_t size)
{
	FILE *file = fopen(path, "w");

	if (!file)
		give_up(path, strerror(errno));
	if (fwrite(pixels, 1, size, file) != size || fclose(file))
		give_up(path, "it cannot be written");
}

static void check_all(struct demo *demo, const char *path)
{
	uint32_t *frame = copy(demo, &demo->frames[demo->frame]);
	uint32_t *picture = copy(demo, &demo->pictures[demo->picture]);

	check(!demo->wrong_pixels,
	      "%u captured frames are the pattern byte for byte: %u wrong pixels",
	      ROUNDS, demo->wrong_pixels);
	check_pixels(demo, frame, picture);
	check(inode_on_screen(demo) ==
		      inode(demo->pictures[demo->picture].fd),
	      "the display scans out the buffer that GL drew into");
	save(path, picture, demo->layout.size);
	free(picture);
	free(frame);
}

static void close_all(struct demo *demo)
{
	uint32_t i;

	for (i = 0; i < PAIR; i++)
		bufalloc_remove_framebuffer(demo->display.fd,
					    demo->framebuffers[i]);
	display_close(&demo->display);
	for (i = 0; i < PAIR; i++) {
		lens_release(demo->lens, demo->frame_images[i]);
		lens_release(demo->lens, demo->picture_images[i]);
	}
	lens_free(demo->lens);
	camera_set_buffers(&demo->camera, 0);
	camera_close(&demo->camera);
	for (i = 0; i < BUFFERS; i++)
		close(demo->buffers[i].fd);
}

int main(int argc, char **argv)
{
	struct demo demo = { 0 };

	if (argc != 2) {
		fputs("Usage: bufalloc-demo FILE\n", stderr);
		return EXIT_FAILURE;
	}
	allocate(&demo);
	describe(&demo);
	open_camera(&demo);
	tell("vivid writes into the buffers by their kernel mapping, and copies nothing");
	open_lens(&demo);
	tell("%s reads and writes the buffers by their user mapping, and copies nothing",
	     lens_renderer(demo.lens));
	open_display(&demo);
	tell("cirrus has no DMA: its driver copies each picture into video memory by itself");
	stream(&demo);
	check_all(&demo, argv[1]);
	/* Whoever takes a picture of the screen says when it is done. */
	tell("on screen");
	getchar();
	close_all(&demo);
	return check_finish() ? EXIT_FAILURE : EXIT_SUCCESS;
}

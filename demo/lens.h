/* SPDX-License-Identifier: MIT */
/*
 * The GL stage: corrects the distortion of distortion.h, reading one dma-buf
 * and writing another, both imported where they are.
 *
 * Functions that return an int return 0 or -1; then lens_trouble() says what is
 * the matter.
 */
#ifndef DEMO_LENS_H
#define DEMO_LENS_H

#include <bufalloc.h>

struct lens;
struct lens_image;

/* NULL: there is no memory for it. */
struct lens *lens_new(void);
void lens_free(struct lens *lens);

/* Finds a renderer in software and prepares it. */
int lens_open(struct lens *lens);

/* A sentence about the last failure. */
const char *lens_trouble(const struct lens *lens);

/* What GL calls the renderer. */
const char *lens_renderer(const struct lens *lens);

/*
 * Imports a dma-buf that holds one plane. The fd may be closed afterwards.
 * NULL: it cannot be imported.
 */
struct lens_image *lens_import(struct lens *lens, int fd,
			       const struct bufalloc_layout *layout);
void lens_release(struct lens *lens, struct lens_image *image);

/* Renders the picture from the frame, and returns when it is done. */
int lens_correct(struct lens *lens, const struct lens_image *frame,
		 const struct lens_image *picture);

#endif

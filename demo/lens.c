// SPDX-License-Identifier: MIT
/*
 * EGL without a window system: the device platform, and in it the renderer that
 * runs on the CPU, since every machine has one. The dma-bufs become textures
 * and render targets by EGL_EXT_image_dma_buf_import.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>

#include "distortion.h"
#include "lens.h"

#define MAX_DEVICES 16

struct lens {
	EGLDisplay display;
	EGLContext context;
	GLuint program;
	PFNEGLCREATEIMAGEKHRPROC create_image;
	PFNEGLDESTROYIMAGEKHRPROC destroy_image;
	PFNGLEGLIMAGETARGETTEXTURE2DOESPROC image_to_texture;
	char trouble[1024];
};

struct lens_image {
	EGLImageKHR image;
	GLuint texture;
	GLuint framebuffer;
	uint32_t width;
	uint32_t height;
};

static const char vertex_source[] =
	"attribute vec2 corner;\n"
	"void main() { gl_Position = vec4(corner, 0.0, 1.0); }\n";

/*
 * The mapping of distortion.h: line 0 of a buffer is line 0 in GL as well. The
 * four neighbours are weighed here and not by the sampler: what llvmpipe makes
 * of GL_LINEAR can be AVX code that QEMU 7.2 emulates wrongly.
 */
static const char fragment_source[] =
	"precision highp float;\n"
	"uniform sampler2D frame;\n"
	"uniform vec2 size;\n"
	"uniform vec2 k;\n"
	"uniform float backdrop;\n"
	"vec3 pixel(vec2 at) {\n"
	"	vec2 inside = clamp(at, vec2(0.0), size - 1.0);\n"
	"	return texture2D(frame, (inside + 0.5) / size).rgb;\n"
	"}\n"
	"vec3 weighed(vec2 at) {\n"
	"	vec2 first = floor(at - 0.5);\n"
	"	vec2 part = at - 0.5 - first;\n"
	"	vec3 upper = mix(pixel(first),\n"
	"		pixel(first + vec2(1.0, 0.0)), part.x);\n"
	"	vec3 lower = mix(pixel(first + vec2(0.0, 1.0)),\n"
	"		pixel(first + vec2(1.0, 1.0)), part.x);\n"
	"	return mix(upper, lower, part.y);\n"
	"}\n"
	"void main() {\n"
	"	float half_diagonal = length(size) / 2.0;\n"
	"	vec2 d = (gl_FragCoord.xy - size / 2.0) / half_diagonal;\n"
	"	float r2 = dot(d, d);\n"
	"	float factor = (1.0 + k.x * r2 + k.y * r2 * r2) /\n"
	"		(1.0 + k.x + k.y);\n"
	"	vec2 at = size / 2.0 + d * factor * half_diagonal;\n"
	"	vec2 inside = clamp(at + 0.5, 0.0, 1.0) *\n"
	"		clamp(size - at + 0.5, 0.0, 1.0);\n"
	"	gl_FragColor = vec4(mix(vec3(backdrop), weighed(at),\n"
	"		inside.x * inside.y), 0.0);\n"
	"}\n";

static int fail(struct lens *lens, const char *what)
{
	snprintf(lens->trouble, sizeof(lens->trouble),
		 "%s (EGL error 0x%x, GL error 0x%x).", what, eglGetError(),
		 lens->context ? glGetError() : 0);
	return -1;
}

static bool has(const char *extensions, const char *name)
{
	return extensions && strstr(extensions, name);
}

static int find_display(struct lens *lens)
{
	PFNEGLQUERYDEVICESEXTPROC query_devices =
		(void *)eglGetProcAddress("eglQueryDevicesEXT");
	PFNEGLQUERYDEVICESTRINGEXTPROC query_string =
		(void *)eglGetProcAddress("eglQueryDeviceStringEXT");
	PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
		(void *)eglGetProcAddress("eglGetPlatformDisplayEXT");
	EGLDeviceEXT devices[MAX_DEVICES];
	EGLint count = 0, i;

	if (!query_devices || !query_string || !get_display ||
	    !query_devices(MAX_DEVICES, devices, &count))
		return fail(lens, "EGL lists no devices: is Mesa installed?");
	for (i = 0; i < count; i++) {
		if (!has(query_string(devices[i], EGL_EXTENSIONS),
			 "EGL_MESA_device_software"))
			continue;
		lens->display = get_display(EGL_PLATFORM_DEVICE_EXT, devices[i],
					    NULL);
		if (lens->display == EGL_NO_DISPLAY ||
		    !eglInitialize(lens->display, NULL, NULL))
			return fail(lens, "Mesa's llvmpipe does not start");
		return 0;
	}
	return fail(lens, "EGL has no software: install libgl1-mesa-dri");
}

static int check_extensions(struct lens *lens)
{
	static const char *const needed[] = {
		"EGL_EXT_image_dma_buf_import",
		"EGL_KHR_no_config_context",
		"EGL_KHR_surfaceless_context",
		NULL,
	};
	const char *there = eglQueryString(lens->display, EGL_EXTENSIONS);
	unsigned int i;

	for (i = 0; needed[i]; i++) {
		if (has(there, needed[i]))
			continue;
		snprintf(lens->trouble, sizeof(lens->trouble),
			 "EGL has no %s here: Mesa 25 or later is needed.",
			 needed[i]);
		return -1;
	}
	lens->create_image = (void *)eglGetProcAddress("eglCreateImageKHR");
	lens->destroy_image = (void *)eglGetProcAddress("eglDestroyImageKHR");
	lens->image_to_texture =
		(void *)eglGetProcAddress("glEGLImageTargetTexture2DOES");
	return 0;
}

static int make_context(struct lens *lens)
{
	static const EGLint attributes[] = { EGL_CONTEXT_CLIENT_VERSION, 2,
					     EGL_NONE };

	eglBindAPI(EGL_OPENGL_ES_API);
	lens->context = eglCreateContext(lens->display, EGL_NO_CONFIG_KHR,
					 EGL_NO_CONTEXT, attributes);
	if (lens->context == EGL_NO_CONTEXT ||
	    !eglMakeCurrent(lens->display, EGL_NO_SURFACE, EGL_NO_SURFACE,
			    lens->context))
		return fail(lens, "EGL gives no context for OpenGL ES 2");
	return 0;
}

static int compile(struct lens *lens, GLenum kind, const char *source)
{
	GLuint shader = glCreateShader(kind);
	GLint done = 0;

	glShaderSource(shader, 1, &source, NULL);
	glCompileShader(shader);
	glGetShaderiv(shader, GL_COMPILE_STATUS, &done);
	glAttachShader(lens->program, shader);
	if (!done)
		glGetShaderInfoLog(shader, sizeof(lens->trouble), NULL,
				   lens->trouble);
	/* The program keeps what is attached to it. */
	glDeleteShader(shader);
	return done ? 0 : -1;
}

static int make_program(struct lens *lens)
{
	static const GLfloat corners[] = { -1, -1, 1, -1, -1, 1, 1, 1 };
	GLint done = 0;

	lens->program = glCreateProgram();
	if (compile(lens, GL_VERTEX_SHADER, vertex_source) ||
	    compile(lens, GL_FRAGMENT_SHADER, fragment_source))
		return -1;
	glBindAttribLocation(lens->program, 0, "corner");
	glLinkProgram(lens->program);
	glGetProgramiv(lens->program, GL_LINK_STATUS, &done);
	if (!done) {
		glGetProgramInfoLog(lens->program, sizeof(lens->trouble), NULL,
				    lens->trouble);
		return -1;
	}
	glUseProgram(lens->program);
	glUniform1i(glGetUniformLocation(lens->program, "frame"), 0);
	glUniform2f(glGetUniformLocation(lens->program, "k"), DISTORTION_K1,
		    DISTORTION_K2);
	glUniform1f(glGetUniformLocation(lens->program, "backdrop"),
		    DISTORTION_BACKDROP / 255.0);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, corners);
	glEnableVertexAttribArray(0);
	return 0;
}

struct lens *lens_new(void)
{
	return calloc(1, sizeof(struct lens));
}

void lens_free(struct lens *lens)
{
	if (!lens)
		return;
	if (lens->program)
		glDeleteProgram(lens->program);
	if (lens->display) {
		eglMakeCurrent(lens->display, EGL_NO_SURFACE, EGL_NO_SURFACE,
			       EGL_NO_CONTEXT);
		if (lens->context)
			eglDestroyContext(lens->display, lens->context);
		eglTerminate(lens->display);
	}
	free(lens);
}

int lens_open(struct lens *lens)
{
	if (find_display(lens) || check_extensions(lens) ||
	    make_context(lens) || make_program(lens))
		return -1;
	return 0;
}

const char *lens_trouble(const struct lens *lens)
{
	return lens->trouble;
}

const char *lens_renderer(const struct lens *lens)
{
	return lens->context ? (const char *)glGetString(GL_RENDERER) : "none";
}

static EGLImageKHR make_image(struct lens *lens, int fd,
			      const struct bufalloc_layout *layout)
{
	const EGLint attributes[] = {
		EGL_WIDTH,
		layout->width,
		EGL_HEIGHT,
		layout->height,
		EGL_LINUX_DRM_FOURCC_EXT,
		layout->fourcc,
		EGL_DMA_BUF_PLANE0_FD_EXT,
		fd,
		EGL_DMA_BUF_PLANE0_OFFSET_EXT,
		layout->offsets[0],
		EGL_DMA_BUF_PLANE0_PITCH_EXT,
		layout->strides[0],
		EGL_NONE,
	};

	return lens->create_image(lens->display, EGL_NO_CONTEXT,
				  EGL_LINUX_DMA_BUF_EXT, NULL, attributes);
}

static void make_texture(struct lens *lens, struct lens_image *image)
{
	glGenTextures(1, &image->texture);
	glBindTexture(GL_TEXTURE_2D, image->texture);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
	lens->image_to_texture(GL_TEXTURE_2D, image->image);
}

static bool make_framebuffer(struct lens_image *image)
{
	glGenFramebuffers(1, &image->framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, image->framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0,
			       GL_TEXTURE_2D, image->texture, 0);
	return glCheckFramebufferStatus(GL_FRAMEBUFFER) ==
	       GL_FRAMEBUFFER_COMPLETE;
}

struct lens_image *lens_import(struct lens *lens, int fd,
			       const struct bufalloc_layout *layout)
{
	struct lens_image *image = calloc(1, sizeof(*image));

	if (!image) {
		fail(lens, "There is no memory for an image");
		return NULL;
	}
	image->width = layout->width;
	image->height = layout->height;
	image->image = make_image(lens, fd, layout);
	if (image->image == EGL_NO_IMAGE_KHR) {
		fail(lens, "EGL does not import this dma-buf");
		goto free_image;
	}
	make_texture(lens, image);
	if (!make_framebuffer(image)) {
		fail(lens, "GL does not render into this dma-buf");
		goto release_image;
	}
	return image;

release_image:
	lens_release(lens, image);
	return NULL;
free_image:
	free(image);
	return NULL;
}

void lens_release(struct lens *lens, struct lens_image *image)
{
	if (!image)
		return;
	glDeleteFramebuffers(1, &image->framebuffer);
	glDeleteTextures(1, &image->texture);
	lens->destroy_image(lens->display, image->image);
	free(image);
}

int lens_correct(struct lens *lens, const struct lens_image *frame,
		 const struct lens_image *picture)
{
	glBindFramebuffer(GL_FRAMEBUFFER, picture->framebuffer);
	glBindTexture(GL_TEXTURE_2D, frame->texture);
	glViewport(0, 0, picture->width, picture->height);
	glUniform2f(glGetUniformLocation(lens->program, "size"),
		    picture->width, picture->height);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	glFinish();
	return glGetError() ? fail(lens, "GL does not draw") : 0;
}

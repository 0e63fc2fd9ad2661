// SPDX-License-Identifier: MIT
/*
 * A scene of 64 images that gets its memory at once, or not at all.
 *
 *   cc -o scene scene.c $(pkg-config --cflags --libs libbufalloc)
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bufalloc.h>

#define IMAGES 64

int main(void)
{
	struct bufalloc_request requests[IMAGES] = { 0 };
	struct bufalloc_result results[IMAGES];
	int device = bufalloc_open(NULL), fds[IMAGES], i, ret;
	uint32_t failed, reason;

	if (device < 0) {
		fprintf(stderr, "%s: %s\n", BUFALLOC_DEVICE, strerror(-device));
		return 1;
	}
	for (i = 0; i < IMAGES; i++) {
		requests[i].length = 256 * 256 * 4;
		requests[i].caching = BUFALLOC_CACHING_CACHED;
		requests[i].flags = BUFALLOC_ALLOC_DEFERRED;
		requests[i].fd_flags = O_RDWR | O_CLOEXEC;
		requests[i].heap = BUFALLOC_HEAP_ANY;
	}
	ret = bufalloc_alloc_batch(device, requests, results, IMAGES, &failed, &reason);
	for (i = 0; !ret && i < IMAGES; i++)
		fds[i] = results[i].fd;
	/* Here the devices of the scene are given the buffers: they attach to them. */
	if (!ret)
		ret = bufalloc_commit(device, fds, IMAGES, &failed, &reason);
	if (ret)
		fprintf(stderr, "image %u: %s. %s\n", failed, strerror(-ret),
			bufalloc_reason_string(reason));
	else
		printf("%d images have their memory, where all their devices reach it.\n", IMAGES);
	bufalloc_close(device);
	return ret ? 1 : 0;
}

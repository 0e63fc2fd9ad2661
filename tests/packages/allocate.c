// SPDX-License-Identifier: MIT
/* A program of somebody who has installed libbufalloc-dev: one buffer, written. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bufalloc.h>

static int fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	return 1;
}

int main(void)
{
	struct bufalloc_request want = {
		.length = 1920 * 1080 * 4,
		.caching = BUFALLOC_CACHING_WC,
		.heap = BUFALLOC_HEAP_ANY,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct bufalloc_result got;
	int device, err;
	void *pixels;

	device = bufalloc_open(NULL);
	if (device < 0)
		return fail("bufalloc_open", device);
	err = bufalloc_alloc(device, &want, &got, NULL);
	if (err)
		return fail("bufalloc_alloc", err);
	err = bufalloc_map(got.fd, want.length, PROT_READ | PROT_WRITE, &pixels);
	if (err)
		return fail("bufalloc_map", err);
	memset(pixels, 0xff, want.length);
	printf("%llu bytes, %s\n", (unsigned long long)got.length,
	       bufalloc_memtype_string(got.memtype));
	bufalloc_unmap(pixels, want.length);
	close(got.fd);
	bufalloc_close(device);
	return 0;
}

// SPDX-License-Identifier: MIT
/* Drivers that import: the test importer, one step at a time, and vgem. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm.h>

#include "demo/display.h"
#include "fuzz/calls.h"
#include "fuzz/memory.h"
#include "lib/imports.h"

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Held for writing while a device has a limit, for reading by who maps. */
static pthread_rwlock_t limits = PTHREAD_RWLOCK_INITIALIZER;

static int importer(uint64_t slot)
{
	return slot_get(POOL_IMPORTER, slot);
}

static int attachment(uint64_t slot)
{
	return slot_get(POOL_ATTACHMENT, slot);
}

long run_open_importer(const uint64_t *args)
{
	return slot_put(POOL_IMPORTER, args[0], importer_open());
}

long run_close_importer(const uint64_t *args)
{
	return result(close(slot_take(POOL_IMPORTER, args[0])));
}

long run_attach(const uint64_t *args)
{
	int fd = args[1] < POOL_FDS ? slot_get(args[1], args[2]) : (int)args[2];

	return slot_put(POOL_ATTACHMENT, args[4],
			importer_attach(importer(args[0]), fd, args[3]));
}

long run_detach(const uint64_t *args)
{
	return importer_detach(importer(args[0]),
			       slot_take(POOL_ATTACHMENT, args[1]));
}

long run_map(const uint64_t *args)
{
	static __thread struct importer_map map;
	long ret;

	pthread_rwlock_rdlock(&limits);
	ret = importer_map(importer(args[0]), attachment(args[1]), args[2],
			   &map);
	pthread_rwlock_unlock(&limits);
	return ret;
}

long run_unmap(const uint64_t *args)
{
	return importer_unmap(importer(args[0]), attachment(args[1]));
}

long run_peek(const uint64_t *args)
{
	uint64_t value;

	return importer_peek(importer(args[0]), attachment(args[1]), args[2],
			     &value);
}

long run_table(const uint64_t *args)
{
	struct importer_table table;

	return importer_table(importer(args[0]), attachment(args[1]), &table);
}

/* Not by way of the core, which warns of whatever fails: what is not needed is refused. */
long run_vmap(const uint64_t *args)
{
	struct importer_vmap vmap = {
		.fd = slot_get(POOL_BUFFER, args[1]),
		.offset = args[2],
		.bare = 1,
	};

	return result(ioctl(importer(args[0]), IMPORTER_VMAP, &vmap));
}

long run_zap(const uint64_t *args)
{
	return importer_zap(importer(args[0]), slot_get(POOL_BUFFER, args[1]));
}

/*
 * By a driver whose segments have that many bytes at most. What it says holds for
 * its device, and so for nobody else: it may not change while others map.
 */
long run_attach_limited(const uint64_t *args)
{
	long ret;

	pthread_rwlock_wrlock(&limits);
	importer_limit(importer(args[0]), args[3], args[5]);
	ret = run_attach(args);
	importer_limit(importer(args[0]), args[3], UINT32_MAX);
	pthread_rwlock_unlock(&limits);
	return ret;
}

/* Only begun: whatever comes next comes while it goes on. */
long run_dma(const uint64_t *args)
{
	return importer_dma_start(importer(args[0]), attachment(args[1]),
				  args[2] % 2 + 1, args[3] & ~7UL, 64);
}

long run_open_drm(const uint64_t *args)
{
	int fd = display_find("vgem");

	/* Who reads it would wait for an event. */
	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return slot_put(POOL_DRM, args[0], fd);
}

long run_close_drm(const uint64_t *args)
{
	return result(close(slot_take(POOL_DRM, args[0])));
}

long run_to_handle(const uint64_t *args)
{
	struct drm_prime_handle arg = { .fd = slot_get(POOL_BUFFER, args[1]) };

	if (ioctl(slot_get(POOL_DRM, args[0]), DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg))
		return -errno;
	return slot_put(POOL_HANDLE, args[2], arg.handle);
}

long run_to_fd(const uint64_t *args)
{
	struct drm_prime_handle arg = {
		.handle = slot_get(POOL_HANDLE, args[1]),
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};

	if (ioctl(slot_get(POOL_DRM, args[0]), DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg))
		return -errno;
	return slot_put(POOL_BUFFER, args[2], arg.fd);
}

long run_close_handle(const uint64_t *args)
{
	struct drm_gem_close arg = { .handle = slot_take(POOL_HANDLE, args[1]) };

	return result(ioctl(slot_get(POOL_DRM, args[0]), DRM_IOCTL_GEM_CLOSE, &arg));
}

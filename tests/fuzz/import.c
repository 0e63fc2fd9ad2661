// SPDX-License-Identifier: MIT
/* Calls of drivers that import: the test importer, and vgem. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm.h>

#include "demo/display.h"
#include "fuzz/calls.h"
#include "fuzz/memory.h"
#include "lib/guest.h"
#include "lib/imports.h"

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Held for writing while a limit, bus or driver changes; held for reading by calls that map. */
static pthread_rwlock_t limits = PTHREAD_RWLOCK_INITIALIZER;

void importers_hold(void)
{
	pthread_rwlock_rdlock(&limits);
}

void importers_release(void)
{
	pthread_rwlock_unlock(&limits);
}

static int importer(uint64_t slot)
{
	return slot_get(POOL_IMPORTER, slot);
}

static int attachment(uint64_t slot)
{
	return slot_get(POOL_ATTACHMENT, slot);
}

static int file(uint64_t pool, uint64_t slot)
{
	return pool < POOL_FDS ? slot_get(pool, slot) : (int)slot;
}

long run_open_importer(const uint64_t *args)
{
	long ret;

	importers_hold();
	ret = slot_put(POOL_IMPORTER, args[0], importer_open());
	importers_release();
	return ret;
}

long run_close_importer(const uint64_t *args)
{
	long ret;

	importers_hold();
	ret = result(close(slot_take(POOL_IMPORTER, args[0])));
	importers_release();
	return ret;
}

long run_attach(const uint64_t *args)
{
	return slot_put(POOL_ATTACHMENT, args[4],
			importer_attach(importer(args[0]), file(args[1], args[2]),
					args[3]));
}

long run_detach(const uint64_t *args)
{
	long ret;

	importers_hold();
	ret = importer_detach(importer(args[0]),
			      slot_take(POOL_ATTACHMENT, args[1]));
	importers_release();
	return ret;
}

long run_map(const uint64_t *args)
{
	static __thread struct importer_map map;
	long ret;

	importers_hold();
	ret = importer_map(importer(args[0]), attachment(args[1]), args[2],
			   &map);
	importers_release();
	return ret;
}

long run_unmap(const uint64_t *args)
{
	long ret;

	importers_hold();
	ret = importer_unmap(importer(args[0]), attachment(args[1]));
	importers_release();
	return ret;
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

/* Call the exporter directly: the core warns of an error, and a buffer in DONTNEED is EBUSY. */
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
 * Attach to a device with a segment limit. The limit belongs to the device, and not to an
 * attachment. So the limit must not change while other threads map.
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

/*
 * Map for a device that sees memory at other addresses, or takes small segments. No other thread
 * maps or unmaps meanwhile.
 */
long run_map_bus(const uint64_t *args)
{
	static const uint64_t shifts[] = { 0, PAGE, 1ULL << 32, 1ULL << 44 };
	static __thread struct importer_map map;
	int of = importer(args[0]), id;
	uint32_t port = args[3] % 2;
	long ret;

	pthread_rwlock_wrlock(&limits);
	importer_bus(of, port, 2048ULL << args[4] % 16, shifts[args[3] / 2 % 4]);
	id = importer_attach(of, file(args[1], args[2]), port);
	ret = id;
	if (id >= 0) {
		ret = importer_map(of, id, args[5], &map);
		importer_unmap(of, id);
		importer_detach(of, id);
	}
	importer_bus(of, port, 0, 0);
	pthread_rwlock_unlock(&limits);
	return ret;
}

static bool is_importing(void)
{
	uint64_t slot;

	for (slot = 0; slot < SLOTS; slot++)
		if (importer(slot) >= 0)
			return true;
	return false;
}

#define EDU_DRIVER "/sys/bus/pci/drivers/bufalloc-importer-edu/"

/* @which: bit 0: the device; bit 1: attach in remove(); bit 2: close before the driver is bound. */
static long driver_leave(int fd, uint64_t which)
{
	struct importer_facts facts;
	uint32_t port = IMPORTER_DEVICE_EDU_0 + which % 2;
	int of = importer_open();
	long ret = of < 0 ? of : importer_facts(of, port, &facts);

	if (ret)
		goto close;
	importer_attach(of, fd, port);
	if (which & 2)
		importer_attach_late(of, fd, port);
	ret = write_string(EDU_DRIVER "unbind", facts.out_name);
	if (which & 4)
		close(of);
	write_string(EDU_DRIVER "bind", facts.out_name);
	if (which & 4)
		return ret;
close:
	close(of);
	return ret;
}

/* The most calls in a process: one takes as long as a few hundred other calls. */
#define LEAVES_MAX 5

/*
 * Unbind the driver of a device. Refuse this while an importer is open: a driver that leaves with
 * mappings is a bug of the driver, and the kernel complains.
 */
long run_leave(const uint64_t *args)
{
	static unsigned int leaves;
	long ret = -EBUSY;

	pthread_rwlock_wrlock(&limits);
	if (!is_importing() && leaves++ < LEAVES_MAX)
		ret = driver_leave(file(args[0], args[1]), args[2]);
	pthread_rwlock_unlock(&limits);
	return ret;
}

/* Begin DMA, and do not wait: the next calls run while DMA is pending. */
long run_dma(const uint64_t *args)
{
	return importer_dma_start(importer(args[0]), attachment(args[1]),
				  args[2] % 2 + 1, args[3] & ~7UL, 64);
}

long run_open_drm(const uint64_t *args)
{
	int fd = display_find("vgem");

	/* Without O_NONBLOCK a read would wait for an event. */
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

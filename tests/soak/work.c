// SPDX-License-Identifier: MIT
/*
 * The work of the workers. Each function uses buffers for about a second, and can be killed at
 * any point. A function that ends has checked the content of its buffers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "demo/camera.h"
#include "demo/display.h"
#include "demo/pattern.h"
#include "lib/buffers.h"
#include "lib/clients.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/passing.h"
#include "soak/soak.h"

#define PAGE 4096UL

/* Frames of a camera. */
#define WIDTH 320
#define HEIGHT 180
#define BUFFERS 3
#define FRAMES_MAX 24

/* Buffers of one COMMIT. */
#define SET 24
#define SET_LENGTH (64 * KIB)

/* Bytes that a device moves, and their offset in a page. */
#define COPY 1024
#define COPY_AT 2048

#define PURGEABLE 8
#define BATCH_MAX 12

/* Memory that the hog leaves, in KiB. */
#define SPARE_KIB (224L * 1024)

static uint32_t any_caching(struct random *random)
{
	static const uint32_t all[] = {
		BUFALLOC_CACHING_CACHED,
		BUFALLOC_CACHING_COHERENT,
		BUFALLOC_CACHING_WC,
	};

	return all[random_below(random, machine_has_wc() ? 3 : 2)];
}

/* Errors that a machine short of memory, or a quota, may give at any time. */
static bool is_shortage(int ret)
{
	return ret == -ENOMEM || ret == -EDQUOT;
}

/* Cameras. */

struct capture {
	int device;
	struct camera camera;
	int fds[BUFFERS];
};

static int frame_check(struct capture *capture, uint32_t index)
{
	struct mapping mapping;
	uint32_t wrong;
	int ret = buffer_map(capture->fds[index], &mapping);

	if (ret)
		return is_shortage(ret) ? 0 : soak_wrong("a frame cannot be mapped: %d", ret);
	bufalloc_begin_cpu_access(capture->fds[index], DMA_BUF_SYNC_READ);
	wrong = pattern_count_wrong(mapping.bytes, capture->camera.stride, WIDTH,
				    HEIGHT);
	/* Overwrite the frame, so that the next check cannot pass with the same frame. */
	memset(mapping.bytes, 0x5a, mapping.length);
	bufalloc_end_cpu_access(capture->fds[index], DMA_BUF_SYNC_READ);
	buffer_unmap(&mapping);
	if (wrong)
		return soak_wrong("%u pixels of a frame are wrong", wrong);
	soak_count(FRAMES);
	return 0;
}

static int capture_frames(struct capture *capture, struct random *random)
{
	uint64_t count = 1 + random_below(random, FRAMES_MAX);
	uint32_t index;
	int ret;

	while (count-- && !soak->stop) {
		ret = camera_dequeue(&capture->camera, &index);
		/* A suspend can end the stream of a camera, or drop a frame. */
		if (ret)
			return 0;
		ret = frame_check(capture, index);
		if (!ret)
			ret = camera_queue(&capture->camera, index,
					   capture->fds[index]);
		if (ret)
			return soak_wrong("a frame's buffer: %d", ret);
	}
	return 0;
}

static int capture_buffers(struct capture *capture, struct random *random,
			   uint32_t flags)
{
	int i, ret;

	for (i = 0; i < BUFFERS; i++) {
		capture->fds[i] = buffer_open_low(capture->device,
						  capture->camera.size,
						  any_caching(random), flags);
		if (capture->fds[i] < 0)
			return capture->fds[i];
		ret = camera_queue(&capture->camera, i, capture->fds[i]);
		/* The driver may lack memory, and may return any errno. */
		if (ret)
			return -ENOMEM;
	}
	return 0;
}

static int capture_run(struct random *random, const char *bus, uint32_t flags)
{
	struct capture capture = { .fds = { -1, -1, -1 } };
	int i, ret;

	capture.device = bufalloc_open(NULL);
	ret = camera_open(&capture.camera, bus, WIDTH, HEIGHT);
	if (!ret)
		ret = camera_set_pattern(&capture.camera);
	if (!ret)
		ret = camera_set_buffers(&capture.camera, BUFFERS);
	if (!ret)
		ret = capture_buffers(&capture, random, flags);
	if (!ret)
		ret = camera_start(&capture.camera);
	if (!ret)
		ret = capture_frames(&capture, random);
	else if (is_shortage(ret))
		ret = 0;
	else
		ret = soak_wrong("the camera %s: %d", bus, ret);
	camera_close(&capture.camera);
	for (i = 0; i < BUFFERS; i++)
		if (capture.fds[i] >= 0)
			close(capture.fds[i]);
	bufalloc_close(capture.device);
	return ret;
}

int work_camera(struct random *random)
{
	return capture_run(random, "platform:vivid-000", 0);
}

int work_camera_contiguous(struct random *random)
{
	return capture_run(random, "platform:vivid-001", BUFALLOC_ALLOC_CONTIGUOUS);
}

/* DMA of a device, and an import by another driver. */

static int gem_import(int fd)
{
	int drm = display_find("vgem");
	uint32_t handle;
	int ret;

	if (drm < 0)
		return 0;
	ret = drmPrimeFDToHandle(drm, fd, &handle) ? -errno : 0;
	close(drm);
	if (!ret)
		soak_count(GEMS);
	else if (!is_shortage(ret))
		return soak_wrong("vgem does not import: %d", ret);
	return 0;
}

/* The device reads a part of the buffer into its own memory, and writes it to another part. */
static int dma_copy(int importer, int id)
{
	static struct importer_map map;
	int ret;

	ret = importer_map(importer, id, IMPORTER_BIDIRECTIONAL, &map);
	if (!ret)
		ret = importer_dma(importer, id, IMPORTER_TO_DEVICE, 0, COPY);
	if (!ret)
		ret = importer_dma(importer, id, IMPORTER_FROM_DEVICE, COPY_AT, COPY);
	importer_unmap(importer, id);
	return ret;
}

/* Errors of a device whose driver is being unbound, or is unbound. */
static bool is_leaving(int ret)
{
	return ret == -ENODEV || ret == -EAGAIN;
}

/*
 * @bytes: the CPU mapping of the first page. Each worker has its own device, so no other worker
 * writes to the memory of the device meanwhile.
 */
static int dma_run(struct random *random, int importer, int fd,
		   unsigned char *bytes, enum count what)
{
	uint32_t device = what == DMAS ? IMPORTER_DEVICE_EDU_0 : IMPORTER_DEVICE_EDU_0 + 1;
	unsigned char byte = 1 + random_below(random, 255);
	int ret, id, i;

	id = importer_attach(importer, fd, device);
	if (id < 0)
		return is_shortage(id) || is_leaving(id) ? 0 :
							   soak_wrong("no device attaches: %d", id);
	memset(bytes, byte, COPY);
	memset(bytes + COPY_AT, 0, COPY);
	ret = dma_copy(importer, id);
	importer_detach(importer, id);
	if (ret)
		return is_shortage(ret) || is_leaving(ret) ? 0 : soak_wrong("DMA: %d", ret);
	for (i = 0; i < COPY && bytes[COPY_AT + i] == byte; i++)
		;
	if (i < COPY)
		return soak_wrong("byte %d of what a device wrote is wrong", i);
	soak_count(what);
	return 0;
}

static int dma_and_import(struct random *random, int importer, int fd)
{
	struct mapping mapping;
	int ret;

	ret = buffer_map(fd, &mapping);
	if (ret)
		return is_shortage(ret) ? 0 :
					  soak_wrong("a buffer for DMA cannot be mapped: %d", ret);
	ret = dma_run(random, importer, fd, mapping.bytes, DMAS);
	buffer_unmap(&mapping);
	return ret ? ret : gem_import(fd);
}

int work_dma(struct random *random)
{
	int device = bufalloc_open(NULL);
	int importer = importer_open();
	int fd, ret = 0;

	/* COHERENT memory needs no syncs. This work tests lifetimes. */
	fd = buffer_open_low(device, PAGE * (1 + random_below(random, 64)),
			     BUFALLOC_CACHING_COHERENT, 0);
	if (fd >= 0)
		ret = dma_and_import(random, importer, fd);
	else if (!is_shortage(fd))
		ret = soak_wrong("a buffer for DMA: %d", fd);
	if (fd >= 0)
		close(fd);
	close(importer);
	bufalloc_close(device);
	return ret;
}

/* A buffer of memory of this process, which stays after the mapping is gone. */

static int user_open(int device, void *bytes, size_t length)
{
	struct bufalloc_request request = request_of(length, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_USER_MEMORY;
	request.address = (uintptr_t)bytes;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

int work_user(struct random *random)
{
	size_t length = PAGE * (1 + random_below(random, 64));
	unsigned char *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int device = bufalloc_open(NULL);
	int importer = importer_open();
	int fd, ret = 0;

	fd = user_open(device, bytes, length);
	if (fd >= 0)
		ret = dma_run(random, importer, fd, bytes, USERS);
	else if (!is_shortage(fd))
		ret = soak_wrong("memory of a process is no buffer: %d", fd);
	munmap(bytes, length);
	if (fd >= 0)
		close(fd);
	close(importer);
	bufalloc_close(device);
	return ret;
}

/* Buffers in a message. The receiver ends, or is killed. */

static void receive(int socket)
{
	struct mapping mapping;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = fd_receive(socket);
	if (fd < 0 || buffer_map(fd, &mapping))
		_exit(0);
	if (!mapping_is(&mapping, 0x42))
		soak_wrong("a buffer is not what was sent");
	soak_count(PASSES);
	_exit(0);
}

static int pass(int fd)
{
	struct mapping mapping;
	int ends[2], ret;
	pid_t child;

	ret = buffer_map(fd, &mapping);
	if (ret)
		return is_shortage(ret) ? 0 : soak_wrong("what is sent cannot be mapped: %d", ret);
	memset(mapping.bytes, 0x42, mapping.length);
	buffer_unmap(&mapping);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return 0;
	fd_send(ends[0], fd);
	close(ends[0]);
	child = fork();
	if (!child)
		receive(ends[1]);
	close(ends[1]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return 0;
}

int work_pass(struct random *random)
{
	int device = bufalloc_open(NULL);
	int fd = buffer_open(device, PAGE * (1 + random_below(random, 256)),
			     any_caching(random));
	int ret = 0;

	bufalloc_close(device);
	if (fd < 0)
		return is_shortage(fd) ? 0 : soak_wrong("a buffer to be sent: %d", fd);
	ret = pass(fd);
	close(fd);
	return ret;
}

/* Two processes that commit the same buffers. */

static int set_open(int device, struct random *random, int *fds)
{
	struct bufalloc_request requests[SET] = {};
	struct bufalloc_result results[SET];
	unsigned int i;
	int ret;

	for (i = 0; i < SET; i++) {
		requests[i] = request_of(SET_LENGTH, any_caching(random));
		requests[i].flags = BUFALLOC_ALLOC_DEFERRED;
	}
	ret = bufalloc_alloc_batch(device, requests, results, SET, NULL, NULL);
	for (i = 0; !ret && i < SET; i++)
		fds[i] = results[i].fd;
	return ret;
}

static unsigned int set_backed(int device, const int *fds)
{
	struct bufalloc_query query;
	unsigned int i, backed = 0;

	for (i = 0; i < SET; i++)
		backed += !bufalloc_query(device, fds[i], &query) &&
			  query.out_state & BUFALLOC_STATE_BACKED;
	return backed;
}

static int set_commit(int device, const int *fds)
{
	int ret = bufalloc_commit(device, fds, SET, NULL, NULL);

	if (!ret) {
		soak_count(COMMITS);
		if (set_backed(device, fds) != SET)
			return soak_wrong("%u of %u buffers have memory after COMMIT",
					  set_backed(device, fds), SET);
		return 0;
	}
	soak_count(COMMITS_REFUSED);
	return is_shortage(ret) ? 0 : soak_wrong("COMMIT: %d", ret);
}

/* Commit the same buffers in the reverse order. */
static void rival(int device, const int *fds)
{
	int reversed[SET], i;

	for (i = 0; i < SET; i++)
		reversed[i] = fds[SET - 1 - i];
	_exit(set_commit(device, reversed) ? 1 : 0);
}

int work_commit(struct random *random)
{
	int device = bufalloc_open(NULL), status = 0, i, ret;
	int fds[SET];
	pid_t child;

	ret = set_open(device, random, fds);
	if (ret) {
		bufalloc_close(device);
		return is_shortage(ret) ? 0 : soak_wrong("a set of buffers: %d", ret);
	}
	child = fork();
	if (!child)
		rival(device, fds);
	ret = set_commit(device, fds);
	if (child > 0)
		waitpid(child, &status, 0);
	if (!ret && gem_import(fds[random_below(random, SET)]))
		ret = -EIO;
	for (i = 0; i < SET; i++)
		close(fds[i]);
	bufalloc_close(device);
	/* Ignore @status: the child may have been killed. */
	return ret;
}

/* Purgeable buffers. */

struct purgeable {
	int fd;
	unsigned char byte;
};

static int purgeable_open(int device, struct random *random,
			  struct purgeable *purgeable)
{
	struct bufalloc_request request = request_of(PAGE * (1 + random_below(random, 256)),
						     any_caching(random));
	struct bufalloc_result result;
	struct mapping mapping;
	int ret;

	if (random_once_in(random, 2)) {
		request.caching = BUFALLOC_CACHING_CACHED;
		request.flags = BUFALLOC_ALLOC_PAGEABLE;
	}
	ret = bufalloc_alloc(device, &request, &result, NULL);
	if (ret)
		return ret;
	purgeable->fd = result.fd;
	purgeable->byte = 1 + random_below(random, 255);
	ret = buffer_map(result.fd, &mapping);
	if (ret)
		return ret;
	memset(mapping.bytes, purgeable->byte, mapping.length);
	buffer_unmap(&mapping);
	return bufalloc_advise(device, result.fd, BUFALLOC_ADVICE_DONTNEED, NULL);
}

static int purgeable_check(int device, const struct purgeable *purgeable)
{
	struct mapping mapping;
	uint32_t retained;
	bool same;
	int ret;

	ret = bufalloc_advise(device, purgeable->fd, BUFALLOC_ADVICE_WILLNEED,
			      &retained);
	if (ret)
		return ret;
	ret = buffer_map(purgeable->fd, &mapping);
	if (ret)
		return ret;
	same = mapping_is(&mapping, retained ? purgeable->byte : 0);
	buffer_unmap(&mapping);
	if (!same)
		return soak_wrong("content is wrong, retained %u", retained);
	soak_count(retained ? KEPT : PURGED);
	return 0;
}

int work_purge(struct random *random)
{
	struct purgeable all[PURGEABLE];
	int device = bufalloc_open(NULL), count, i, ret = 0;

	for (count = 0; count < PURGEABLE && !ret; count++) {
		all[count].fd = -1;
		ret = purgeable_open(device, random, &all[count]);
	}
	usleep(random_below(random, 1000000));
	if (random_once_in(random, 8))
		write_string("/proc/sys/vm/drop_caches", "2");
	for (i = 0; i < count && !ret; i++)
		ret = purgeable_check(device, &all[i]);
	while (count-- > 0)
		if (all[count].fd >= 0)
			close(all[count].fd);
	bufalloc_close(device);
	if (ret && ret != -EIO && !is_shortage(ret))
		return soak_wrong("a purgeable buffer: %d", ret);
	return ret == -EIO ? ret : 0;
}

/* Batches of buffers of any kind. */

static struct bufalloc_request any_request(struct random *random)
{
	static const uint32_t flags[] = {
		0,
		0,
		BUFALLOC_ALLOC_DEFERRED,
		BUFALLOC_ALLOC_CONTIGUOUS,
		BUFALLOC_ALLOC_PAGEABLE,
	};
	struct bufalloc_request request =
		request_of(PAGE * (1 + random_below(random, 512)), any_caching(random));

	request.flags = flags[random_below(random, ARRAY_SIZE(flags))];
	if (request.flags == BUFALLOC_ALLOC_PAGEABLE)
		request.caching = BUFALLOC_CACHING_CACHED;
	return request;
}

static int zeros_check(int fd)
{
	struct mapping mapping;
	bool clear;
	int ret;

	ret = buffer_map(fd, &mapping);
	if (ret)
		return is_shortage(ret) ? 0 : soak_wrong("a buffer cannot be mapped: %d", ret);
	clear = !mapping.bytes[0] && !mapping.bytes[mapping.length - 1];
	memset(mapping.bytes, 0xa5, mapping.length);
	buffer_unmap(&mapping);
	return clear ? 0 : soak_wrong("a new buffer is not clear");
}

int work_churn(struct random *random)
{
	struct bufalloc_request requests[BATCH_MAX];
	struct bufalloc_result results[BATCH_MAX];
	uint32_t count = 1 + random_below(random, BATCH_MAX), i;
	int device = bufalloc_open(NULL);
	int ret;

	for (i = 0; i < count; i++)
		requests[i] = any_request(random);
	ret = bufalloc_alloc_batch(device, requests, results, count, NULL, NULL);
	/* Buffers stay after the file of the device is closed. */
	bufalloc_close(device);
	if (ret) {
		soak_count(CHURNS_REFUSED);
		usleep(10000);
		return is_shortage(ret) ? 0 : soak_wrong("ALLOC: %d", ret);
	}
	for (i = 0; i < count && !ret; i++)
		ret = zeros_check(results[i].fd);
	for (i = 0; i < count; i++)
		close(results[i].fd);
	soak_count(CHURNS);
	return ret;
}

/* Use nearly all memory, so that the kernel reclaims. */

int work_hog(struct random *random)
{
	size_t length = meminfo("MemTotal") * KIB, step = 4 * MIB, done;
	char *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		return 0;
	for (done = 0; done + step <= length; done += step) {
		if (soak->stop || meminfo("MemAvailable") <= SPARE_KIB)
			break;
		memset(bytes + done, 1, step);
	}
	soak_count(HOGS);
	usleep(random_below(random, 2000000));
	munmap(bytes, length);
	usleep(random_below(random, 4000000));
	return 0;
}

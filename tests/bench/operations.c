// SPDX-License-Identifier: MIT
/* Each operation once, as a function that returns what it cost; and the table of the goals. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include <xf86drm.h>

#include "bench/bench.h"
#include "kselftest.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define PAGE 4096UL
#define FRAME_1080_NV12 (1920UL * 1080 * 3 / 2)
#define FRAME_1080 (1920UL * 1080 * 4)
#define FRAME_4K (3840UL * 2160 * 4)
#define SET 64
#define COMMIT_MAX 1024
#define LIVE 8000
#define SLAB_BUFFERS 1000

static int64_t now(void)
{
	return __rdtsc();
}

static int heap_open_buffer(const struct machine *machine, size_t length)
{
	struct dma_heap_allocation_data data = {
		.len = length,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (machine->heap < 0)
		return machine->heap;
	return ioctl(machine->heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : (int)data.fd;
}

static int ours_open_buffer(const struct machine *machine, const struct operation *operation)
{
	return buffer_open(machine->device, operation->bytes, operation->caching);
}

static int64_t alloc(const struct machine *machine, const struct operation *operation)
{
	int64_t begin = now();
	int fd = ours_open_buffer(machine, operation);

	if (fd < 0)
		return fd;
	close(fd);
	return now() - begin;
}

/* No memory was freed by this client before. */
static int64_t alloc_in_new_client(const struct machine *machine,
				   const struct operation *operation)
{
	struct machine other = *machine;
	int64_t cost;

	other.device = bufalloc_open(NULL);
	if (other.device < 0)
		return other.device;
	cost = alloc(&other, operation);
	bufalloc_close(other.device);
	return cost;
}

static int64_t alloc_beside_another(const struct machine *machine,
				    const struct operation *operation)
{
	int beside = ours_open_buffer(machine, operation);
	int64_t cost;

	if (beside < 0)
		return beside;
	cost = alloc(machine, operation);
	close(beside);
	return cost;
}

static int64_t heap_alloc(const struct machine *machine, const struct operation *operation)
{
	int64_t begin = now();
	int fd = heap_open_buffer(machine, operation->bytes);

	if (fd < 0)
		return fd;
	close(fd);
	return now() - begin;
}

/* Pages that the page allocator gave out, each of which the kernel clears, and ours. */
static long pages_given(void)
{
	return vmstat("pgalloc_dma") + vmstat("pgalloc_dma32") + vmstat("pgalloc_normal");
}

/* Pages cleared by the module: the trace has the bytes of each call. */
static int64_t pages_cleared(const struct machine *machine, const struct operation *operation)
{
	static char text[65536];
	long given = pages_given(), cleared = 0;
	unsigned long bytes;
	const char *at;
	int fd;

	if (probe_start("ba_caching_clear", "bytes=$arg2:u64"))
		return -ENOENT;
	fd = ours_open_buffer(machine, operation);
	given = pages_given() - given;
	probe_read(text, sizeof(text));
	probe_stop();
	if (fd < 0)
		return fd;
	close(fd);
	for (at = text; (at = strstr(at, "bytes=")); at++)
		if (sscanf(at, "bytes=%lu", &bytes) == 1)
			cleared += bytes / PAGE;
	return given * importer_clears(machine->importer) + cleared;
}

static int64_t pages_of_buffer(const struct machine *machine, const struct operation *operation)
{
	return operation->bytes / PAGE;
}

static void set_close(const struct bufalloc_result *results)
{
	unsigned int i;

	for (i = 0; i < SET; i++)
		close(results[i].fd);
}

static void set_requests(const struct operation *operation, uint32_t flags,
			 struct bufalloc_request *requests)
{
	unsigned int i;

	for (i = 0; i < SET; i++) {
		requests[i] = request_of(operation->bytes, operation->caching);
		requests[i].flags |= flags;
	}
}

static int64_t alloc_batch(const struct machine *machine, const struct operation *operation)
{
	struct bufalloc_request requests[SET];
	struct bufalloc_result results[SET];
	int64_t begin;
	int ret;

	set_requests(operation, 0, requests);
	begin = now();
	ret = bufalloc_alloc_batch(machine->device, requests, results, SET, NULL, NULL);
	if (ret)
		return ret;
	set_close(results);
	return now() - begin;
}

static int64_t alloc_one_by_one(const struct machine *machine, const struct operation *operation)
{
	struct bufalloc_request requests[SET];
	struct bufalloc_result results[SET];
	int64_t begin;
	unsigned int i;
	int ret;

	set_requests(operation, 0, requests);
	begin = now();
	for (i = 0; i < SET; i++) {
		ret = bufalloc_alloc(machine->device, &requests[i], &results[i], NULL);
		if (ret)
			return ret;
	}
	set_close(results);
	return now() - begin;
}

static int64_t commit_cycle(const struct machine *machine, const struct operation *operation)
{
	struct bufalloc_request requests[SET];
	struct bufalloc_result results[SET];
	int fds[SET], ret;
	int64_t begin;
	unsigned int i;

	set_requests(operation, BUFALLOC_ALLOC_DEFERRED, requests);
	begin = now();
	ret = bufalloc_alloc_batch(machine->device, requests, results, SET, NULL, NULL);
	if (ret)
		return ret;
	for (i = 0; i < SET; i++)
		fds[i] = results[i].fd;
	ret = bufalloc_commit(machine->device, fds, SET, NULL, NULL);
	set_close(results);
	return ret ? ret : now() - begin;
}

static int64_t commit_populated(const struct machine *machine, const struct operation *operation)
{
	static int fds[COMMIT_MAX];
	unsigned int i, count;
	int64_t cost = 0;

	for (count = 0; count < COMMIT_MAX; count++) {
		fds[count] = ours_open_buffer(machine, operation);
		if (fds[count] < 0) {
			cost = fds[count];
			break;
		}
	}
	if (!cost) {
		cost = now();
		if (bufalloc_commit(machine->device, fds, COMMIT_MAX, NULL, NULL))
			cost = -EIO;
		else
			cost = now() - cost;
	}
	for (i = 0; i < count; i++)
		close(fds[i]);
	return cost;
}

static int64_t heap_set(const struct machine *machine, const struct operation *operation)
{
	int64_t begin = now();
	int fds[SET];
	unsigned int i;

	for (i = 0; i < SET; i++) {
		fds[i] = heap_open_buffer(machine, operation->bytes);
		if (fds[i] < 0)
			return fds[i];
	}
	for (i = 0; i < SET; i++)
		close(fds[i]);
	return now() - begin;
}

static void touch(const void *address, size_t length)
{
	const volatile unsigned char *at = address;
	size_t offset;

	for (offset = 0; offset < length; offset += PAGE)
		(void)at[offset];
}

/* The figure of a mapping that map_part() returns. */
enum part { MAP_AND_TOUCH,
	    UNMAP,
	    FAULTS };

/* Closes @fd. @map is bufalloc_map(), or mmap(2) for a peer. */
static int64_t map_part(int fd, size_t length, enum part part,
			int (*map)(int fd, size_t length, int prot, void **address))
{
	int64_t begin, mapped, unmapped;
	void *address;
	long faults;
	int ret;

	if (fd < 0)
		return fd;
	faults = minor_faults();
	begin = now();
	ret = map(fd, length, PROT_READ | PROT_WRITE, &address);
	if (!ret)
		touch(address, length);
	mapped = now();
	faults = minor_faults() - faults;
	if (!ret)
		munmap(address, length);
	unmapped = now();
	close(fd);
	if (ret)
		return ret;
	if (part == FAULTS)
		return faults;
	return part == MAP_AND_TOUCH ? mapped - begin : unmapped - mapped;
}

static int map_plainly(int fd, size_t length, int prot, void **address)
{
	*address = mmap(NULL, length, prot, MAP_SHARED, fd, 0);
	return *address == MAP_FAILED ? -errno : 0;
}

static int64_t map_and_touch(const struct machine *machine, const struct operation *operation)
{
	return map_part(ours_open_buffer(machine, operation), operation->bytes, MAP_AND_TOUCH,
			bufalloc_map);
}

static int64_t heap_map_and_touch(const struct machine *machine,
				  const struct operation *operation)
{
	return map_part(heap_open_buffer(machine, operation->bytes), operation->bytes,
			MAP_AND_TOUCH, map_plainly);
}

static int64_t unmap(const struct machine *machine, const struct operation *operation)
{
	return map_part(ours_open_buffer(machine, operation), operation->bytes, UNMAP,
			bufalloc_map);
}

static int64_t heap_unmap(const struct machine *machine, const struct operation *operation)
{
	return map_part(heap_open_buffer(machine, operation->bytes), operation->bytes, UNMAP,
			map_plainly);
}

static int64_t faults(const struct machine *machine, const struct operation *operation)
{
	return map_part(ours_open_buffer(machine, operation), operation->bytes, FAULTS,
			bufalloc_map);
}

static int64_t heap_faults(const struct machine *machine, const struct operation *operation)
{
	return map_part(heap_open_buffer(machine, operation->bytes), operation->bytes, FAULTS,
			map_plainly);
}

/* Closes @fd. */
static int64_t import_fd(const struct machine *machine, int fd)
{
	uint32_t handle;
	int64_t begin;
	int ret;

	if (fd < 0 || machine->vgem < 0)
		return -ENODEV;
	begin = now();
	ret = drmPrimeFDToHandle(machine->vgem, fd, &handle);
	if (!ret)
		drmCloseBufferHandle(machine->vgem, handle);
	begin = now() - begin;
	close(fd);
	return ret ? -EIO : begin;
}

static int64_t import(const struct machine *machine, const struct operation *operation)
{
	return import_fd(machine, ours_open_buffer(machine, operation));
}

static int64_t heap_import(const struct machine *machine, const struct operation *operation)
{
	return import_fd(machine, heap_open_buffer(machine, operation->bytes));
}

static int64_t import_small(const struct machine *machine, const struct operation *operation)
{
	return import_fd(machine, buffer_open(machine->device, PAGE, operation->caching));
}

/* Attach, map, unmap and detach behind the IOMMU. Closes @fd. */
static int64_t attach_fd(const struct machine *machine, int fd)
{
	struct importer_map map;
	int64_t begin;
	int id, ret;

	if (fd < 0 || machine->edu < 0) {
		close(fd);
		return -ENODEV;
	}
	begin = now();
	id = importer_attach(machine->importer, fd, machine->edu);
	ret = id < 0 ? id : importer_map(machine->importer, id, IMPORTER_BIDIRECTIONAL, &map);
	if (!ret)
		importer_unmap(machine->importer, id);
	if (id >= 0)
		importer_detach(machine->importer, id);
	begin = now() - begin;
	close(fd);
	return ret ? ret : begin;
}

static int64_t attach(const struct machine *machine, const struct operation *operation)
{
	return attach_fd(machine, ours_open_buffer(machine, operation));
}

static int64_t heap_attach(const struct machine *machine, const struct operation *operation)
{
	return attach_fd(machine, heap_open_buffer(machine, operation->bytes));
}

/* Closes @fd. */
static int64_t map_again_fd(const struct machine *machine, int fd)
{
	int device = machine->edu < 0 ? IMPORTER_DEVICE_64 : machine->edu;
	struct importer_map map;
	int64_t cost = -EIO;
	unsigned int i;
	int id;

	if (fd < 0)
		return fd;
	id = importer_attach(machine->importer, fd, device);
	for (i = 0; id >= 0 && i < 2; i++) {
		cost = now();
		if (importer_map(machine->importer, id, IMPORTER_BIDIRECTIONAL, &map) ||
		    importer_unmap(machine->importer, id)) {
			cost = -EIO;
			break;
		}
		cost = now() - cost;
	}
	if (id >= 0)
		importer_detach(machine->importer, id);
	close(fd);
	return cost;
}

static int64_t map_again(const struct machine *machine, const struct operation *operation)
{
	return map_again_fd(machine, ours_open_buffer(machine, operation));
}

static int64_t heap_map_again(const struct machine *machine, const struct operation *operation)
{
	return map_again_fd(machine, heap_open_buffer(machine, operation->bytes));
}

static int64_t alloc_beside_many(const struct machine *machine,
				 const struct operation *operation)
{
	static int fds[LIVE];
	unsigned int count = 0;
	int64_t cost = 0;

	for (count = 0; count < LIVE; count++) {
		fds[count] = ours_open_buffer(machine, operation);
		if (fds[count] < 0) {
			cost = fds[count];
			break;
		}
	}
	if (!cost)
		cost = alloc(machine, operation);
	while (count)
		close(fds[--count]);
	return cost;
}

static int64_t slab_of(const struct machine *machine, const struct operation *operation,
		       int (*open)(const struct machine *machine,
				   const struct operation *operation))
{
	static int fds[SLAB_BUFFERS];
	unsigned int i, count;
	long slab = meminfo("Slab");

	for (count = 0; count < SLAB_BUFFERS; count++) {
		fds[count] = open(machine, operation);
		if (fds[count] < 0)
			break;
	}
	slab = meminfo("Slab") - slab;
	for (i = 0; i < count; i++)
		close(fds[i]);
	return count < SLAB_BUFFERS ? -ENOMEM : slab * 1024 / SLAB_BUFFERS;
}

static int heap_open_of(const struct machine *machine, const struct operation *operation)
{
	return heap_open_buffer(machine, operation->bytes);
}

static int64_t slab(const struct machine *machine, const struct operation *operation)
{
	return slab_of(machine, operation, ours_open_buffer);
}

static int64_t heap_slab(const struct machine *machine, const struct operation *operation)
{
	return slab_of(machine, operation, heap_open_of);
}

static int64_t query(const struct machine *machine, const struct operation *operation)
{
	int fd = ours_open_buffer(machine, operation);
	struct bufalloc_query query;
	int64_t begin = now();
	int ret;

	if (fd < 0)
		return fd;
	ret = bufalloc_query(machine->device, fd, &query);
	begin = now() - begin;
	close(fd);
	return ret ? ret : begin;
}

/* Closes @fd. */
static int64_t sync_fd(int fd)
{
	int64_t begin = now();

	if (fd < 0)
		return fd;
	bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW);
	bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW);
	begin = now() - begin;
	close(fd);
	return begin;
}

static int64_t sync_cpu(const struct machine *machine, const struct operation *operation)
{
	return sync_fd(ours_open_buffer(machine, operation));
}

static int64_t heap_sync_cpu(const struct machine *machine, const struct operation *operation)
{
	return sync_fd(heap_open_buffer(machine, operation->bytes));
}

#define HEAP "dma-heap system"
#define ROW(id, name, run, peer, peer_name, bytes, caching, goal, rounds) \
	{ \
		id, name, run, peer, peer_name, bytes, BUFALLOC_CACHING_##caching, goal, 0, rounds \
	}
#define LIMIT(id, name, run, peer, peer_name, bytes, caching, goal, rounds) \
	{ \
		id, name, run, peer, peer_name, bytes, BUFALLOC_CACHING_##caching, goal, 1, rounds \
	}

/* ALLOC + close of each size: the goal where memory was freed before (P1). */
static const struct {
	size_t bytes;
	double goal;
} sizes[] = {
	{ PAGE, 0.95 },
	{ 64 * KIB, 0.45 },
	{ 2 * MIB, 1.0 / 40 },
	{ FRAME_1080_NV12, 1.0 / 60 },
	{ FRAME_1080, 1.0 / 150 },
	{ FRAME_4K, 1.0 / 600 },
};

const unsigned int alloc_operations_count = 2 * 3 * ARRAY_SIZE(sizes);

/* Number @index: of the same client, and of a new one, for each caching of each size. */
struct operation alloc_operation(unsigned int index)
{
	unsigned int caching = index / 2 % 3, size = index / 6;
	struct operation operation = ROW("P1", "alloc + close", alloc, heap_alloc, HEAP,
					 sizes[size].bytes, WC, sizes[size].goal, 15);

	operation.caching = caching;
	if (index % 2) {
		operation.id = "P2";
		operation.name = "alloc + close, new client";
		operation.run = alloc_in_new_client;
		operation.goal = caching == BUFALLOC_CACHING_WC ? 2.5 : 1.0;
	}
	return operation;
}

const struct operation operations[] = {
	/* First: buffers that were freed leave slabs behind. */
	LIMIT("P12", "slab of a buffer, bytes", slab, heap_slab, HEAP, PAGE, WC, 1782, 3),
	ROW("P2", "alloc + close beside another", alloc_beside_another, heap_alloc, HEAP, PAGE,
	    WC, 1.1, 15),
	ROW("P3", "pages cleared", pages_cleared, pages_of_buffer, "pages handed out", FRAME_4K,
	    WC, 1.01, 5),
	ROW("P3", "pages cleared", pages_cleared, pages_of_buffer, "pages handed out", FRAME_4K,
	    COHERENT, 1.01, 5),
	ROW("P3", "pages cleared", pages_cleared, pages_of_buffer, "pages handed out", FRAME_4K,
	    CACHED, 1.01, 5),
	ROW("P3", "pages cleared", pages_cleared, pages_of_buffer, "pages handed out", PAGE, WC,
	    1.01, 5),
	ROW("P4", "64 in a batch + close", alloc_batch, alloc_one_by_one, "64 single calls",
	    64 * KIB, COHERENT, 0.8, 15),
	LIMIT("P5", "mmap + touch", map_and_touch, heap_map_and_touch, HEAP, FRAME_4K, WC,
	      120000, 15),
	LIMIT("P5", "faults of mmap + touch", faults, heap_faults, HEAP, FRAME_4K, WC, 17, 3),
	ROW("P5", "mmap + touch", map_and_touch, heap_map_and_touch, HEAP, 64 * KIB, WC, 1.0, 15),
	ROW("P6", "munmap", unmap, heap_unmap, HEAP, FRAME_4K, WC, 1.0 / 16, 15),
	ROW("P7", "import + unimport, vgem", import, heap_import, HEAP, PAGE, WC, 1.0, 15),
	ROW("P7", "import + unimport, vgem", import, import_small, "ours, 4 KiB", FRAME_4K, WC,
	    1.1, 15),
	ROW("P8", "attach + map + unmap + detach, strict IOMMU", attach, heap_attach, HEAP,
	    FRAME_4K, WC, 0.7, 15),
	LIMIT("P9", "map again + unmap, with two ioctls", map_again, heap_map_again, HEAP,
	      FRAME_4K, WC, 450, 15),
	ROW("P11", "alloc + close beside 8,000", alloc_beside_many, alloc_beside_another,
	    "beside one", PAGE, COHERENT, 1.02, 3),
	LIMIT("COMMIT", "64 buffers, whole cycle", commit_cycle, heap_set, HEAP, 64 * KIB, WC,
	      900000, 15),
	LIMIT("COMMIT", "1,024 buffers that have memory", commit_populated, NULL, "", PAGE,
	      COHERENT, 765000, 5),
	LIMIT("QUERY", "QUERY", query, NULL, "", PAGE, WC, 1202, 15),
	ROW("SYNC", "sync of the CPU, begin + end", sync_cpu, heap_sync_cpu, HEAP, PAGE, WC, 1.1,
	    15),
};

const unsigned int operations_count = ARRAY_SIZE(operations);

// SPDX-License-Identifier: MIT
/* Calls of /dev/bufalloc. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bufalloc.h>

#include "fuzz/calls.h"
#include "fuzz/memory.h"
#include "lib/guest.h"

/* The most bytes of the buffers of one call, because guests are small. */
#define BYTES_MAX (2ULL << 20)
/* The length that long buffers are cut to: populating takes most of the time of a call. */
#define LONG (128ULL << 10)

/* More than a page: the module refuses such a structure. */
#define STRUCT_MAX (PAGE + 256)

union any {
	uint32_t words[STRUCT_MAX / sizeof(uint32_t)];
	struct bufalloc_info info;
	struct bufalloc_heap heap;
	struct bufalloc_alloc alloc;
	struct bufalloc_query query;
	struct bufalloc_commit commit;
	struct bufalloc_sync sync;
	struct bufalloc_advise advise;
};

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Overwrite word number @word, from 1 on; 0: none. */
static void spoil(uint32_t *words, size_t bytes, uint64_t word, uint64_t value)
{
	if (word && word <= bytes / sizeof(*words))
		words[word - 1] = value;
}

/* @args: PLACE, SPOIL, VALUE and LONGER. */
static long call(uint64_t device, unsigned long cmd, union any *any,
		 size_t size, const uint64_t *args)
{
	uint64_t address;

	size += args[3] % (STRUCT_MAX - size);
	any->words[0] = size;
	spoil(any->words, size, args[1], args[2]);
	address = place_put(ROLE_CALL, args[0], any, size);
	return result(ioctl(slot_get(POOL_DEVICE, device), cmd, address));
}

long run_open_device(const uint64_t *args)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY, O_RDWR };
	static const uid_t users[] = { 0, 1000, 1001, 65534 };
	uid_t user = users[args[1] / 4 % 4];
	int fd;

	/* Change the real user ID of this thread only. The thread stays privileged. */
	if (user)
		syscall(SYS_setresuid, user, -1, -1);
	fd = open(args[1] & 16 ? BUFALLOC_DEVICE_CHARGED : BUFALLOC_DEVICE,
		  modes[args[1] % 4] | O_CLOEXEC);
	if (user)
		syscall(SYS_setresuid, 0, -1, -1);
	return slot_put(POOL_DEVICE, args[0], fd);
}

long run_close_device(const uint64_t *args)
{
	return result(close(slot_take(POOL_DEVICE, args[0])));
}

long run_info(const uint64_t *args)
{
	union any any = { 0 };

	return call(args[0], BUFALLOC_IOCTL_INFO, &any, sizeof(any.info),
		    &args[1]);
}

long run_heap(const uint64_t *args)
{
	union any any = { 0 };

	any.heap.index = args[1];
	return call(args[0], BUFALLOC_IOCTL_HEAP, &any, sizeof(any.heap),
		    &args[2]);
}

/* Return: a file descriptor of a pool, or @slot itself, which may be no file descriptor. */
static int file(uint64_t pool, uint64_t slot)
{
	return pool < POOL_FDS ? slot_get(pool, slot) : (int)slot;
}

/* No more bytes are resident than the buffer has, whatever other threads do. */
static void judge(const struct bufalloc_query *query)
{
	if (query->out_resident <= query->out_length)
		return;
	printf("# %llu bytes are resident of %llu\n",
	       (unsigned long long)query->out_resident,
	       (unsigned long long)query->out_length);
	fflush(stdout);
	abort();
}

long run_query(const uint64_t *args)
{
	union any any = { .query.fd = file(args[1], args[2]) };
	long ret;

	ret = call(args[0], BUFALLOC_IOCTL_QUERY, &any, sizeof(any.query),
		   &args[3]);
	/* Judge only an answer at PLACE_PLAIN in a structure that is not spoilt. */
	if (!ret && !args[3] && !args[4] &&
	    memory_copy(&any.query, place_plain(ROLE_CALL), sizeof(any.query)))
		judge(&any.query);
	return ret;
}

long run_advise(const uint64_t *args)
{
	union any any = {
		.advise.fd = file(args[1], args[2]),
		.advise.advice = args[3],
	};

	return call(args[0], BUFALLOC_IOCTL_ADVISE, &any, sizeof(any.advise),
		    &args[4]);
}

long run_sync_part(const uint64_t *args)
{
	union any any = {
		.sync.fd = file(args[1], args[2]),
		.sync.offset = args[3],
		.sync.length = args[4],
		.sync.flags = args[5],
	};

	return call(args[0], BUFALLOC_IOCTL_SYNC, &any, sizeof(any.sync),
		    &args[6]);
}

#define DROP_CACHES "/proc/sys/vm/drop_caches"

/* Let the shrinkers run, as under memory pressure. "4" keeps the kernel from logging it. */
long run_press(const uint64_t *args)
{
	write_string(DROP_CACHES, "4");
	return write_string(DROP_CACHES, "2");
}

/* The first file may be of any pool. Two buffers follow, then the slots after the first. */
static void fds_list(const uint64_t *args, int *fds, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		fds[i] = slot_get(POOL_BUFFER, i < 3 ? args[2 + i] : args[2] + i);
	if (count && args[1] != POOL_BUFFER)
		fds[0] = file(args[1], args[2]);
}

long run_commit(const uint64_t *args)
{
	int fds[BUFALLOC_MAX_BATCH + 1];
	uint64_t count = args[5] < ARRAY_SIZE(fds) ? args[5] : ARRAY_SIZE(fds);
	union any any = { 0 };

	fds_list(args, fds, count);
	any.commit.fds = place_put(ROLE_REQUESTS, args[7], fds,
				   count * sizeof(*fds));
	any.commit.count = args[5];
	return call(args[0], BUFALLOC_IOCTL_COMMIT, &any, sizeof(any.commit),
		    (const uint64_t[]) { args[6], args[8], args[9], args[10] });
}

long run_command(const uint64_t *args)
{
	struct bufalloc_info info = { .size = sizeof(info) };
	uint64_t address = place_put(ROLE_CALL, args[2], &info, sizeof(info));

	return result(ioctl(slot_get(POOL_DEVICE, args[0]), args[1], address));
}

/* Shorten lengths that would take much memory. Lengths that no machine has stay. */
static uint64_t length_for(uint64_t length, uint64_t count)
{
	uint64_t most = BYTES_MAX / (count ? count : 1);

	if (length <= most || length >= 1ULL << 36)
		return length;
	return most < LONG ? most : LONG;
}

/* Each buffer is at least as long as its alignment. Invalid alignments stay. */
static uint64_t alignment_for(uint64_t alignment, uint64_t count)
{
	if (alignment > BUFALLOC_MAX_ALIGNMENT)
		return alignment;
	return alignment * (count ? count : 1) > BYTES_MAX ? PAGE : alignment;
}

/* Return: the number of bytes in @requests. */
static size_t requests_make(const uint64_t *args, unsigned char *requests,
			    size_t stride)
{
	uint32_t count = args[2] <= BUFALLOC_MAX_BATCH ? args[2] : 1;
	struct bufalloc_request request = {
		.length = length_for(args[3], args[2]),
		.caching = args[4],
		.flags = args[5],
		.fd_flags = args[6],
		.heap = args[7],
		.dma_bits = args[8],
		.max_segments = args[16],
		.alignment = alignment_for(args[17], args[2]),
		.padding = length_for(args[18], args[2]),
		.address = args[19],
	};
	uint64_t words = sizeof(struct bufalloc_alloc) / sizeof(uint32_t);
	unsigned char *at = requests;
	uint32_t i;

	for (i = 0; i < count && at + stride <= requests + AREA; i++) {
		memset(at, 0, stride);
		memcpy(at, &request, sizeof(request));
		at += stride;
	}
	if (at > requests && args[12] > words)
		spoil((uint32_t *)(at - stride), stride, args[12] - words,
		      args[13]);
	return at - requests;
}

/* Put the buffers into the slots from args[1] on. A slot closes the buffer that it had. */
static void results_take(const uint64_t *args, uint64_t address, size_t stride)
{
	struct bufalloc_result result;
	uint64_t i;

	for (i = 0; i < args[2] && i < BUFALLOC_MAX_BATCH; i++) {
		if (!memory_copy(&result, (void *)(uintptr_t)(address + i * stride),
				 sizeof(result)))
			return;
		slot_put(POOL_BUFFER, args[1] + i, result.fd);
	}
}

static size_t stride_of(size_t size, uint64_t longer)
{
	return size + (longer % (STRUCT_MAX - size) & ~7UL);
}

long run_alloc(const uint64_t *args)
{
	static __thread unsigned char requests[AREA];
	size_t request_size = stride_of(sizeof(struct bufalloc_request), args[14]);
	size_t result_size = stride_of(sizeof(struct bufalloc_result), args[15]);
	struct bufalloc_alloc alloc = {
		.size = sizeof(alloc),
		.request_size = request_size,
		.result_size = result_size,
		.count = args[2],
	};
	uint64_t address, results;
	size_t bytes;
	int ret;

	bytes = requests_make(args, requests, request_size);
	alloc.requests = place_put(ROLE_REQUESTS, args[10], requests, bytes);
	bytes = args[2] * result_size < AREA ? args[2] * result_size : AREA;
	alloc.results = args[11] ? place_put(ROLE_RESULTS, args[11], requests, bytes) :
				   place_put(ROLE_RESULTS, args[11], requests, 0);
	results = alloc.results;
	spoil((uint32_t *)&alloc, sizeof(alloc), args[12], args[13]);
	address = place_put(ROLE_CALL, args[9], &alloc, sizeof(alloc));
	ret = ioctl(slot_get(POOL_DEVICE, args[0]), BUFALLOC_IOCTL_ALLOC, address);
	if (!ret)
		results_take(args, results, result_size);
	return result(ret);
}

/* @args: device, first slot, count, length, flags of the file descriptors. */
static long alloc_as(const uint64_t *args, uint32_t flags, uint64_t address)
{
	uint64_t all[ARGS_MAX] = {
		[0] = args[0],
		[1] = args[1],
		[2] = args[2],
		[3] = args[3],
		[4] = BUFALLOC_CACHING_CACHED,
		[5] = flags,
		[6] = args[4],
		[7] = BUFALLOC_HEAP_ANY,
		[19] = address,
	};

	return run_alloc(all);
}

/* Requests that random values would seldom make. */
long run_alloc_pageable(const uint64_t *args)
{
	return alloc_as(args, BUFALLOC_ALLOC_PAGEABLE, 0);
}

long run_alloc_user(const uint64_t *args)
{
	return alloc_as(args, BUFALLOC_ALLOC_USER_MEMORY, args[5]);
}

// SPDX-License-Identifier: MIT
/* Query the allocated buffers, and show them. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

/* Query a buffer, and name it. */
int look_at(int device, const struct alloc_options *opts, int fd, struct alloc_result *result)
{
	struct bufalloc_heap heap;
	struct stat stat;
	int ret;

	result->fd = fd;
	if (fstat(fd, &stat))
		return -errno;
	result->inode = stat.st_ino;
	if (opts->name) {
		ret = bufalloc_set_name(fd, opts->name);
		if (ret)
			return ret;
	}
	ret = bufalloc_query(device, fd, &result->query);
	if (ret)
		return ret;
	ret = bufalloc_get_heap(device, result->query.out_heap, &heap);
	if (ret)
		return ret;
	memcpy(result->heap_name, heap.out_name, sizeof(result->heap_name));
	return 0;
}

static void print_results(const struct alloc_options *opts, const struct alloc_result *result)
{
	char human[HUMAN_LEN];
	uint32_t i;

	printf("%6s %3s %8s %12s  %-8s  %-13s  %-12s  %6s  %8s  %-10s  %s\n", "buffer", "fd",
	       "inode", "bytes", "caching", "memory", "heap", "chunks", "segments", "contiguous",
	       "CPU page");
	for (i = 0; i < opts->count; i++, result++)
		printf("%6u %3d %8llu %12llu  %-8s  %-13s  %-12s  %6u  %8u  %-10s  %s\n", i,
		       result->fd, (unsigned long long)result->inode,
		       (unsigned long long)result->query.out_length,
		       bufalloc_caching_string(result->query.out_caching),
		       bufalloc_memtype_string(result->query.out_memtype), result->heap_name,
		       result->query.out_chunks, result->query.out_segments,
		       result->query.out_state & BUFALLOC_STATE_CONTIGUOUS ? "yes" : "no",
		       human_size(human, result->query.out_max_cpu_page));
	result -= opts->count;
	if (!(result->query.out_state & BUFALLOC_STATE_BACKED))
		printf("No memory yet: that comes with the first use, or by: bufalloc commit %d\n",
		       getpid());
	if (result->query.out_caching != opts->request.caching)
		printf("%s is not available here: %s was given.\n",
		       bufalloc_caching_string(opts->request.caching),
		       bufalloc_caching_string(result->query.out_caching));
}

static void json_result(struct json *json, const struct alloc_options *opts,
			const struct alloc_result *result)
{
	json_open(json, NULL, '{');
	json_number(json, "fd", result->fd);
	json_number(json, "inode", result->inode);
	json_number(json, "bytes", result->query.out_length);
	json_string(json, "caching_asked", bufalloc_caching_string(opts->request.caching));
	json_string(json, "caching", bufalloc_caching_string(result->query.out_caching));
	json_string(json, "memtype", bufalloc_memtype_string(result->query.out_memtype));
	json_string(json, "heap", result->heap_name);
	json_number(json, "chunks", result->query.out_chunks);
	json_number(json, "segments", result->query.out_segments);
	json_bool(json, "contiguous", result->query.out_state & BUFALLOC_STATE_CONTIGUOUS);
	json_bool(json, "backed", result->query.out_state & BUFALLOC_STATE_BACKED);
	json_number(json, "max_cpu_page", result->query.out_max_cpu_page);
	if (opts->name)
		json_string(json, "name", opts->name);
	json_close(json, '}');
}

void show_results(const struct alloc_options *opts, const struct alloc_result *result, bool filled)
{
	struct json json = { .out = stdout };
	uint32_t i;

	if (!opts->json) {
		print_results(opts, result);
		if (filled)
			puts("Filled, and reads back the same.");
		return;
	}
	json_open(&json, NULL, '{');
	json_open(&json, "buffers", '[');
	for (i = 0; i < opts->count; i++)
		json_result(&json, opts, &result[i]);
	json_close(&json, ']');
	if (opts->has_fill)
		json_bool(&json, "fill_verified", filled);
	json_close(&json, '}');
}

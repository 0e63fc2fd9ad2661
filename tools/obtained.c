// SPDX-License-Identifier: MIT
/* What was obtained: asked of the kernel, and shown. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

/* Gather what there is to know about a buffer, and name it. */
int look_at(int device, const struct wish *wish, int fd, struct obtained *obtained)
{
	struct bufalloc_heap heap;
	struct stat stat;
	int ret;

	obtained->fd = fd;
	if (fstat(fd, &stat))
		return -errno;
	obtained->inode = stat.st_ino;
	if (wish->name) {
		ret = bufalloc_set_name(fd, wish->name);
		if (ret)
			return ret;
	}
	ret = bufalloc_query(device, fd, &obtained->query);
	if (ret)
		return ret;
	ret = bufalloc_get_heap(device, obtained->query.out_heap, &heap);
	if (ret)
		return ret;
	memcpy(obtained->heap_name, heap.out_name, sizeof(obtained->heap_name));
	return 0;
}

static void print_obtained(const struct wish *wish, const struct obtained *obtained)
{
	char human[HUMAN_LEN];
	uint32_t i;

	printf("%6s %3s %8s %12s  %-8s  %-13s  %-12s  %6s  %8s  %-10s  %s\n", "buffer", "fd",
	       "inode", "bytes", "caching", "memory", "heap", "chunks", "segments", "contiguous",
	       "CPU page");
	for (i = 0; i < wish->count; i++, obtained++)
		printf("%6u %3d %8llu %12llu  %-8s  %-13s  %-12s  %6u  %8u  %-10s  %s\n", i,
		       obtained->fd, (unsigned long long)obtained->inode,
		       (unsigned long long)obtained->query.out_length,
		       bufalloc_caching_string(obtained->query.out_caching),
		       bufalloc_memtype_string(obtained->query.out_memtype), obtained->heap_name,
		       obtained->query.out_chunks, obtained->query.out_segments,
		       obtained->query.out_state & BUFALLOC_STATE_CONTIGUOUS ? "yes" : "no",
		       human_size(human, obtained->query.out_max_cpu_page));
	obtained -= wish->count;
	if (!(obtained->query.out_state & BUFALLOC_STATE_BACKED))
		printf("No memory yet: that comes with the first use, or by: bufalloc commit %d\n",
		       getpid());
	if (obtained->query.out_caching != wish->request.caching)
		printf("%s is not to be had here: %s was given.\n",
		       bufalloc_caching_string(wish->request.caching),
		       bufalloc_caching_string(obtained->query.out_caching));
}

static void json_obtained(struct json *json, const struct wish *wish,
			  const struct obtained *obtained)
{
	json_open(json, NULL, '{');
	json_number(json, "fd", obtained->fd);
	json_number(json, "inode", obtained->inode);
	json_number(json, "bytes", obtained->query.out_length);
	json_string(json, "caching_asked", bufalloc_caching_string(wish->request.caching));
	json_string(json, "caching", bufalloc_caching_string(obtained->query.out_caching));
	json_string(json, "memtype", bufalloc_memtype_string(obtained->query.out_memtype));
	json_string(json, "heap", obtained->heap_name);
	json_number(json, "chunks", obtained->query.out_chunks);
	json_number(json, "segments", obtained->query.out_segments);
	json_bool(json, "contiguous", obtained->query.out_state & BUFALLOC_STATE_CONTIGUOUS);
	json_bool(json, "backed", obtained->query.out_state & BUFALLOC_STATE_BACKED);
	json_number(json, "max_cpu_page", obtained->query.out_max_cpu_page);
	if (wish->name)
		json_string(json, "name", wish->name);
	json_close(json, '}');
}

void show_obtained(const struct wish *wish, const struct obtained *obtained, bool filled)
{
	struct json json = { .out = stdout };
	uint32_t i;

	if (!wish->json) {
		print_obtained(wish, obtained);
		if (filled)
			puts("Filled, and reads back the same.");
		return;
	}
	json_open(&json, NULL, '{');
	json_open(&json, "buffers", '[');
	for (i = 0; i < wish->count; i++)
		json_obtained(&json, wish, &obtained[i]);
	json_close(&json, ']');
	if (wish->has_fill)
		json_bool(&json, "fill_verified", filled);
	json_close(&json, '}');
}

/* SPDX-License-Identifier: MIT */
/* Shared by the files of the verb alloc. */
#ifndef BUFALLOC_TOOL_ALLOC_H
#define BUFALLOC_TOOL_ALLOC_H

#include "tool.h"

/* The options of the command line. */
struct alloc_options {
	struct bufalloc_request request;
	uint32_t count;
	const char *device;
	const char *heap;
	const char *name;
	bool has_caching;
	bool has_fill;
	struct fill fill;
	bool has_hold;
	int64_t hold_seconds;
	bool json;
};

/* One allocated buffer, and what the kernel tells about it. */
struct alloc_result {
	struct bufalloc_query query;
	int fd;
	uint64_t inode;
	char heap_name[BUFALLOC_HEAP_NAME_LEN];
};

/* alloc_options.c: an exit status, or PROCEED: the caller allocates. */
#define PROCEED (-1)
int parse_alloc_options(struct alloc_options *opts, int argc, char **argv);

/* result.c: 0 or a negative errno. */
int look_at(int device, const struct alloc_options *opts, int fd, struct alloc_result *result);
void show_results(const struct alloc_options *opts, const struct alloc_result *result, bool filled);

#endif /* BUFALLOC_TOOL_ALLOC_H */

/* SPDX-License-Identifier: MIT */
/* What the files behind the verb alloc share. */
#ifndef BUFALLOC_TOOL_ALLOC_H
#define BUFALLOC_TOOL_ALLOC_H

#include "tool.h"

/* What the command line asks for. */
struct wish {
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

/* One buffer obtained, and what is known about it. */
struct obtained {
	struct bufalloc_query query;
	int fd;
	uint64_t inode;
	char heap_name[BUFALLOC_HEAP_NAME_LEN];
};

/* wish.c: an exit status, or a negative number when there is something to do. */
#define PROCEED (-1)
int parse_wish(struct wish *wish, int argc, char **argv);

/* obtained.c: 0 or a negative errno. */
int look_at(int device, const struct wish *wish, int fd, struct obtained *obtained);
void show_obtained(const struct wish *wish, const struct obtained *obtained, bool filled);

#endif /* BUFALLOC_TOOL_ALLOC_H */

/* SPDX-License-Identifier: MIT */
/* What the files behind the verbs commit and explain share. */
#ifndef BUFALLOC_TOOL_HOLDER_H
#define BUFALLOC_TOOL_HOLDER_H

#include <sys/types.h>

#include "tool.h"

/*
 * One file descriptor of a buffer: ours now, and the process's own number. Those of one
 * buffer have the same inode.
 */
struct held {
	int fd;
	int number;
	ino_t inode;
	struct bufalloc_query query;
};

struct holder {
	int device;
	uint32_t count;
	uint32_t room;
	struct held *held;
};

/* The @count buffers that are named, or without names all. 0 or a negative errno. */
int holder_open(struct holder *holder, int device, pid_t pid, char **fds, int count);
void holder_close(struct holder *holder);
/* Leave one of each buffer, the first. */
void holder_drop_twins(struct holder *holder);
void holder_trouble(const char *verb, pid_t pid, int err);

/* The command line of such a verb: PID [FD...] and few options. */
struct errand {
	const char *verb;
	const char *help;
	const char *device;
	bool json;
	pid_t pid;
	char **fds;
	int count;
};

/* errand.c: an exit status, or a negative number when there is something to do. */
#define PROCEED (-1)
int parse_errand(struct errand *errand, int argc, char **argv);

/* Open the device and take the buffers; says itself what goes wrong. */
int errand_begin(const struct errand *errand, struct holder *holder);
void errand_end(struct holder *holder);

#endif /* BUFALLOC_TOOL_HOLDER_H */

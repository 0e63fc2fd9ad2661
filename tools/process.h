/* SPDX-License-Identifier: MIT */
/* Shared by the files of the verbs commit and explain. */
#ifndef BUFALLOC_TOOL_PROCESS_H
#define BUFALLOC_TOOL_PROCESS_H

#include <sys/types.h>

#include "tool.h"

/*
 * One file descriptor of a buffer. @fd is our copy; @number is the file descriptor in the process.
 * All file descriptors of one buffer have the same inode.
 */
struct process_buffer {
	int fd;
	int number;
	ino_t inode;
	struct bufalloc_query query;
};

struct process {
	int device;
	uint32_t count;
	uint32_t room;
	struct process_buffer *buffers;
};

/* Take the @count buffers of @fds; 0: all buffers. Return: 0 or a negative errno. */
int process_open(struct process *process, int device, pid_t pid, char **fds, int count);
void process_close(struct process *process);
/* Keep the first file descriptor of each buffer, and close the others. */
void process_drop_twins(struct process *process);
void diagnose_process(const char *verb, pid_t pid, int err);

/* The command line of these verbs: PID [FD...] and options. */
struct target {
	const char *verb;
	const char *help;
	const char *device;
	bool json;
	pid_t pid;
	char **fds;
	int count;
};

/* target.c: an exit status, or PROCEED: the caller runs the verb. */
#define PROCEED (-1)
int parse_target(struct target *target, int argc, char **argv);

/* Open the device and take the buffers; print each error. Return: 0 or a negative errno. */
int target_open(const struct target *target, struct process *process);
void target_close(struct process *process);

#endif /* BUFALLOC_TOOL_PROCESS_H */

// SPDX-License-Identifier: MIT
/* Buffers of another process. pidfd_getfd(2) copies its file descriptors. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"

/* glibc before 2.36 does not have these two functions. */
static int pidfd_open(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

static int pidfd_getfd(int pidfd, int fd)
{
	return syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/* The other process may hold more file descriptors than our soft limit. */
static void allow_many_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int make_room(struct process *process)
{
	uint32_t room = process->room ? 2 * process->room : 64;
	struct process_buffer *buffer;

	if (process->count < process->room)
		return 0;
	buffer = realloc(process->buffers, room * sizeof(*buffer));
	if (!buffer)
		return -ENOMEM;
	process->buffers = buffer;
	process->room = room;
	return 0;
}

/* Return: 1 for a buffer of bufalloc, 0 for another file, or a negative errno. */
static int recognize(struct process *process, int fd, struct process_buffer *buffer)
{
	struct stat stat;
	int ret;

	ret = bufalloc_query(process->device, fd, &buffer->query);
	if (ret)
		return ret == -EINVAL ? 0 : ret;
	if (fstat(fd, &stat))
		return -errno;
	buffer->inode = stat.st_ino;
	return 1;
}

/* Return: as recognize(). */
static int take(struct process *process, int pidfd, int fd)
{
	struct process_buffer *buffer;
	int ret;

	ret = make_room(process);
	if (ret)
		return ret;
	buffer = &process->buffers[process->count];
	buffer->number = fd;
	buffer->fd = pidfd_getfd(pidfd, fd);
	if (buffer->fd < 0)
		return -errno;
	ret = recognize(process, buffer->fd, buffer);
	if (ret == 1)
		process->count++;
	else
		close(buffer->fd);
	return ret;
}

static int take_all(struct process *process, int pidfd, pid_t pid)
{
	struct dirent *entry;
	char path[64], *end;
	int fd, ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (ret >= 0 && (entry = readdir(dir))) {
		fd = strtol(entry->d_name, &end, 10);
		if (end == entry->d_name)
			continue;
		ret = take(process, pidfd, fd);
		/* EBADF: the process has closed the file, or opened the file with O_PATH. */
		if (ret == -EBADF)
			ret = 0;
	}
	closedir(dir);
	return ret < 0 ? ret : 0;
}

static int take_named(struct process *process, int pidfd, char **fds, int count)
{
	uint64_t fd;
	int i, ret;

	for (i = 0; i < count; i++) {
		if (!parse_number(fds[i], INT32_MAX, &fd))
			return -EBADF;
		ret = take(process, pidfd, fd);
		if (ret <= 0) {
			fprintf(stderr, "bufalloc: file descriptor %s of it: %s\n", fds[i],
				ret ? strerror(-ret) : "not a buffer of bufalloc");
			return ret ? ret : -EINVAL;
		}
	}
	return 0;
}

int process_open(struct process *process, int device, pid_t pid, char **fds, int count)
{
	int pidfd = pidfd_open(pid);
	int ret;

	*process = (struct process) { .device = device };
	if (pidfd < 0)
		return -errno;
	allow_many_fds();
	ret = count ? take_named(process, pidfd, fds, count) : take_all(process, pidfd, pid);
	close(pidfd);
	if (ret)
		process_close(process);
	return ret;
}

void process_close(struct process *process)
{
	while (process->count)
		close(process->buffers[--process->count].fd);
	free(process->buffers);
	process->buffers = NULL;
}

static bool has_buffer(const struct process *process, ino_t inode)
{
	uint32_t i;

	for (i = 0; i < process->count; i++)
		if (process->buffers[i].inode == inode)
			return true;
	return false;
}

void process_drop_twins(struct process *process)
{
	uint32_t i, all = process->count;

	process->count = 0;
	for (i = 0; i < all; i++) {
		if (has_buffer(process, process->buffers[i].inode))
			close(process->buffers[i].fd);
		else
			process->buffers[process->count++] = process->buffers[i];
	}
}

void diagnose_process(const char *verb, pid_t pid, int err)
{
	fflush(stdout);
	fprintf(stderr, "bufalloc %s: cannot look into process %d: %s\n", verb, pid, strerror(err));
	switch (err) {
	case ESRCH:
		fputs("  There is no such process.\n", stderr);
		break;
	case EPERM:
	case EACCES:
		fputs("  It takes the right to trace it: be that user, or root (sudo).\n", stderr);
		break;
	case EMFILE:
		fputs("  It holds more than this may: raise the limit with \"ulimit -n\".\n",
		      stderr);
		break;
	case ENOSYS:
		fputs("  This takes Linux 5.6 or later.\n", stderr);
		break;
	}
}

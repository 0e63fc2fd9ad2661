// SPDX-License-Identifier: MIT
/* Buffers that another process holds: taken from it by pidfd_getfd(2). */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "holder.h"

/* The C library has no names for them before glibc 2.36. */
static int pidfd_open(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

static int pidfd_getfd(int pidfd, int fd)
{
	return syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/* It is told apart from other dma-bufs by asking. 1, 0 or a negative errno. */
static int take(struct holder *holder, int pidfd, int fd)
{
	struct held *held = &holder->held[holder->count];
	int ours, ret;

	if (holder->count == ARRAY_SIZE(holder->held))
		return -E2BIG;
	ours = pidfd_getfd(pidfd, fd);
	if (ours < 0)
		return -errno;
	ret = bufalloc_query(holder->device, ours, &held->query);
	if (ret) {
		close(ours);
		return ret == -EINVAL ? 0 : ret;
	}
	held->fd = ours;
	held->number = fd;
	holder->count++;
	return 1;
}

static int take_all(struct holder *holder, int pidfd, pid_t pid)
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
		ret = take(holder, pidfd, fd);
		/* It was closed meanwhile, or is no file to look into. */
		if (ret == -EBADF)
			ret = 0;
	}
	closedir(dir);
	return ret < 0 ? ret : 0;
}

static int take_named(struct holder *holder, int pidfd, char **fds, int count)
{
	uint64_t fd;
	int i, ret;

	for (i = 0; i < count; i++) {
		if (!parse_number(fds[i], INT32_MAX, &fd))
			return -EBADF;
		ret = take(holder, pidfd, fd);
		if (ret <= 0) {
			fprintf(stderr, "bufalloc: file descriptor %s of it: %s\n", fds[i],
				ret ? strerror(-ret) : "not a buffer of bufalloc");
			return ret ? ret : -EINVAL;
		}
	}
	return 0;
}

int holder_open(struct holder *holder, int device, pid_t pid, char **fds, int count)
{
	int pidfd = pidfd_open(pid);
	int ret;

	holder->device = device;
	holder->count = 0;
	if (pidfd < 0)
		return -errno;
	ret = count ? take_named(holder, pidfd, fds, count) : take_all(holder, pidfd, pid);
	close(pidfd);
	if (ret)
		holder_close(holder);
	return ret;
}

void holder_close(struct holder *holder)
{
	while (holder->count)
		close(holder->held[--holder->count].fd);
}

void holder_trouble(const char *verb, pid_t pid, int err)
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
	case ENOSYS:
		fputs("  This takes Linux 5.6 or later.\n", stderr);
		break;
	}
}

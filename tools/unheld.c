// SPDX-License-Identifier: MIT
/* Count the buffers of which no process has a file descriptor or a mapping. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define PATH_LEN 64
#define TRIES 3

/* The inodes of all buffers that were found. An inode can be there several times. */
struct held {
	uint64_t *inodes;
	size_t count;
	size_t room;
};

static int add(struct held *held, uint64_t inode)
{
	size_t room = held->room ? 2 * held->room : 256;
	uint64_t *inodes;

	if (held->count == held->room) {
		inodes = realloc(held->inodes, room * sizeof(*inodes));
		if (!inodes)
			return -ENOMEM;
		held->inodes = inodes;
		held->room = room;
	}
	held->inodes[held->count++] = inode;
	return 0;
}

/* Whether the file descriptor is a dma-buf that bufalloc has exported. */
static bool is_ours(const char *pid, const char *fd)
{
	char path[PATH_LEN + 600], line[128];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strcmp(line, "exp_name:\tbufalloc\n");
	fclose(file);
	return found;
}

static bool is_number(const char *name)
{
	return name[0] && strspn(name, "0123456789") == strlen(name);
}

static int add_fds(struct held *held, const char *pid)
{
	char path[PATH_LEN + 300];
	struct dirent *entry;
	struct stat stat;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	/* A process that has ended holds nothing. */
	if (!dir)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	while (!ret && (entry = readdir(dir)))
		if (is_number(entry->d_name) && is_ours(pid, entry->d_name) &&
		    !fstatat(dirfd(dir), entry->d_name, &stat, 0))
			ret = add(held, stat.st_ino);
	closedir(dir);
	return ret;
}

/*
 * A mapping does not tell its exporter, so a dma-buf of another exporter counts as well. A mapping
 * of a pageable buffer shows the shmem file of the pages, whose inode is not the dma-buf's. So the
 * number of held buffers can be too high, and the number of unheld buffers too low.
 */
static int add_mappings(struct held *held, const char *pid)
{
	char path[PATH_LEN + 300], line[600];
	uint64_t inode;
	int ret = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	while (!ret && fgets(line, sizeof(line), file))
		if ((strstr(line, "/dmabuf:") || strstr(line, "/bufalloc (deleted)")) &&
		    sscanf(line, "%*s %*s %*s %*s %" SCNu64, &inode) == 1)
			ret = add(held, inode);
	fclose(file);
	return ret;
}

static int find_held(struct held *held)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		if (!is_number(entry->d_name))
			continue;
		ret = add_fds(held, entry->d_name);
		if (!ret)
			ret = add_mappings(held, entry->d_name);
	}
	closedir(dir);
	return ret;
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

static uint64_t count_once(struct held *held)
{
	uint64_t count = 0;
	size_t i;

	if (!held->count)
		return 0;
	qsort(held->inodes, held->count, sizeof(*held->inodes), compare);
	for (i = 0; i < held->count; i++)
		count += !i || held->inodes[i] != held->inodes[i - 1];
	return count;
}

static int count_held(uint64_t *count)
{
	struct held held = { 0 };
	int ret = find_held(&held);

	*count = count_once(&held);
	free(held.inodes);
	return ret;
}

int count_unheld(int device, uint64_t *unheld)
{
	struct bufalloc_info before, after;
	uint64_t held;
	int ret, tries;

	for (tries = 0; tries < TRIES; tries++) {
		ret = bufalloc_get_info(device, &before);
		if (!ret)
			ret = count_held(&held);
		if (!ret)
			ret = bufalloc_get_info(device, &after);
		if (ret)
			return ret;
		if (before.out_system_buffers != after.out_system_buffers)
			continue;
		*unheld = after.out_system_buffers > held ? after.out_system_buffers - held : 0;
		return 0;
	}
	return -EAGAIN;
}

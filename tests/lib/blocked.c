// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blocked.h"

bool blocked_is_in(pid_t child, const char *function)
{
	char path[32], text[4096];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	return strstr(text, function);
}

static bool waits(pid_t child)
{
	char path[32], text[256] = "";
	const char *name;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	name = strrchr(text, ')');
	return name && !strncmp(name, ") D", 3);
}

bool blocked_ends(pid_t child, const char *function, int *status)
{
	int there = 0;

	while (!waitpid(child, status, WNOHANG)) {
		there = blocked_is_in(child, function) && waits(child) ? there + 1 : 0;
		if (there == 200)
			return false;
		usleep(1000);
	}
	return true;
}

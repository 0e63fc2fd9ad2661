// SPDX-License-Identifier: MIT
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/guest.h"
#include "lib/nobody.h"

#define NOBODY 65534

int become_nobody(void)
{
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* Else its own files in /proc are root's. */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) ? -errno : 0;
}

#define FILES_MOST "/proc/sys/fs/file-max"

static int limit_files(long most)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", most);
	return write_string(FILES_MOST, text);
}

/* Stopped until the limit is as low as it shall be. */
static pid_t start_nobody(bool (*look)(void *data), void *data)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (become_nobody())
			_exit(2);
		raise(SIGSTOP);
		_exit(look(data) ? 0 : 1);
	}
	if (child > 0 && (waitpid(child, &status, WUNTRACED) != child ||
			  !WIFSTOPPED(status)))
		return -1;
	return child;
}

int nobody_without_files(bool (*look)(void *data), void *data)
{
	long before = read_number(FILES_MOST);
	pid_t child = start_nobody(look, data);
	int ret, status;

	if (child < 0)
		return -ECHILD;
	/* None: how many there are, file-nr says to within some of each processor's. */
	ret = limit_files(0);
	kill(child, SIGCONT);
	if (waitpid(child, &status, 0) != child)
		ret = -ECHILD;
	if (limit_files(before))
		ret = -EIO;
	if (ret)
		return ret;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

long status_number(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long number = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			number = strtol(line + strlen(name) + 1, NULL, 10);
	if (file)
		fclose(file);
	return number;
}

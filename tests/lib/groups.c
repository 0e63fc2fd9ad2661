// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/groups.h"
#include "lib/guest.h"

void group_controls(const char *change)
{
	write_string(GROUPS "/cgroup.subtree_control", change);
}

int group_remove(const char *group)
{
	int tries;

	for (tries = 0; tries < 3000; tries++) {
		if (!rmdir(group))
			return 0;
		if (errno != EBUSY)
			break;
		usleep(10000);
	}
	return -errno;
}

int group_make(const char *group)
{
	int ret = group_remove(group);

	if (ret && ret != -ENOENT)
		return ret;
	return mkdir(group, 0755) ? -errno : 0;
}

int group_enter(const char *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	return write_string(path, "0");
}

long group_held(const char *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	return read_number(path);
}

bool has_ended(pid_t child)
{
	siginfo_t info = {};

	return !waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == child;
}

bool group_exceeds(const char *group, long bytes, pid_t child)
{
	while (group_held(group) <= bytes)
		if (has_ended(child))
			return false;
	return true;
}

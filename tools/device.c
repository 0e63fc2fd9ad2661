// SPDX-License-Identifier: MIT
/* The device: the default path, and a check that a device is bufalloc's. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tool.h"

const char *default_device(void)
{
	if (access(BUFALLOC_DEVICE, R_OK | W_OK) &&
	    (errno == EACCES || errno == ENOENT) &&
	    !access(BUFALLOC_DEVICE_CHARGED, R_OK | W_OK))
		return BUFALLOC_DEVICE_CHARGED;
	return BUFALLOC_DEVICE;
}

/*
 * Compare the kernel's name of the device: a path can have any name. Do not try an ioctl: another
 * driver may take the ioctl for its own, and return any error. Without sysfs the answer is yes.
 */
static bool is_bufalloc(int fd)
{
	char path[64], line[128];
	bool answer = true;
	struct stat stat;
	FILE *uevent;

	if (fstat(fd, &stat) || !S_ISCHR(stat.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/uevent", major(stat.st_rdev),
		 minor(stat.st_rdev));
	uevent = fopen(path, "re");
	if (!uevent)
		return true;
	while (fgets(line, sizeof(line), uevent))
		if (!strncmp(line, "DEVNAME=", 8))
			answer = !strncmp(line + 8, "bufalloc", 8);
	fclose(uevent);
	return answer;
}

int open_device(const char *path)
{
	int device = bufalloc_open(path);

	if (device < 0 || is_bufalloc(device))
		return device;
	bufalloc_close(device);
	return -ENOTTY;
}

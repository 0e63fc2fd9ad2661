// SPDX-License-Identifier: MIT
/* The one place where the library enters the kernel, and errno ends. */
#include <errno.h>
#include <sys/ioctl.h>

#include "ioctl.h"

int bufalloc_ioctl(int fd, unsigned long command, void *argument)
{
	return ioctl(fd, command, argument) < 0 ? -errno : 0;
}

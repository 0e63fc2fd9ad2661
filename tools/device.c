// SPDX-License-Identifier: MIT
/* Which device is meant where none is named, as bufalloc_open() decides it. */
#include <errno.h>
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

/* SPDX-License-Identifier: MIT */
/* How the rooms of this library reach the kernel. */
#ifndef BUFALLOC_LIB_IOCTL_H
#define BUFALLOC_LIB_IOCTL_H

/* Returns 0 or a negative errno. The only ioctl() of the library. */
int bufalloc_ioctl(int fd, unsigned long command, void *argument);

#endif /* BUFALLOC_LIB_IOCTL_H */

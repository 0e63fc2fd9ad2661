// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <unistd.h>

#include <linux/fs.h>

#include "lib/swap.h"

#define DISK "/dev/ram0"
#define PAGE 4096

/* The first page of a swap device, as mkswap(8) writes it. */
struct header {
	char boot[1024];
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
	char rest[PAGE - 1024 - 3 * 4 - 10];
	char magic[10];
};

_Static_assert(sizeof(struct header) == PAGE, "a page");

static int header_write(void)
{
	struct header header = { .version = 1 };
	unsigned long long bytes;
	int disk = open(DISK, O_RDWR | O_CLOEXEC);
	int ret = 0;

	if (disk < 0)
		return -errno;
	if (ioctl(disk, BLKGETSIZE64, &bytes)) {
		ret = -errno;
	} else {
		header.last_page = bytes / PAGE - 1;
		memcpy(header.magic, "SWAPSPACE2", sizeof(header.magic));
		if (pwrite(disk, &header, sizeof(header), 0) != sizeof(header) ||
		    fsync(disk))
			ret = -EIO;
	}
	close(disk);
	return ret;
}

int swap_start(void)
{
	int ret;

	swapoff(DISK);
	ret = header_write();
	if (!ret && swapon(DISK, 0))
		ret = -errno;
	return ret;
}

int swap_stop(void)
{
	return swapoff(DISK) ? -errno : 0;
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/guest.h"
#include "lib/limits.h"

#define PARAMETERS "/sys/module/bufalloc/parameters/"

static struct {
	const char *path;
	const char *lifted;
	char before[32];
} limits[] = {
	{ .path = PARAMETERS "user_bytes_max", .lifted = "9000000000000000000" },
	{ .path = PARAMETERS "system_bytes_max", .lifted = "9000000000000000000" },
	{ .path = PARAMETERS "user_buffers_max", .lifted = "1000000000" },
	{ .path = PARAMETERS "system_buffers_max", .lifted = "1000000000" },
};

#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static int read_word(const char *path, char *word, int size)
{
	FILE *file = fopen(path, "re");
	int ret = 0;

	if (!file)
		return -errno;
	if (!fgets(word, size, file))
		ret = -EIO;
	fclose(file);
	return ret;
}

int limits_lift(void)
{
	size_t i;
	int ret;

	for (i = 0; i < LIMITS; i++) {
		if (access(limits[i].path, F_OK))
			continue;
		ret = read_word(limits[i].path, limits[i].before,
				sizeof(limits[i].before));
		if (!ret)
			ret = write_string(limits[i].path, limits[i].lifted);
		if (ret)
			return ret;
	}
	return 0;
}

int limits_restore(void)
{
	size_t i;
	int ret;

	for (i = 0; i < LIMITS; i++) {
		if (!limits[i].before[0])
			continue;
		ret = write_string(limits[i].path, limits[i].before);
		if (ret)
			return ret;
		limits[i].before[0] = '\0';
	}
	return 0;
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "lib/guest.h"
#include "lib/quotas.h"

#define PARAMETERS "/sys/module/bufalloc/parameters/"

static const char *const files[QUOTAS] = {
	[USER_BYTES] = PARAMETERS "user_bytes_max",
	[USER_BUFFERS] = PARAMETERS "user_buffers_max",
	[SYSTEM_BYTES] = PARAMETERS "system_bytes_max",
	[SYSTEM_BUFFERS] = PARAMETERS "system_buffers_max",
};

static int limit_read(const char *path, unsigned long long *value)
{
	FILE *file = fopen(path, "re");
	int count;

	if (!file)
		return -errno;
	count = fscanf(file, "%llu", value);
	fclose(file);
	return count == 1 ? 0 : -EINVAL;
}

static int limit_write(const char *path, unsigned long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	return write_string(path, text);
}

int quotas_read(struct quotas *quotas)
{
	int i, ret = 0;

	for (i = 0; i < QUOTAS && !ret; i++)
		ret = limit_read(files[i], &quotas->max[i]);
	return ret;
}

int quotas_write(const struct quotas *quotas)
{
	int i, ret = 0;

	for (i = 0; i < QUOTAS && !ret; i++)
		ret = limit_write(files[i], quotas->max[i]);
	return ret;
}

int quotas_lift(struct quotas *before)
{
	struct quotas none;
	int i, ret;

	for (i = 0; i < QUOTAS; i++)
		none.max[i] = ULLONG_MAX;
	ret = quotas_read(before);
	return ret ? ret : quotas_write(&none);
}

// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fuzz/calls.h"
#include "fuzz/quota.h"
#include "lib/guest.h"

static const char *const paths[] = {
	"/sys/module/bufalloc/parameters/user_bytes_max",
	"/sys/module/bufalloc/parameters/user_buffers_max",
	"/sys/module/bufalloc/parameters/system_bytes_max",
	"/sys/module/bufalloc/parameters/system_buffers_max",
};

static long noted[ARRAY_SIZE(paths)];
static atomic_bool changed;

static int quota_set(unsigned int which, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return write_string(paths[which], text);
}

void quotas_note(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		noted[i] = read_number(paths[i]);
}

void quotas_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		quota_set(i, noted[i]);
	changed = false;
}

void quotas_restore_changed(void)
{
	if (changed)
		quotas_restore();
}

long run_quota(const uint64_t *args)
{
	changed = true;
	return quota_set(args[0] % ARRAY_SIZE(paths), args[1]);
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/health.h"
#include "fuzz/random.h"
#include "lib/guest.h"

static int log_file = -1;

int health_begin(void)
{
	log_file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_file < 0 || lseek(log_file, 0, SEEK_END) < 0)
		return -errno;
	return 0;
}

static bool is_complaint(const char *record)
{
	static const char *const words[] = {
		"WARNING:",
		"BUG:",
		"UBSAN:",
		"KASAN:",
		"Oops",
		"DMA-API:",
		"general protection",
		"Call Trace",
		"Call trace",
		"INFO: task",
		"list_add corruption",
		"list_del corruption",
		"refcount_t:",
		"bufalloc:",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(record, words[i]))
			return true;
	return false;
}

/* A reader that is too slow misses records, and is told so once. */
bool health_log_is_clean(void)
{
	char record[8193];
	bool clean = true;
	ssize_t length;

	for (;;) {
		length = read(log_file, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return clean;
		record[length] = '\0';
		if (!is_complaint(record))
			continue;
		record[strcspn(record, "\n")] = '\0';
		printf("# kernel: %s\n", record);
		fflush(stdout);
		clean = false;
	}
}

bool health_nothing_lives(void)
{
	int tries;

	for (tries = 0; tries < 500; tries++) {
		if (!live_buffers() && !live_bytes())
			return true;
		usleep(20000);
	}
	printf("# %ld buffers and %ld bytes are live\n", live_buffers(),
	       live_bytes());
	fflush(stdout);
	return false;
}

long health_memory(void)
{
	return meminfo("MemAvailable");
}

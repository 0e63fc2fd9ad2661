// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/health.h"
#include "fuzz/random.h"
#include "lib/guest.h"

/* The counters of live buffers and bytes. The fuzzer reads them after each program. */
static const char *const paths[] = {
	"/sys/class/misc/bufalloc/live_buffers",
	"/sys/class/misc/bufalloc/live_bytes",
};

static int log_file = -1;
static int counters[ARRAY_SIZE(paths)] = { -1, -1 };

/* Return: the value, or -1 if it cannot be read. */
static long counter(unsigned int which)
{
	char text[32] = "";

	if (counters[which] < 0)
		counters[which] = open(paths[which], O_RDONLY | O_CLOEXEC);
	if (pread(counters[which], text, sizeof(text) - 1, 0) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}

static bool nothing_lives(void)
{
	return !counter(0) && !counter(1);
}

int health_begin(void)
{
	/* Open the counters, for the children as well. */
	nothing_lives();
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

/*
 * Ignore a complaint about vivid. On a slow machine vivid computes a negative timeout, because
 * vivid reads the time twice. The kernel prints a call trace, whose lines tell whether it is
 * vivid's.
 */
static bool is_of_vivid(const char *record, bool *complaint)
{
	static bool inside, vivid;

	*complaint = false;
	if (strstr(record, "schedule_timeout: wrong timeout value")) {
		inside = true;
		vivid = false;
		return true;
	}
	if (!inside)
		return false;
	if (strstr(record, " vivid_thread_"))
		vivid = true;
	if (strstr(record, " ret_from_fork")) {
		inside = false;
		*complaint = !vivid;
	}
	return true;
}

/* EPIPE: the reader was too slow, and has missed records. Go on with the next record. */
bool health_log_is_clean(void)
{
	char record[8193];
	bool clean = true, complaint;
	ssize_t length;

	for (;;) {
		length = read(log_file, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return clean;
		record[length] = '\0';
		if (!is_of_vivid(record, &complaint))
			complaint = is_complaint(record);
		if (!complaint)
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

	for (tries = 0; tries < 10000; tries++) {
		if (nothing_lives())
			return true;
		usleep(1000);
	}
	printf("# %ld buffers and %ld bytes are live\n", counter(0), counter(1));
	fflush(stdout);
	return false;
}

long health_memory(void)
{
	return meminfo("MemAvailable");
}

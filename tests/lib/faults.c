// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/faults.h"
#include "lib/guest.h"
#include "lib/patience.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define DEBUGFS "/sys/kernel/debug/"

/* Of each thread, since the file is. */
static __thread int control = -1;

bool faults_exist(void)
{
	return !access(FAIL_NTH, F_OK);
}

struct setting {
	const char *path;
	const char *value;
};

/* By themselves they leave out all that may sleep, which is nearly all. */
static const struct setting settings[] = {
	{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "failslab/task-filter", "Y" },
	{ DEBUGFS "failslab/verbose", "0" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ DEBUGFS "fail_page_alloc/task-filter", "Y" },
	{ DEBUGFS "fail_page_alloc/verbose", "0" },
	{},
};

#define CACHES "/sys/kernel/slab/"

/* Of pages none are so many, and of caches none is marked for it. */
static const struct setting choices[][3] = {
	[FAULTS_OF_OBJECTS] = {
		{ DEBUGFS "failslab/cache-filter", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "20" },
	},
	[FAULTS_OF_PAGES] = {
		{ DEBUGFS "failslab/cache-filter", "Y" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
	},
};

static int set_all(const struct setting *setting)
{
	int ret = 0;

	for (; setting->path && !ret; setting++)
		ret = write_string(setting->path, setting->value);
	return ret;
}

/*
 * Mark all caches of objects, or none, but that of the trees in which the debugging of
 * the DMA API looks for overlaps: it ends for good when it gets no node.
 */
static int mark_caches(bool marked)
{
	struct dirent *entry;
	char path[512];
	int ret = 0;
	DIR *dir;

	dir = opendir(CACHES);
	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !strcmp(entry->d_name, "radix_tree_node"))
			continue;
		snprintf(path, sizeof(path), CACHES "%s/failslab",
			 entry->d_name);
		ret = write_string(path, marked ? "1" : "0");
	}
	closedir(dir);
	return ret;
}

int faults_choose(enum faults_of of)
{
	int ret;

	/* Only there no two caches are one, which could not be marked. */
	if (is_watched()) {
		ret = mark_caches(of == FAULTS_OF_OBJECTS);
		if (!ret)
			ret = set_all(choices[of]);
		if (!ret)
			ret = write_string(DEBUGFS "failslab/cache-filter", "Y");
		return ret;
	}
	return set_all(choices[of]);
}

int faults_open(void)
{
	int ret = set_all(settings);

	if (ret)
		return ret;
	control = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	return control < 0 ? -errno : 0;
}

void faults_close(void)
{
	close(control);
	control = -1;
}

/* A test that cannot say what it injects must not go on. */
static void control_broken(const char *what)
{
	perror(what);
	abort();
}

void faults_arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(control, text, length, 0) != length)
		control_broken("write " FAIL_NTH);
}

unsigned int faults_disarm(void)
{
	char text[16] = "";

	/* Neither of the two allocates anything. */
	if (pread(control, text, sizeof(text) - 1, 0) <= 0)
		control_broken("read " FAIL_NTH);
	faults_arm(0);
	return strtoul(text, NULL, 10);
}

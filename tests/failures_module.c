// SPDX-License-Identifier: MIT
/*
 * Every failure path of loading the module: see failures.c. It is gone meanwhile,
 * and back for what runs afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bufalloc.h>

#include "kselftest_harness.h"
#include "lib/faults.h"
#include "lib/sweep.h"

#define MODULE "/modules/bufalloc.ko"

struct load {
	void *image;
	size_t size;
	char options[512];
	uint32_t heaps;
	/* What a failed load left, or a load that succeeded lacks. */
	const char *left;
};

FIXTURE(module)
{
	struct load load;
};

/* As the module was loaded at the start: from the kernel's command line. */
static void options_read(char *options, size_t size)
{
	static const char prefix[] = "bufalloc.";
	FILE *file = fopen("/proc/cmdline", "re");
	char line[4096] = "", *word, *rest = line;
	size_t length = 0;

	options[0] = '\0';
	if (!file)
		return;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	while ((word = strsep(&rest, "\n ")) && length < size)
		if (!strncmp(word, prefix, strlen(prefix)))
			length += snprintf(options + length, size - length,
					   "%s ", word + strlen(prefix));
}

static int image_read(struct load *load)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	struct stat file;

	if (fd < 0 || fstat(fd, &file))
		return -errno;
	load->size = file.st_size;
	load->image = mmap(NULL, load->size, PROT_READ,
			   MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	return load->image == MAP_FAILED ? -errno : 0;
}

/*
 * From memory: reading the file into the kernel's would complain in the log when
 * there is none.
 */
static int run_load(void *of)
{
	struct load *load = of;

	return syscall(SYS_init_module, load->image, load->size,
		       load->options) ?
		       -errno :
		       0;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "bufalloc", O_NONBLOCK) ? -errno : 0;
}

static uint32_t heaps_told(void)
{
	int device = bufalloc_open(NULL);
	struct bufalloc_info info = { 0 };

	if (device < 0)
		return 0;
	bufalloc_get_info(device, &info);
	bufalloc_close(device);
	return info.out_heaps;
}

/* Whole, or not at all. */
static void undo_load(void *of)
{
	struct load *load = of;

	if (heaps_told() != load->heaps)
		load->left = "not all heaps";
	if (unload())
		load->left = "a module that does not unload";
}

static void finish_load(void *of)
{
	static const char *const paths[] = {
		"/dev/bufalloc",
		"/sys/module/bufalloc",
		"/sys/class/misc/bufalloc",
		"/sys/bus/platform/devices/bufalloc-heap.0",
		"/sys/bus/platform/devices/bufalloc-heap.1",
		"/sys/bus/platform/drivers/bufalloc-heap",
		"/sys/bus/platform/drivers/bufalloc-node",
		"/sys/kernel/debug/bufalloc",
	};
	struct load *load = of;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], F_OK))
			load->left = paths[i];
}

FIXTURE_SETUP(module)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	self->load.left = "";
	ASSERT_EQ(0, faults_open());
	ASSERT_EQ(0, image_read(&self->load));
	options_read(self->load.options, sizeof(self->load.options));
	self->load.heaps = heaps_told();
	ASSERT_LE(1, self->load.heaps);
	ASSERT_EQ(0, unload());
}

FIXTURE_TEARDOWN(module)
{
	EXPECT_STREQ("", self->load.left);
	EXPECT_EQ(0, run_load(&self->load));
	EXPECT_EQ(self->load.heaps, heaps_told());
	munmap(self->load.image, self->load.size);
	faults_close();
}

TEST_F_TIMEOUT(module, load, PATIENCE)
{
	/* There the first and a sample: each heap does the same as the one before. */
	const struct operation operation = {
		.name = "module-load",
		.most = is_watched() ? 120 : 0,
		.run = run_load,
		.undo = undo_load,
		.finish = finish_load,
		/*
		 * The kernel calls it EINVAL where a driver gets no directory in
		 * that of its module, and does not tell why a probe failed.
		 */
		.errors = { ENOMEM, EINVAL, ENODEV },
		.once = true,
	};

	SWEEP(&operation, &self->load, -1);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz/reload.h"
#include "lib/faults.h"

/* Let only each third allocation of a load fail, one for each load: a load takes long. */
#define NTH_STEP 3

/* Ten tries in a second. */
#define UNLOAD_TRIES 600

/**
 * struct image - the file of a module
 * @name: name of the module.
 * @path: path of the file.
 * @bytes: content of the file, in memory: the kernel complains if it cannot read a file.
 * @size: bytes of the file.
 */
struct image {
	const char *name;
	const char *path;
	void *bytes;
	size_t size;
};

static int image_read(struct image *image)
{
	int fd = open(image->path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		ret = -errno;
	image->size = ret ? 0 : status.st_size;
	image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
			    fd, 0);
	if (!ret && image->bytes == MAP_FAILED)
		ret = -errno;
	close(fd);
	return ret;
}

static int load(const struct image *image)
{
	return syscall(SYS_init_module, image->bytes, image->size, "") ? -errno : 0;
}

/* Try again: files in messages without a receiver are closed a little later. */
static int unload(const struct image *image)
{
	int tries, ret = -EAGAIN;

	for (tries = 0; tries < UNLOAD_TRIES && ret == -EAGAIN; tries++) {
		if (tries)
			usleep(100 * 1000);
		ret = syscall(SYS_delete_module, image->name, O_NONBLOCK) ? -errno : 0;
	}
	return ret;
}

/* The places have other addresses after each load. */
static int load_traced(struct coverage *coverage, const struct image *image)
{
	int ret;

	coverage_begin(0);
	ret = load(image);
	if (ret)
		return ret;
	coverage_find(coverage);
	coverage_collect(coverage, 1);
	return 0;
}

static int unload_traced(struct coverage *coverage, const struct image *image)
{
	int ret;

	coverage_begin(0);
	ret = unload(image);
	coverage_collect(coverage, 1);
	return ret;
}

/*
 * A failed load leaves no sections in sysfs, so the addresses of its places are unknown. The kernel
 * mostly loads the module at the same address again. Otherwise no place is counted.
 */
static int load_failing(struct coverage *coverage, const struct image *image)
{
	unsigned int nth, left = 0;
	int ret = 0;

	for (nth = 1; !left && !ret; nth += NTH_STEP) {
		coverage_begin(0);
		faults_arm(nth);
		ret = load(image);
		left = faults_disarm();
		coverage_collect(coverage, 1);
		ret = ret ? 0 : unload(image);
	}
	return ret;
}

static int reload_failing(struct coverage *coverage, const struct image *image)
{
	int ret;

	if (!faults_exist())
		return 0;
	ret = faults_open();
	if (!ret)
		ret = faults_choose(FAULTS_OF_OBJECTS);
	if (!ret)
		ret = load_failing(coverage, image);
	faults_close();
	return ret;
}

int reload_run(struct coverage *coverage)
{
	struct image module = { .name = "bufalloc", .path = "/modules/bufalloc.ko" };
	struct image importer = {
		.name = "bufalloc_importer",
		.path = "/modules/bufalloc_importer.ko",
	};
	int ret;

	ret = image_read(&module);
	if (!ret)
		ret = image_read(&importer);
	if (!ret)
		ret = coverage_enter(coverage, 0);
	if (!ret)
		ret = unload(&importer);
	if (ret)
		return ret;
	ret = unload_traced(coverage, &module);
	if (!ret)
		ret = load_traced(coverage, &module);
	if (!ret)
		ret = unload(&module);
	if (!ret)
		ret = reload_failing(coverage, &module);
	if (!ret)
		ret = load_traced(coverage, &module);
	return ret ? ret : load(&importer);
}

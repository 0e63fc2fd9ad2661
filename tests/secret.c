// SPDX-License-Identifier: MIT
/*
 * A user without privileges learns neither where his memory is nor where anything
 * of the kernel's is: from no call, no file, and no file of /proc.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/nobody.h"

#define LENGTH (64 * KIB)
#define PAGE 4096UL

/* Memory of a user without any privileges, and what he is told of it. */
FIXTURE(secret)
{
	int device;
	int importer;
	int fds[2];
	struct mapping maps[2];
	struct importer_map imports[2];
	int addresses;
	long buffers;
};

static int make_buffer(FIXTURE_DATA(secret) * self, int i, uint32_t caching)
{
	int id, ret;

	self->fds[i] = buffer_open(self->device, LENGTH, caching);
	if (self->fds[i] < 0)
		return self->fds[i];
	ret = buffer_map(self->fds[i], &self->maps[i]);
	if (ret)
		return ret;
	id = importer_attach(self->importer, self->fds[i], IMPORTER_DEVICE_64);
	if (id < 0)
		return id;
	return importer_map(self->importer, id, IMPORTER_TO_DEVICE,
			    &self->imports[i]);
}

static int make_buffers(FIXTURE_DATA(secret) * self)
{
	int ret = make_buffer(self, 0, BUFALLOC_CACHING_COHERENT);

	return ret ? ret : make_buffer(self, 1, BUFALLOC_CACHING_CACHED);
}

static void lose_buffers(FIXTURE_DATA(secret) * self)
{
	int i;

	for (i = 0; i < 2; i++) {
		buffer_unmap(&self->maps[i]);
		close(self->fds[i]);
	}
}

/* The importer has the old ones still, so that the new ones are elsewhere. */
static int move_buffers(FIXTURE_DATA(secret) * self)
{
	lose_buffers(self);
	return make_buffers(self);
}

FIXTURE_SETUP(secret)
{
	self->buffers = live_buffers();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->importer = importer_open();
	ASSERT_LE(0, self->importer);
	ASSERT_EQ(0, make_buffers(self));
	ASSERT_LT(0, self->imports[0].out_segments[0].phys);
	ASSERT_LT(0, self->imports[1].out_segments[0].phys);
}

FIXTURE_TEARDOWN(secret)
{
	close(self->importer);
	lose_buffers(self);
	bufalloc_close(self->device);
	EXPECT_EQ(self->buffers, live_buffers());
}

static bool is_of_kernel(uint64_t value)
{
	if (sizeof(long) == 4)
		return value >= 0xc0000000 && value < 0xfffff000;
	return value >= 0xffff000000000000 && value < 0xfffffffffffff000;
}

/* An address of one of the buffers, or the number of one of their pages. */
static bool is_of_memory(const FIXTURE_DATA(secret) * self, uint64_t value)
{
	unsigned int i, j;

	for (i = 0; i < 2; i++) {
		const struct importer_map *map = &self->imports[i];

		for (j = 0; j < map->out_orig_nents; j++) {
			uint64_t phys = map->out_segments[j].phys;
			uint64_t end = phys + LENGTH;

			if (value >= phys && value < end)
				return true;
			if (value >= phys / PAGE && value < end / PAGE)
				return true;
		}
	}
	return false;
}

static bool is_secret(const FIXTURE_DATA(secret) * self, uint64_t value)
{
	return is_of_kernel(value) || is_of_memory(self, value);
}

/* Words of 32 and of 64 bits, at each place where one can be. */
static int secrets_in(const FIXTURE_DATA(secret) * self, const void *answer,
		      size_t size)
{
	const unsigned char *bytes = answer;
	uint64_t longer;
	uint32_t word;
	int found = 0;
	size_t at;

	for (at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		found += is_of_memory(self, word);
		if (at + sizeof(longer) > size)
			continue;
		memcpy(&longer, bytes + at, sizeof(longer));
		found += is_secret(self, longer);
	}
	return found;
}

/* Every number in a text, in either base. */
static int secrets_in_text(const FIXTURE_DATA(secret) * self, const char *text)
{
	int found = 0;
	char *end;

	while (*text) {
		if (!isxdigit((unsigned char)*text)) {
			text++;
			continue;
		}
		found += is_secret(self, strtoull(text, NULL, 10));
		found += is_secret(self, strtoull(text, &end, 16));
		text = end > text ? end : text + 1;
	}
	return found;
}

static int secrets_in_file(const FIXTURE_DATA(secret) * self, const char *path)
{
	static char text[65536];
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t length;
	int found;

	if (file < 0)
		return 0;
	length = read(file, text, sizeof(text) - 1);
	close(file);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	found = secrets_in_text(self, text);
	if (found)
		printf("# %s tells: %.200s\n", path, text);
	return found;
}

/* Files of a directory, and of those in it, but not where links lead. */
static int secrets_below(const FIXTURE_DATA(secret) * self, const char *path,
			 int *files)
{
	DIR *dir = opendir(path);
	char below[PATH_MAX];
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR) {
			found += secrets_below(self, below, files);
		} else if (entry->d_type == DT_REG) {
			found += secrets_in_file(self, below);
			(*files)++;
		}
	}
	closedir(dir);
	return found;
}

/* The scan finds what it is to find. */
TEST_F(secret, addresses_would_be_found)
{
	uint64_t phys = self->imports[0].out_segments[0].phys;
	uint32_t frame = phys / PAGE;
	uint64_t words[2] = { 7, phys + PAGE };
	char text[64];

	EXPECT_LT(0, secrets_in(self, words, sizeof(words)));
	EXPECT_LT(0, secrets_in(self, &frame, sizeof(frame)));
	words[1] = sizeof(long) == 4 ? 0xc0123450 : 0xffff888001234567;
	EXPECT_LT(0, secrets_in(self, words, sizeof(words)));
	snprintf(text, sizeof(text), "page: %u\n", frame);
	EXPECT_LT(0, secrets_in_text(self, text));
	snprintf(text, sizeof(text), "at=0x%llx,", (unsigned long long)phys);
	EXPECT_LT(0, secrets_in_text(self, text));
	EXPECT_EQ(0, secrets_in_text(self, "length: 4096 of 2\n"));
}

/* A caller's structure that is longer than the kernel's is no way either. */
static int call_long(int device, unsigned long command, uint32_t second,
		     unsigned char *answer)
{
	uint32_t size = 1024;

	memset(answer, 0, size);
	memcpy(answer, &size, sizeof(size));
	memcpy(answer + 4, &second, sizeof(second));
	return ioctl(device, command, answer) ? -errno : 0;
}

/* How many are in an answer, or a negative errno. */
static int secrets_in_call(const FIXTURE_DATA(secret) * self,
			   unsigned long command, uint32_t second)
{
	static unsigned char answer[1024];
	int ret = call_long(self->device, command, second, answer);

	return ret ? ret : secrets_in(self, answer, sizeof(answer));
}

/* What the kernel does not write is none of its stack. */
static int secrets_in_result(const FIXTURE_DATA(secret) * self)
{
	struct bufalloc_request request = request_of(LENGTH,
						     BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	int ret;

	memset(&result, 0xff, sizeof(result));
	ret = bufalloc_alloc(self->device, &request, &result, NULL);
	if (ret)
		return ret;
	close(result.fd);
	return secrets_in(self, &result, sizeof(result));
}

/*
 * A number may be that of a page of theirs by chance, but not wherever they are. @look
 * is done again for buffers that are elsewhere: where they were is no secret then.
 */
#define EXPECT_NO_SECRET(look) \
	do { \
		int tries_, found_ = (look); \
		for (tries_ = 0; found_ > 0 && tries_ < 3; tries_++) { \
			ASSERT_EQ(0, move_buffers(self)); \
			found_ = (look); \
		} \
		EXPECT_EQ(0, found_); \
	} while (0)

TEST_F(secret, calls_tell_no_address)
{
	struct bufalloc_info info;
	uint32_t i;

	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_NO_SECRET(secrets_in_call(self, BUFALLOC_IOCTL_INFO, 0));
	for (i = 0; i < info.out_heaps; i++)
		EXPECT_NO_SECRET(secrets_in_call(self, BUFALLOC_IOCTL_HEAP, i));
	for (i = 0; i < 2; i++)
		EXPECT_NO_SECRET(secrets_in_call(self, BUFALLOC_IOCTL_QUERY,
						 self->fds[i]));
	EXPECT_NO_SECRET(secrets_in_result(self));
}

/* Likewise. */
static int secrets_in_fdinfo(const FIXTURE_DATA(secret) * self, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return access(path, R_OK) ? -errno : secrets_in_file(self, path);
}

TEST_F(secret, files_tell_no_address)
{
	static const char *const trees[] = {
		"/sys/class/misc/bufalloc/",
		"/sys/module/bufalloc",
		"/sys/devices/platform/bufalloc-heap.0",
		"/sys/devices/platform/bufalloc-heap.1",
		"/sys/bus/platform/drivers/bufalloc-heap",
		"/sys/kernel/dmabuf",
	};
	int seen, files = 0;
	unsigned int i;

	ASSERT_EQ(0, become_nobody());
	for (i = 0; i < ARRAY_SIZE(trees); i++) {
		EXPECT_NO_SECRET((seen = 0, secrets_below(self, trees[i], &seen)));
		files += seen;
	}
	EXPECT_LE(4, files);
	for (i = 0; i < 2; i++)
		EXPECT_NO_SECRET(secrets_in_fdinfo(self, self->fds[i]));
	EXPECT_NO_SECRET(secrets_in_fdinfo(self, self->device));
}

/* Lines of that file which contain a word, from a column on. */
static int secrets_in_lines(const FIXTURE_DATA(secret) * self, const char *path,
			    const char *word, int *lines)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	const char *rest;
	int found = 0;

	*lines = 0;
	while (file && fgets(line, sizeof(line), file)) {
		rest = strchr(line, ' ');
		if (!rest || !strstr(line, word))
			continue;
		(*lines)++;
		found += secrets_in_text(self, rest);
		if (secrets_in_text(self, rest))
			printf("# %s tells: %s", path, line);
	}
	if (file)
		fclose(file);
	return found;
}

/* Past our own addresses, with which the lines begin. */
TEST_F(secret, maps_tell_no_address)
{
	int lines;

	ASSERT_EQ(0, become_nobody());
	EXPECT_NO_SECRET(secrets_in_lines(self, "/proc/self/maps", "dmabuf",
					  &lines));
	EXPECT_EQ(2, lines);
	EXPECT_NO_SECRET(secrets_in_lines(self, "/proc/modules", "bufalloc",
					  &lines));
	EXPECT_LE(1, lines);
}

static uint64_t pagemap_entry(const void *address)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (file < 0)
		return UINT64_MAX;
	if (pread(file, &entry, sizeof(entry),
		  (uintptr_t)address / PAGE * sizeof(entry)) != sizeof(entry))
		entry = UINT64_MAX;
	close(file);
	return entry;
}

/* Its lower 55 bits are the page, for root, and never for memory like ours. */
TEST_F(secret, pagemap_tells_no_page)
{
	uint64_t frames = (1ULL << 55) - 1;
	int i;

	EXPECT_NE(0, pagemap_entry(&frames) & frames);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, pagemap_entry(self->maps[i].bytes) & frames);
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(0, pagemap_entry(&frames) & frames);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, pagemap_entry(self->maps[i].bytes) & frames);
}

TEST_F(secret, debug_files_are_closed)
{
	static const char *const paths[] = {
		"/sys/kernel/debug/dma_buf/bufinfo",
		"/sys/kernel/debug/kernel_page_tables",
		"/proc/kpageflags",
		"/proc/vmallocinfo",
		"/dev/mem",
		"/dev/bufalloc-importer",
	};
	unsigned int i;
	int fd;

	ASSERT_EQ(0, become_nobody());
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		EXPECT_GT(0, fd);
		if (fd < 0 && errno != EACCES && errno != EPERM)
			EXPECT_EQ(ENOENT, errno);
	}
}

TEST_HARNESS_MAIN

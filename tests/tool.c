// SPDX-License-Identifier: MIT
/* The command "bufalloc" as a person meets it: what it says, how it ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define NOBODY 65534
#define FRAMES_BELOW_4_GIB (1 << 20)
#define USER_MEMORY "/sys/module/bufalloc/parameters/user_memory"

FIXTURE(tool)
{
	long bytes;
	char text[16384];
};

FIXTURE_SETUP(tool)
{
	self->bytes = live_bytes();
}

FIXTURE_TEARDOWN(tool)
{
	EXPECT_EQ(self->bytes, live_bytes());
}

/* Returns the exit status; both streams go to @text. */
static int run(char *text, size_t size, const char *command)
{
	size_t length = 0, got;
	char line[512];
	FILE *output;
	int status;

	snprintf(line, sizeof(line), "bufalloc %s 2>&1 < /dev/null", command);
	output = popen(line, "re");
	if (!output)
		return -1;
	while ((got = fread(text + length, 1, size - 1 - length, output)) > 0)
		length += got;
	text[length] = '\0';
	status = pclose(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN(command) run(self->text, sizeof(self->text), command)

static int count_of(const char *text, const char *words)
{
	int count = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		count++;
	}
	return count;
}

#define EXPECT_SAID(words) EXPECT_NE(NULL, strstr(self->text, words))
#define EXPECT_NOT_SAID(words) EXPECT_EQ(NULL, strstr(self->text, words))

/* For this process: its number comes first in @format. */
#define RUN_ON_US(format, ...) \
	({ \
		char command[256]; \
		snprintf(command, sizeof(command), format, getpid(), ##__VA_ARGS__); \
		RUN(command); \
	})

/* As many deferred buffers. 0 or a negative errno. */
static int open_deferred(int device, size_t length, uint32_t flags, int *fds, unsigned int count)
{
	struct bufalloc_request request = request_of(length, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	unsigned int i;
	int ret;

	request.flags = BUFALLOC_ALLOC_DEFERRED | flags;
	for (i = 0; i < count; i++) {
		ret = bufalloc_alloc(device, &request, &result, NULL);
		if (ret)
			return ret;
		fds[i] = result.fd;
	}
	return 0;
}

TEST_F(tool, info_tells_what_caching_there_is)
{
	EXPECT_EQ(0, RUN("info"));
	EXPECT_SAID("system32");
	EXPECT_SAID("write-back");
	EXPECT_EQ(machine_has_wc(), !!strstr(self->text, "write-combine"));
}

TEST_F(tool, info_tells_which_devices_snoop)
{
	EXPECT_EQ(0, RUN("info"));
	EXPECT_EQ(machine_is_coherent(), !!strstr(self->text, "all devices"));
	if (!machine_is_coherent()) {
		EXPECT_EQ(strcmp(machine(), "nosnoop") != 0,
			  !!strstr(self->text, "/pcie@10000000"));
		EXPECT_EQ(0, RUN("info --json"));
		EXPECT_SAID("\"snooping_nodes\"");
	}
	EXPECT_EQ(0, RUN("info --json"));
	EXPECT_EQ(machine_is_coherent(),
		  !!strstr(self->text, "\"all_devices_snoop\": true"));
}

/* A device has one buffer of two, whose file descriptor is closed. */
TEST_F(tool, info_tells_of_buffers_that_no_process_holds)
{
	int device = bufalloc_open(NULL), importer = importer_open();
	int fds[2], id;

	ASSERT_LE(0, device);
	ASSERT_LE(0, importer);
	ASSERT_EQ(0, open_deferred(device, MIB, 0, fds, 2));
	EXPECT_EQ(0, RUN("info --json"));
	EXPECT_SAID("\"unheld_buffers\": 0");
	id = importer_attach(importer, fds[0], IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	close(fds[0]);
	EXPECT_EQ(0, RUN("info --json"));
	EXPECT_SAID("\"unheld_buffers\": 1");
	EXPECT_EQ(0, RUN("info"));
	EXPECT_SAID("1 buffer: no process here has it");
	EXPECT_EQ(0, importer_detach(importer, id));
	EXPECT_EQ(0, RUN("info"));
	EXPECT_NOT_SAID("unheld");
	close(fds[1]);
	close(importer);
	bufalloc_close(device);
}

TEST_F(tool, info_speaks_json)
{
	EXPECT_EQ(0, RUN("info --json"));
	EXPECT_EQ('{', self->text[0]);
	EXPECT_SAID("\"module_loaded\": true");
	EXPECT_SAID("\"system32\"");
}

TEST_F(tool, alloc_shows_what_was_obtained)
{
	EXPECT_EQ(0, RUN("alloc 3M --count 2 --caching cached"));
	EXPECT_SAID("cached");
	EXPECT_SAID("3145728");
}

TEST_F(tool, alloc_fills_and_reads_back)
{
	EXPECT_EQ(0, RUN("alloc 5M --caching coherent --fill offset --json"));
	EXPECT_SAID("\"fill_verified\": true");
}

TEST_F(tool, no_device_is_JSON_too)
{
	EXPECT_EQ(1, RUN("alloc 4K --json --device /nowhere"));
	EXPECT_EQ('{', self->text[0]);
	EXPECT_SAID("\"error\"");
	/* There was no request that could have failed, and no reason. */
	EXPECT_NOT_SAID("\"failed\"");
	EXPECT_NOT_SAID("says it all");
}

TEST_F(tool, refusal_has_a_sentence)
{
	EXPECT_EQ(1, RUN("alloc 256M --caching coherent --contiguous"));
	EXPECT_SAID("contiguous");
	EXPECT_SAID(strerror(ENOMEM));
}

/* Another process allocates and holds; its buffers are committed, and told of. */
TEST_F(tool, deferred_buffers_are_committed)
{
	static const char *const lines[] = {
		"alloc 1M --count 3 --caching cached --deferred --hold=60 > /tmp/held & holder=$!",
		"until grep -q 'No memory yet' /tmp/held; do sleep 0.1; done",
		"bufalloc explain $holder",
		"bufalloc commit $holder && bufalloc explain $holder --json",
		"status=$?; kill $holder; wait; exit $status",
	};
	char script[512] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		strcat(script, lines[i]);
		strcat(script, "\n");
	}
	EXPECT_EQ(0, RUN(script));
	EXPECT_SAID("It has no memory yet");
	EXPECT_SAID("No refusal of a device has reached bufalloc.");
	EXPECT_SAID("3 buffers have their memory.");
	EXPECT_SAID("\"backed\": true");
}

/* Nobody has to say that it is cached. */
TEST_F(tool, pageable_buffers_are_allocated)
{
	EXPECT_EQ(0, RUN("alloc 1M --count 2 --pageable --fill offset --json"));
	EXPECT_EQ(2, count_of(self->text, "\"caching\": \"cached\""));
	EXPECT_SAID("\"fill_verified\": true");
	EXPECT_EQ(1, RUN("alloc 1M --pageable --caching wc"));
	EXPECT_SAID("pageable");
}

/* All that a process has, and not what it has twice; and what is named likewise. */
TEST_F(tool, buffer_with_several_fds_is_committed_once)
{
	int device = bufalloc_open(NULL);
	int fds[3], again;

	ASSERT_LE(0, device);
	ASSERT_EQ(0, open_deferred(device, 64 * KIB, 0, fds, 3));
	again = dup(fds[1]);
	ASSERT_LE(0, again);
	EXPECT_EQ(0, RUN_ON_US("commit %d %d %d", fds[1], again));
	EXPECT_SAID("1 buffer has its memory.");
	EXPECT_EQ(0, RUN_ON_US("commit %d"));
	EXPECT_SAID("3 buffers have their memory.");
	/* Each of them is told of. */
	EXPECT_EQ(0, RUN_ON_US("explain %d %d %d", fds[1], again));
	EXPECT_EQ(2, count_of(self->text, "It has its memory"));
	close(again);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	bufalloc_close(device);
}

TEST_F(tool, refusal_of_a_commit_names_the_fd)
{
	int device = bufalloc_open(NULL);
	char words[64];
	int fds[3];

	ASSERT_LE(0, device);
	ASSERT_EQ(0, open_deferred(device, 64 * KIB, 0, fds, 2));
	ASSERT_EQ(0, open_deferred(device, 256 * MIB, BUFALLOC_ALLOC_CONTIGUOUS, &fds[2], 1));
	EXPECT_EQ(1, RUN_ON_US("commit %d"));
	snprintf(words, sizeof(words), "at file descriptor %d of it", fds[2]);
	EXPECT_SAID(words);
	EXPECT_EQ(1, RUN_ON_US("commit %d --json"));
	snprintf(words, sizeof(words), "\"fd\": %d", fds[2]);
	EXPECT_SAID(words);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	bufalloc_close(device);
}

/* What a call may take counts when it is known what is there; also more fds than usual. */
TEST_F(tool, commit_takes_as_many_buffers_as_a_call)
{
	enum { MANY = BUFALLOC_MAX_BATCH + 1 };
	struct rlimit limit;
	static int fds[MANY];
	int device, i;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	device = bufalloc_open(NULL);
	ASSERT_LE(0, device);
	ASSERT_EQ(0, open_deferred(device, 4 * KIB, 0, fds, 1));
	for (i = 1; i < MANY; i++)
		ASSERT_LE(0, fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0));
	EXPECT_EQ(0, RUN_ON_US("info > /dev/null; ulimit -S -n 1024; bufalloc commit %d"));
	EXPECT_SAID("1 buffer has its memory.");
	for (i = 1; i < MANY; i++)
		close(fds[i]);
	ASSERT_EQ(0, open_deferred(device, 4 * KIB, 0, fds + 1, MANY - 1));
	EXPECT_EQ(1, RUN_ON_US("commit %d"));
	EXPECT_SAID("has 1025 buffers, and one commit takes up to 1024");
	close(fds[0]);
	EXPECT_EQ(0, RUN_ON_US("commit %d"));
	EXPECT_SAID("1024 buffers have their memory.");
	for (i = 1; i < MANY; i++)
		close(fds[i]);
	bufalloc_close(device);
}

/* It comes from no heap, and what helps other memory does not help it. */
TEST_F(tool, memory_of_a_process_is_called_so)
{
	int device = bufalloc_open(NULL), importer = importer_open();
	struct bufalloc_request request = request_of(MIB, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	static struct importer_map map;
	bool above = false;
	size_t at;
	char *pages;
	int id;

	ASSERT_LE(0, device);
	ASSERT_LE(0, importer);
	pages = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	request.flags = BUFALLOC_ALLOC_USER_MEMORY;
	request.address = (uintptr_t)pages;
	ASSERT_EQ(0, write_string(USER_MEMORY, "1"));
	EXPECT_EQ(0, bufalloc_alloc(device, &request, &result, NULL));
	ASSERT_EQ(0, write_string(USER_MEMORY, "0"));
	id = importer_attach(importer, result.fd, IMPORTER_DEVICE_32);
	ASSERT_LE(0, id);
	/* Where there is memory above 4 GiB it is given out first, as a rule. */
	for (at = 0; at < MIB; at += 4 * KIB)
		above |= user_pfn(importer, pages + at) >= FRAMES_BELOW_4_GIB;
	EXPECT_EQ(above ? -EIO : 0,
		  importer_map(importer, id, IMPORTER_BIDIRECTIONAL, &map));

	EXPECT_EQ(0, RUN_ON_US("explain %d"));
	EXPECT_SAID("It is memory of a process");
	EXPECT_NOT_SAID("4294967295");
	EXPECT_EQ(above, !!strstr(self->text, "That memory stays where it is"));
	EXPECT_EQ(above, !!strstr(self->text, "refused 1 time."));
	/* vivid says no more than EFAULT or EINVAL. */
	EXPECT_EQ(!above, !!strstr(self->text, "copy into a buffer without USER_MEMORY"));
	EXPECT_NOT_SAID("--dma-bits");
	EXPECT_EQ(0, RUN_ON_US("explain %d --json"));
	EXPECT_SAID("\"user_memory\": true");
	EXPECT_NOT_SAID("\"heap\"");
	EXPECT_NOT_SAID("4294967295");

	close(importer);
	close(result.fd);
	bufalloc_close(device);
	munmap(pages, MIB);
}

/* What drivers refuse by themselves, for which bufalloc has no reason to tell. */
TEST_F(tool, explain_names_what_a_driver_may_need)
{
	struct bufalloc_request request = request_of(4 * MIB, BUFALLOC_CACHING_CACHED);
	int device = bufalloc_open(NULL), one, low, many;
	struct bufalloc_result result;
	struct bufalloc_query query;
	struct bufalloc_heap heap;

	ASSERT_LE(0, device);
	one = buffer_open_contiguous(device, MIB, BUFALLOC_CACHING_CACHED);
	ASSERT_LE(0, one);
	EXPECT_EQ(0, RUN_ON_US("explain %d %d", one));
	EXPECT_SAID("in 1 physically contiguous run.");
	EXPECT_SAID("attached to 0 devices");
	EXPECT_SAID("It may need");
	EXPECT_NOT_SAID("--contiguous");
	ASSERT_EQ(0, bufalloc_query(device, one, &query));
	ASSERT_EQ(0, bufalloc_get_heap(device, query.out_heap, &heap));
	EXPECT_EQ(heap.out_dma_bits > 32, !!strstr(self->text, "--dma-bits 32"));
	request.dma_bits = 32;
	ASSERT_EQ(0, bufalloc_alloc(device, &request, &result, NULL));
	low = result.fd;
	EXPECT_EQ(0, RUN_ON_US("explain %d %d", low));
	EXPECT_NOT_SAID("--dma-bits 32");
	request.dma_bits = 0;
	many = buffer_open_scattered(device, &request);
	if (many >= 0) {
		EXPECT_EQ(0, RUN_ON_US("explain %d %d", many));
		EXPECT_SAID("--contiguous");
		close(many);
	}
	request.flags = BUFALLOC_ALLOC_PAGEABLE;
	ASSERT_EQ(0, bufalloc_alloc(device, &request, &result, NULL));
	EXPECT_EQ(0, RUN_ON_US("explain %d %d", result.fd));
	EXPECT_SAID("--dma-bits 32");
	EXPECT_EQ(0, RUN_ON_US("explain %d --json"));
	EXPECT_SAID("\"reason_text\": \"No refusal of a device has reached bufalloc.\"");
	EXPECT_NOT_SAID("says it all");
	close(result.fd);
	close(low);
	close(one);
	bufalloc_close(device);
}

/* Other drivers answer our ioctls with whatever they like. */
TEST_F(tool, device_of_another_driver_is_called_so)
{
	static const char *const others[] = { "/dev/null", "/dev/kmsg", "/dev/dma_heap/system" };
	char command[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (access(others[i], F_OK))
			continue;
		snprintf(command, sizeof(command), "alloc 4K --json --device %s", others[i]);
		EXPECT_EQ(1, RUN(command));
		EXPECT_SAID("It is not bufalloc's device.")
		TH_LOG("%s", others[i]);
		EXPECT_NOT_SAID("\"failed\"");
	}
}

TEST_F(tool, missing_heap_is_no_missing_file)
{
	EXPECT_EQ(1, RUN("alloc 4K --dma-bits 13"));
	EXPECT_SAID("No heap has only memory below that limit");
	EXPECT_NOT_SAID("No such file");
	EXPECT_EQ(1, RUN("alloc 4K --heap 77"));
	EXPECT_SAID("There is no such heap");
	EXPECT_NOT_SAID("No such file");
	EXPECT_EQ(1, RUN("alloc 4K --heap 77 --json"));
	EXPECT_NOT_SAID("No such file");
}

TEST_F(tool, what_is_not_needed_is_called_so)
{
	struct bufalloc_request request = request_of(MIB, BUFALLOC_CACHING_CACHED);
	struct bufalloc_result result;
	int device = bufalloc_open(NULL);

	ASSERT_LE(0, device);
	request.flags = BUFALLOC_ALLOC_PAGEABLE;
	ASSERT_EQ(0, bufalloc_alloc(device, &request, &result, NULL));
	EXPECT_EQ(0, RUN_ON_US("explain %d"));
	EXPECT_SAID("Its memory is pageable");
	EXPECT_NOT_SAID("DONTNEED");
	ASSERT_EQ(0, bufalloc_advise(device, result.fd, BUFALLOC_ADVICE_DONTNEED,
				     NULL));
	EXPECT_EQ(0, RUN_ON_US("explain %d"));
	EXPECT_SAID("DONTNEED");
	EXPECT_EQ(0, RUN_ON_US("explain %d --json"));
	EXPECT_SAID("\"dontneed\": true");
	EXPECT_SAID("\"purged\": false");
	close(result.fd);
	bufalloc_close(device);
}

TEST_F(tool, buffers_of_nobody_are_a_sentence)
{
	EXPECT_EQ(1, RUN("explain 999999"));
	EXPECT_SAID("There is no such process.");
	EXPECT_EQ(1, RUN("explain 1"));
	EXPECT_SAID("process 1 has no buffer");
	EXPECT_EQ(2, RUN("commit"));
	EXPECT_EQ(2, RUN("commit self"));
	EXPECT_EQ(2, RUN("explain 1 none"));
	EXPECT_SAID("not \"none\"");
}

TEST_F(tool, what_it_cannot_look_into_is_json_too)
{
	EXPECT_EQ(1, RUN("explain 999999 --json"));
	EXPECT_SAID("\"error\": \"No such process\"");
	EXPECT_EQ(1, RUN("commit 1 --json"));
	EXPECT_SAID("\"error\": \"no buffer of bufalloc\"");
	EXPECT_EQ(1, RUN("explain 1 --json --device /nowhere"));
	EXPECT_SAID("\"error\": \"No such file or directory\"");
	EXPECT_EQ(1, RUN("explain 1 --device /dev/null"));
	EXPECT_SAID("It is not bufalloc's device.");
}

TEST_F(tool, constraints_are_options)
{
	EXPECT_EQ(0, RUN("alloc 4K --caching cached --alignment 64K --padding 64"));
	EXPECT_SAID("65536");
	EXPECT_EQ(0, RUN("alloc 64K --caching cached --max-segments 1"));
	EXPECT_SAID("65536");
	EXPECT_EQ(1, RUN("alloc 4K --alignment 3"));
	EXPECT_SAID("alignment");
}

TEST_F(tool, unknown_caching_lists_the_known)
{
	EXPECT_EQ(2, RUN("alloc 4K --caching fast"));
	EXPECT_SAID("coherent");
	EXPECT_SAID("cached");
}

TEST_F(tool, wrong_usage_is_2)
{
	EXPECT_EQ(2, RUN("alloc"));
	EXPECT_EQ(2, RUN("alloc 4X"));
	EXPECT_EQ(2, RUN("frobnicate"));
	EXPECT_SAID("info alloc commit explain");
}

TEST_F(tool, help_is_help)
{
	EXPECT_EQ(0, RUN("--help"));
	EXPECT_SAID("alloc");
	EXPECT_EQ(0, RUN("alloc --help"));
	EXPECT_SAID("--contiguous");
	EXPECT_EQ(0, RUN("help alloc"));
	EXPECT_SAID("--contiguous");
	EXPECT_EQ(2, RUN("help frobnicate"));
	EXPECT_SAID("info alloc commit explain");
}

/* Somebody who is not in the group is told what to do about it. */
TEST_F(tool, missing_permission_is_explained)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, chmod("/dev/bufalloc", 0660));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		if (RUN("alloc 4K") != 1)
			_exit(2);
		_exit(strstr(self->text, "usermod -aG video") ? 0 : 3);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN

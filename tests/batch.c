// SPDX-License-Identifier: MIT
/* ALLOC: all or nothing, what is obtained, and requests that cannot be met. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
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
#include "lib/nobody.h"
#include "lib/patience.h"
#include "lib/quotas.h"

#define BATCH 64

FIXTURE(batch)
{
	int device;
	int fds;
	long bytes;
	struct bufalloc_request requests[BATCH];
	struct bufalloc_result results[BATCH];
	uint32_t failed;
	uint32_t reason;
};

FIXTURE_SETUP(batch)
{
	int i;

	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fds = open_fds();
	self->bytes = live_bytes();
	for (i = 0; i < BATCH; i++)
		self->requests[i] = request_of(64 * KIB,
					       BUFALLOC_CACHING_COHERENT);
}

FIXTURE_TEARDOWN(batch)
{
	/* Nothing half-done stays behind. */
	EXPECT_EQ(self->fds, open_fds());
	EXPECT_EQ(self->bytes, live_bytes());
	bufalloc_close(self->device);
}

static int run(int device, struct bufalloc_request *requests,
	       struct bufalloc_result *results, uint32_t count,
	       uint32_t *failed, uint32_t *reason)
{
	return bufalloc_alloc_batch(device, requests, results, count, failed,
				    reason);
}

#define RUN(count) run(self->device, self->requests, self->results, count, \
		       &self->failed, &self->reason)

TEST_F(batch, all_are_made)
{
	struct bufalloc_info info;
	struct stat file;
	int i;

	ASSERT_EQ(0, RUN(BATCH));
	EXPECT_EQ(self->fds + BATCH, open_fds());
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(BATCH, info.out_client_buffers);
	EXPECT_EQ(BATCH * 64 * KIB, info.out_client_bytes);
	for (i = 0; i < BATCH; i++) {
		EXPECT_EQ(64 * KIB, self->results[i].length);
		EXPECT_EQ(BUFALLOC_CACHING_COHERENT, self->results[i].caching);
		EXPECT_EQ(BUFALLOC_STATE_BACKED,
			  self->results[i].state & BUFALLOC_STATE_BACKED);
		ASSERT_EQ(0, fstat(self->results[i].fd, &file));
		EXPECT_EQ(64 * KIB, lseek(self->results[i].fd, 0, SEEK_END));
		close(self->results[i].fd);
	}
}

/* The last one cannot be had: the 63 before it must go again. */
TEST_F(batch, none_is_made_when_the_last_has_no_memory)
{
	self->requests[BATCH - 1].length = 256 * MIB;
	self->requests[BATCH - 1].flags = BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_EQ(-ENOMEM, RUN(BATCH));
	EXPECT_EQ(BATCH - 1, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, self->reason);
	EXPECT_EQ(self->fds, open_fds());
	EXPECT_EQ(self->bytes, live_bytes());
}

TEST_F(batch, none_is_made_when_one_is_wrong)
{
	self->requests[10].length = 0;
	EXPECT_EQ(-EINVAL, RUN(BATCH));
	EXPECT_EQ(10, self->failed);
	EXPECT_EQ(BUFALLOC_REASON_LENGTH, self->reason);
}

TEST_F(batch, none_is_made_when_fds_run_out)
{
	struct rlimit old, low;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	low = old;
	low.rlim_cur = self->fds + 1 + BATCH / 2;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
	EXPECT_EQ(-EMFILE, RUN(BATCH));
	EXPECT_EQ(BUFALLOC_REASON_FDS, self->reason);
	EXPECT_LT(0, self->failed);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
}

static bool finds_no_file(FIXTURE_DATA(batch) * self)
{
	return RUN(BATCH) == -ENFILE && self->reason == BUFALLOC_REASON_FDS;
}

static bool look_for_files(void *data)
{
	return finds_no_file(data);
}

/* No open files left in the whole system, for somebody who is not root. */
TEST_F(batch, none_is_made_when_files_run_out)
{
	EXPECT_EQ(0, nobody_without_files(look_for_files, self));
}

TEST_F(batch, names_show_in_fdinfo)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	ASSERT_EQ(0, RUN(1));
	ASSERT_EQ(0, bufalloc_set_name(self->results[0].fd, "a scene"));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 self->results[0].fd);
	file = fopen(path, "re");
	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file))
		found |= !strcmp(line, "name:\ta scene\n");
	fclose(file);
	EXPECT_TRUE(found);
	close(self->results[0].fd);
}

TEST_F(batch, lengths_are_rounded_to_pages)
{
	self->requests[0].length = 1;
	self->requests[1].length = 4097;
	ASSERT_EQ(0, RUN(2));
	EXPECT_EQ(4096, self->results[0].length);
	EXPECT_EQ(8192, self->results[1].length);
	close(self->results[0].fd);
	close(self->results[1].fd);
}

TEST_F(batch, fd_flags_are_kept)
{
	self->requests[0].fd_flags = O_RDONLY;
	self->requests[1].fd_flags = O_RDWR | O_CLOEXEC;
	ASSERT_EQ(0, RUN(2));
	EXPECT_EQ(O_RDONLY, fcntl(self->results[0].fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(0, fcntl(self->results[0].fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(O_RDWR, fcntl(self->results[1].fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->results[1].fd, F_GETFD) & FD_CLOEXEC);
	close(self->results[0].fd);
	close(self->results[1].fd);
}

/* Sizes, in each caching this machine has. */
/* What stops it is the memory, not a quota. */
FIXTURE(size)
{
	int device;
	long bytes;
	struct quotas quotas;
};

FIXTURE_VARIANT(size)
{
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(size, wc) {
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(size, coherent) {
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(size, cached) {
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(size)
{
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	ASSERT_EQ(0, quotas_lift(&self->quotas));
	self->bytes = live_bytes();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(size)
{
	EXPECT_EQ(self->bytes, live_bytes());
	bufalloc_close(self->device);
	EXPECT_EQ(0, quotas_write(&self->quotas));
}

#define PAGES 512

/* Pages that were taken one by one, every second of them given back. */
static int take_every_second(int device, uint32_t caching,
			     struct mapping *pages)
{
	static struct bufalloc_request requests[PAGES];
	static struct bufalloc_result results[PAGES];
	int i, ret;

	for (i = 0; i < PAGES; i++)
		requests[i] = request_of(4 * KIB, caching);
	ret = bufalloc_alloc_batch(device, requests, results, PAGES, NULL,
				   NULL);
	for (i = 0; !ret && i < PAGES; i++) {
		if (i % 2)
			ret = buffer_map(results[i].fd, &pages[i / 2]);
		close(results[i].fd);
	}
	return ret;
}

/* Holes between buffers are of no use to one that is longer, and it hits no other. */
TEST_F(size, holes_are_left_to_what_fits)
{
	static struct mapping pages[PAGES / 2];
	struct mapping large;
	int fd, i;

	ASSERT_EQ(0, take_every_second(self->device, variant->caching, pages));
	for (i = 0; i < PAGES / 2; i++)
		memset(pages[i].bytes, i, pages[i].length);
	fd = buffer_open(self->device, 64 * KIB, variant->caching);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_map(fd, &large));
	EXPECT_TRUE(mapping_is(&large, 0));
	memset(large.bytes, 0xff, large.length);
	for (i = 0; i < PAGES / 2; i++) {
		EXPECT_TRUE(mapping_is(&pages[i], i));
		buffer_unmap(&pages[i]);
	}
	buffer_unmap(&large);
	close(fd);
}

/* S21: kept. */
TEST_F(size, contiguous_is_one_segment)
{
	static const size_t lengths[] = {
		4 * KIB,
		60 * KIB,
		1 * MIB,
		2 * MIB,
		3 * MIB,
		4 * MIB,
	};
	static struct importer_map map;
	struct bufalloc_query query;
	int importer, fd, id;
	unsigned int i;

	importer = importer_open();
	ASSERT_LE(0, importer);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fd = buffer_open_contiguous(self->device, lengths[i],
					    variant->caching);
		ASSERT_LE(0, fd);
		id = importer_attach(importer, fd, IMPORTER_DEVICE_64);
		ASSERT_LE(0, id);
		ASSERT_EQ(0, importer_map(importer, id, IMPORTER_TO_DEVICE,
					  &map));
		EXPECT_EQ(1, map.out_nents);
		EXPECT_EQ(lengths[i], map.out_segments[0].length);
		ASSERT_EQ(0, bufalloc_query(self->device, fd, &query));
		EXPECT_EQ(1, query.out_segments);
		EXPECT_EQ(BUFALLOC_STATE_BACKED | BUFALLOC_STATE_CONTIGUOUS,
			  query.out_state);
		ASSERT_EQ(0, importer_detach(importer, id));
		close(fd);
	}
	close(importer);
}

/* S21: or refused. No stock amd64 kernel here has 64 MiB in one piece. */
/* Longer than what any machine here has set aside. */
TEST_F(size, contiguous_is_refused_where_it_cannot_be)
{
	struct bufalloc_request request = request_of(256 * MIB,
						     variant->caching);
	struct bufalloc_result result;
	uint32_t reason;

	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	EXPECT_EQ(-ENOMEM,
		  bufalloc_alloc(self->device, &request, &result, &reason));
	EXPECT_EQ(BUFALLOC_REASON_CONTIGUOUS, reason);
}

/* U4: larger than any single allocation. */
TEST_F(size, one_GiB_works)
{
	int fd;

	if (!machine_maps(2 * GIB))
		SKIP(return, "the kernel maps less than 2 GiB here");
	fd = buffer_open(self->device, GIB, variant->caching);
	ASSERT_LE(0, fd);
	EXPECT_EQ(GIB, lseek(fd, 0, SEEK_END));
	EXPECT_LE(GIB, client_bytes(self->device));
	close(fd);
}

/* 1080p NV12 is 3.1 MB: sixteen of them must not cost sixteen times 4 MiB. */
TEST_F(size, what_rounding_costs)
{
	enum { COUNT = 16 };
	size_t length = 1920 * 1080 * 3 / 2;
	size_t pages = (length + 4095) & ~4095UL;
	int fds[COUNT], i;

	for (i = 0; i < COUNT; i++) {
		fds[i] = buffer_open(self->device, length, variant->caching);
		ASSERT_LE(0, fds[i]);
	}
	EXPECT_LE(COUNT * pages, client_bytes(self->device));
	EXPECT_GE(COUNT * pages + 2 * MIB, client_bytes(self->device));
	for (i = 0; i < COUNT; i++)
		close(fds[i]);
}

/* What is asked for beyond the memory there is fails, and kills nobody. */
TEST_F(size, too_much_is_ENOMEM_without_the_OOM_killer)
{
	enum { COUNT = 64,
	       REST = 32 * MIB };
	long kills = vmstat("oom_kill");
	int fds[COUNT], i, made, ret = 0;
	void *bytes;

	for (made = 0; made < COUNT; made++) {
		fds[made] = buffer_open(self->device, 256 * MIB,
					variant->caching);
		ret = fds[made];
		if (ret < 0)
			break;
	}
	EXPECT_EQ(-ENOMEM, ret);
	EXPECT_LT(0, made);
	/* With all of that held, the machine goes on. */
	bytes = mmap(NULL, REST, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, bytes);
	memset(bytes, 1, REST);
	munmap(bytes, REST);
	EXPECT_EQ(kills, vmstat("oom_kill"));
	for (i = 0; i < made; i++)
		close(fds[i]);
}

/*
 * Where small write-combined buffers are carved from blocks of 512 pages, each of these
 * is charged whole. What some of its buffers gave back serves others.
 */
#define BLOCK 512

FIXTURE(blocks)
{
	int device;
	struct rlimit files;
	struct quotas quotas;
};

FIXTURE_VARIANT(blocks)
{
	int count;
	/* Pages of the buffers that are given back, and where they begin. */
	int large;
	uint64_t alignment;
	/* Of those that stay, one in each block at least. */
	int small;
	/* How many large ones are taken after that. */
	int again;
};

/* Each block is full, and has one buffer that stays. */
FIXTURE_VARIANT_ADD(blocks, full_wc) {
	.count = 120,
	.large = 508,
	.small = 4,
	.again = 120,
};

/* There are fewer of them then, and room beside the small ones. */
FIXTURE_VARIANT_ADD(blocks, half_wc) {
	.count = 120,
	.large = 508,
	.small = 1,
	.again = 60,
};

FIXTURE_VARIANT_ADD(blocks, aligned_wc) {
	.count = 120,
	.large = 496,
	.alignment = 64 * KIB,
	.small = 16,
	.again = 120,
};

FIXTURE_SETUP(blocks)
{
	struct rlimit files;

	if (!machine_types_memory() || !machine_has_wc())
		SKIP(return, "no memory is carved from blocks here");
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &self->files));
	files = self->files;
	files.rlim_cur = 1024;
	ASSERT_LE(files.rlim_cur, files.rlim_max);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, quotas_lift(&self->quotas));
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(blocks)
{
	EXPECT_EQ(0, client_bytes(self->device));
	bufalloc_close(self->device);
	EXPECT_EQ(0, quotas_write(&self->quotas));
	EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &self->files));
}

static int open_range(int device, int pages, uint64_t alignment)
{
	struct bufalloc_request request =
		request_of(pages * 4096UL, BUFALLOC_CACHING_WC);
	struct bufalloc_result result;
	int ret;

	request.flags = BUFALLOC_ALLOC_CONTIGUOUS;
	request.alignment = alignment;
	ret = bufalloc_alloc(device, &request, &result, NULL);
	return ret ? ret : result.fd;
}

static void close_all(const int *fds, int count)
{
	while (count)
		close(fds[--count]);
}

/* At most a tenth more is charged than is used, whatever was used before. */
TEST_F(blocks, what_was_given_back_is_used_again)
{
	long used = (long)variant->again * variant->large +
		    (long)variant->count * variant->small;
	int large[128], small[128], i;
	long charged;

	ASSERT_GE((int)ARRAY_SIZE(large), variant->count);
	for (i = 0; i < variant->count; i++) {
		large[i] = open_range(self->device, variant->large,
				      variant->alignment);
		ASSERT_LE(0, large[i]);
		small[i] = open_range(self->device, variant->small, 0);
		ASSERT_LE(0, small[i]);
	}
	close_all(large, variant->count);
	for (i = 0; i < variant->again; i++) {
		large[i] = open_range(self->device, variant->large,
				      variant->alignment);
		ASSERT_LE(0, large[i]);
	}
	charged = client_bytes(self->device);
	TH_LOG("%ld KiB charged, %ld KiB used", charged / (long)KIB, used * 4);
	EXPECT_LE(charged * 10, used * 4096 * 11);
	close_all(large, variant->again);
	close_all(small, variant->count);
}

/* Blocks with as much room, but none that begins where it should, are in nobody's way. */
TEST_F(blocks, aligned_room_is_found_behind_other_room)
{
	int odd[64], large[64], stay[3 * 64], i, kept = 0;
	const uint64_t alignment = 64 * KIB;
	uint64_t charged;

	for (i = 0; i < (int)ARRAY_SIZE(odd); i++) {
		stay[kept++] = open_range(self->device, 1, 0);
		odd[i] = open_range(self->device, BLOCK - 5, 0);
		stay[kept++] = open_range(self->device, 4, 0);
		ASSERT_LE(0, odd[i]);
	}
	for (i = 0; i < (int)ARRAY_SIZE(large); i++) {
		large[i] = open_range(self->device, BLOCK - 16, alignment);
		stay[kept++] = open_range(self->device, 16, 0);
		ASSERT_LE(0, large[i]);
	}
	charged = client_bytes(self->device);
	EXPECT_EQ(128 * BLOCK * 4096UL, charged);
	close_all(odd, ARRAY_SIZE(odd));
	close_all(large, ARRAY_SIZE(large));
	for (i = 0; i < (int)ARRAY_SIZE(large); i++) {
		large[i] = open_range(self->device, BLOCK - 16, alignment);
		ASSERT_LE(0, large[i]);
	}
	EXPECT_EQ(charged, client_bytes(self->device));
	close_all(large, ARRAY_SIZE(large));
	close_all(stay, kept);
}

#define LARGE 256

/* One call for 512 MiB in all, in pieces of 2 MiB. */
static int alloc_large(int device, uint32_t caching, uint32_t flags,
		       struct bufalloc_result *results)
{
	static struct bufalloc_request requests[LARGE];
	int i;

	for (i = 0; i < LARGE; i++) {
		requests[i] = request_of(2 * MIB, caching);
		requests[i].flags = flags;
	}
	return bufalloc_alloc_batch(device, requests, results, LARGE, NULL,
				    NULL);
}

/* Whether the child is alive still, and has as much; the peak is kept. */
static bool is_below(pid_t child, long least, long *peak, int *status)
{
	long bytes = live_bytes();

	if (bytes > *peak)
		*peak = bytes;
	return bytes < least && waitpid(child, status, WNOHANG) == 0;
}

/*
 * Killed early in a call that takes long, a process takes little more. That is seen by
 * what it has, not by a clock, which runs on when others have the processor.
 */
TEST_F(size, SIGKILL_ends_a_large_allocation)
{
	static struct bufalloc_result results[LARGE];
	static const uint32_t flags[] = { 0, BUFALLOC_ALLOC_CONTIGUOUS };
	long eighth = LARGE * 2 * MIB / 8, peak;
	unsigned int f;
	pid_t child;
	int status;

	for (f = 0; f < ARRAY_SIZE(flags); f++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			alloc_large(self->device, variant->caching, flags[f],
				    results);
			_exit(0);
		}
		peak = 0;
		status = 0;
		while (is_below(child, self->bytes + eighth, &peak, &status))
			;
		ASSERT_EQ(0, kill(child, SIGKILL));
		while (is_below(child, LONG_MAX, &peak, &status))
			;
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_LE(self->bytes + eighth, peak);
		EXPECT_GT(self->bytes + 6 * eighth, peak);
		EXPECT_EQ(self->bytes, live_bytes());
	}
}

/* Too much by several at once: none of them may count on what others take. */
FIXTURE(several)
{
	struct quotas quotas;
};

FIXTURE_SETUP(several)
{
	ASSERT_EQ(0, quotas_lift(&self->quotas));
}

FIXTURE_TEARDOWN(several)
{
	EXPECT_EQ(0, quotas_write(&self->quotas));
}

TEST_F_TIMEOUT(several, that_take_too_much_wake_no_OOM_killer, PATIENCE)
{
	enum { COUNT = 4,
	       EACH = 8 };
	long kills = vmstat("oom_kill");
	int i, j, device, status, go[2];
	pid_t children[COUNT];
	char byte;

	ASSERT_EQ(0, pipe(go));
	for (i = 0; i < COUNT; i++) {
		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (children[i])
			continue;
		close(go[1]);
		if (read(go[0], &byte, 1))
			_exit(1);
		device = bufalloc_open(NULL);
		for (j = 0; j < EACH; j++)
			buffer_open(device, 256 * MIB, BUFALLOC_CACHING_COHERENT);
		_exit(0);
	}
	close(go[1]);
	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(children[i], waitpid(children[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(kills, vmstat("oom_kill"));
}

#define RIVALS 8
#define PIECE (64 * KIB)
#define ROUNDS 2000

/* What one of two came to who want more than there is, again and again. */
struct rival {
	int device;
	int rounds;
	int made;
	int refused;
	/* The first answer that was not as it should be. */
	int ret;
	uint32_t failed;
	uint32_t reason;
};

static bool is_told(const struct rival *rival)
{
	if (!rival->ret)
		return rival->failed == RIVALS &&
		       rival->reason == BUFALLOC_REASON_NONE;
	return rival->ret == -EDQUOT && rival->failed < RIVALS &&
	       rival->reason == BUFALLOC_REASON_SYSTEM_BYTES;
}

static void *compete(void *of)
{
	struct bufalloc_request requests[RIVALS];
	struct bufalloc_result results[RIVALS];
	struct rival *rival = of;
	int i, round;

	for (i = 0; i < RIVALS; i++)
		requests[i] = request_of(PIECE, BUFALLOC_CACHING_CACHED);
	for (round = 0; round < rival->rounds || !rival->made; round++) {
		rival->ret = bufalloc_alloc_batch(rival->device, requests,
						  results, RIVALS,
						  &rival->failed,
						  &rival->reason);
		if (!is_told(rival))
			break;
		rival->made += !rival->ret;
		rival->refused += rival->ret != 0;
		for (i = 0; !rival->ret && i < RIVALS; i++)
			close(results[i].fd);
	}
	return NULL;
}

/* Whoever failed beside another and then had all is told of the latter alone. */
TEST(rivals_are_told_what_became_of_them)
{
	struct rival rivals[2] = {};
	struct quotas quotas, low;
	pthread_t threads[2];
	int i;

	ASSERT_EQ(0, quotas_read(&quotas));
	low = quotas;
	/* Room for one and a half, and for all the buffers. */
	low.max[SYSTEM_BYTES] = live_bytes() + RIVALS * PIECE * 3 / 2 +
				(live_buffers() + 2 * RIVALS) * 4096;
	ASSERT_EQ(0, quotas_write(&low));
	for (i = 0; i < 2; i++) {
		rivals[i].rounds = rounds_of(ROUNDS);
		rivals[i].device = bufalloc_open(NULL);
		ASSERT_LE(0, rivals[i].device);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, compete,
					    &rivals[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		TH_LOG("%d times all, %d times nothing", rivals[i].made,
		       rivals[i].refused);
		EXPECT_TRUE(is_told(&rivals[i]))
		{
			TH_LOG("%d, request %u, reason %u", rivals[i].ret,
			       rivals[i].failed, rivals[i].reason);
		}
		EXPECT_LT(0, rivals[i].made);
		bufalloc_close(rivals[i].device);
	}
	EXPECT_EQ(0, quotas_write(&quotas));
}

TEST_HARNESS_MAIN

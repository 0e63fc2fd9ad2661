// SPDX-License-Identifier: MIT
/*
 * Numbers where they change what they mean: each field of each structure, sums that
 * pass the top of the address space, arrays that end too early, file descriptors of
 * anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "demo/display.h"
#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/guest.h"
#include "lib/imports.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANY (MAP_PRIVATE | MAP_ANONYMOUS)

/* Room for what the largest count and the largest size of an element need. */
#define ARRAY (BUFALLOC_MAX_BATCH * PAGE)

/* Cut down to the width of the field that they are put into. */
static const uint64_t numbers[] = {
	0,
	1,
	PAGE - 1,
	PAGE,
	PAGE + 1,
	(1ULL << 31) - 1,
	1ULL << 31,
	(1ULL << 32) - 1,
	1ULL << 32,
	(1ULL << 63) - 1,
	1ULL << 63,
	UINT64_MAX,
};

static int call(int device, unsigned long cmd, void *arg)
{
	return ioctl(device, cmd, arg) ? -errno : 0;
}

FIXTURE(limits)
{
	int device;
	int fds;
	long bytes;
	unsigned char *requests;
	unsigned char *results;
	struct bufalloc_alloc alloc;
	struct bufalloc_info info;
};

static unsigned char *pages_get(size_t length)
{
	unsigned char *pages = mmap(NULL, length, RW, ANY | MAP_NORESERVE, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

FIXTURE_SETUP(limits)
{
	struct bufalloc_request request = request_of(1, BUFALLOC_CACHING_CACHED);

	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->requests = pages_get(ARRAY);
	self->results = pages_get(ARRAY);
	ASSERT_NE(NULL, self->requests);
	ASSERT_NE(NULL, self->results);
	memcpy(self->requests, &request, sizeof(request));
	self->alloc = (struct bufalloc_alloc) {
		.size = sizeof(self->alloc),
		.requests = (uintptr_t)self->requests,
		.results = (uintptr_t)self->results,
		.request_size = sizeof(request),
		.result_size = sizeof(struct bufalloc_result),
		.count = 1,
	};
	ASSERT_EQ(0, bufalloc_get_info(self->device, &self->info));
	self->bytes = live_bytes();
	self->fds = open_fds();
}

FIXTURE_TEARDOWN(limits)
{
	/* Nothing half-done stays behind. */
	EXPECT_EQ(self->fds, open_fds());
	EXPECT_EQ(self->bytes, live_bytes());
	bufalloc_close(self->device);
}

/**
 * struct field - a field of a structure
 * @name: for people.
 * @offset: of it.
 * @width: of it, in bytes.
 * @expected: what the call says where it has that value.
 */
struct field {
	const char *name;
	size_t offset;
	size_t width;
	int (*expected)(const struct bufalloc_info *info, uint64_t value);
};

#define FIELD(type, field, expected) \
	{ \
#field, offsetof(struct type, field), \
			sizeof(((struct type *)0)->field), expected \
	}

static int ignored(const struct bufalloc_info *info, uint64_t value)
{
	return 0;
}

static int reserved(const struct bufalloc_info *info, uint64_t value)
{
	return value ? -EINVAL : 0;
}

static int index_of_heap(const struct bufalloc_info *info, uint64_t value)
{
	return value < info->out_heaps ? 0 : -ENOENT;
}

/* 0 and 1 are what the harness runs with: no buffers. */
static int fd_of_buffer(const struct bufalloc_info *info, uint64_t value)
{
	return value <= 1 ? -EINVAL : -EBADF;
}

static int size_from(uint64_t value, uint64_t least)
{
	if (value < least)
		return -EINVAL;
	return value > PAGE ? -E2BIG : 0;
}

static int size_of_info(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 72);
}

static int size_of_heap(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 88);
}

/* Where the size is right, the file descriptor is none. */
static int size_of_query(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 56) ?: -EBADF;
}

static int size_of_alloc(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 48);
}

static int size_of_request(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 48);
}

static int size_of_result(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 32);
}

static int count(const struct bufalloc_info *info, uint64_t value)
{
	if (value > BUFALLOC_MAX_BATCH)
		return -E2BIG;
	return value ? 0 : -EINVAL;
}

static int address(const struct bufalloc_info *info, uint64_t value)
{
	return -EFAULT;
}

/* What there may or may not be memory for is not asked for. */
static int length(const struct bufalloc_info *info, uint64_t value)
{
	if (!value || value > info->out_max_length)
		return -EINVAL;
	return value <= PAGE + 1 ? 0 : 1;
}

static int caching(const struct bufalloc_info *info, uint64_t value)
{
	return value > BUFALLOC_CACHING_CACHED ? -EINVAL : 0;
}

static int flags(const struct bufalloc_info *info, uint64_t value)
{
	const uint64_t fixed = BUFALLOC_ALLOC_CONTIGUOUS |
			       BUFALLOC_ALLOC_ANY_CACHING;

	if (value > (fixed | BUFALLOC_ALLOC_DEFERRED | BUFALLOC_ALLOC_PAGEABLE))
		return -EINVAL;
	return value & BUFALLOC_ALLOC_PAGEABLE && value & fixed ? -EINVAL : 0;
}

static int fd_flags(const struct bufalloc_info *info, uint64_t value)
{
	return value & ~(uint64_t)(O_RDWR | O_CLOEXEC) ? -EINVAL : 0;
}

static int heap(const struct bufalloc_info *info, uint64_t value)
{
	return value < info->out_heaps || value == BUFALLOC_HEAP_ANY ? 0 : -ENOENT;
}

static int dma_bits(const struct bufalloc_info *info, uint64_t value)
{
	return value ? -EINVAL : 0;
}

/* One page is one segment, and no more than a limit of the page allocator asks. */
static int alignment(const struct bufalloc_info *info, uint64_t value)
{
	if (value & (value - 1) || value > BUFALLOC_MAX_ALIGNMENT)
		return -EINVAL;
	return value <= PAGE ? 0 : 1;
}

/* Beside a page. */
static int padding(const struct bufalloc_info *info, uint64_t value)
{
	if (value > info->out_max_length - PAGE)
		return -EINVAL;
	return value <= PAGE + 1 ? 0 : 1;
}

static void field_set(void *structure, const struct field *field, uint64_t value)
{
	uint32_t narrow = value;

	if (field->width == sizeof(narrow))
		memcpy((char *)structure + field->offset, &narrow, sizeof(narrow));
	else
		memcpy((char *)structure + field->offset, &value, sizeof(value));
}

static uint64_t cut(const struct field *field, uint64_t value)
{
	return field->width == sizeof(uint32_t) ? (uint32_t)value : value;
}

static const struct field info_fields[] = {
	FIELD(bufalloc_info, size, size_of_info),
	FIELD(bufalloc_info, out_abi_version, ignored),
	FIELD(bufalloc_info, out_features, ignored),
	FIELD(bufalloc_info, out_page_size, ignored),
	FIELD(bufalloc_info, out_heaps, ignored),
	FIELD(bufalloc_info, out_max_batch, ignored),
	FIELD(bufalloc_info, out_buffer_cost, ignored),
	FIELD(bufalloc_info, out_max_length, ignored),
	FIELD(bufalloc_info, out_client_bytes, ignored),
	FIELD(bufalloc_info, out_client_buffers, ignored),
	FIELD(bufalloc_info, out_system_bytes, ignored),
	FIELD(bufalloc_info, out_system_buffers, ignored),
	FIELD(bufalloc_info, out_user_bytes, ignored),
	FIELD(bufalloc_info, out_user_buffers, ignored),
	FIELD(bufalloc_info, out_user_bytes_max, ignored),
	FIELD(bufalloc_info, out_user_buffers_max, ignored),
	FIELD(bufalloc_info, out_system_bytes_max, ignored),
	FIELD(bufalloc_info, out_system_buffers_max, ignored),
};

static const struct field heap_fields[] = {
	FIELD(bufalloc_heap, size, size_of_heap),
	FIELD(bufalloc_heap, index, index_of_heap),
	FIELD(bufalloc_heap, out_dma_bits, ignored),
	FIELD(bufalloc_heap, out_cachings, ignored),
	FIELD(bufalloc_heap, out_memtype_wc, ignored),
	FIELD(bufalloc_heap, out_memtype_coherent, ignored),
	FIELD(bufalloc_heap, out_memtype_cached, ignored),
	FIELD(bufalloc_heap, out_flags, ignored),
	FIELD(bufalloc_heap, out_bytes_total, ignored),
	FIELD(bufalloc_heap, out_bytes_used, ignored),
	FIELD(bufalloc_heap, out_contiguous, ignored),
};

/* What is ignored lets the call go on to a file descriptor that is none. */
static int ignored_by_query(const struct bufalloc_info *info, uint64_t value)
{
	return -EBADF;
}

static int reserved_of_query(const struct bufalloc_info *info, uint64_t value)
{
	return value ? -EINVAL : -EBADF;
}

static const struct field query_fields[] = {
	FIELD(bufalloc_query, size, size_of_query),
	FIELD(bufalloc_query, fd, fd_of_buffer),
	FIELD(bufalloc_query, out_length, ignored_by_query),
	FIELD(bufalloc_query, out_caching, ignored_by_query),
	FIELD(bufalloc_query, out_memtype, ignored_by_query),
	FIELD(bufalloc_query, out_heap, ignored_by_query),
	FIELD(bufalloc_query, out_state, ignored_by_query),
	FIELD(bufalloc_query, out_chunks, ignored_by_query),
	FIELD(bufalloc_query, out_segments, ignored_by_query),
	FIELD(bufalloc_query, out_attachments, ignored_by_query),
	FIELD(bufalloc_query, __reserved, reserved_of_query),
	FIELD(bufalloc_query, out_max_cpu_page, ignored_by_query),
	FIELD(bufalloc_query, out_refusals, ignored_by_query),
	FIELD(bufalloc_query, out_refusal, ignored_by_query),
	FIELD(bufalloc_query, out_resident, ignored_by_query),
};

static const struct field alloc_fields[] = {
	FIELD(bufalloc_alloc, size, size_of_alloc),
	FIELD(bufalloc_alloc, flags, reserved),
	FIELD(bufalloc_alloc, requests, address),
	FIELD(bufalloc_alloc, results, address),
	FIELD(bufalloc_alloc, request_size, size_of_request),
	FIELD(bufalloc_alloc, result_size, size_of_result),
	FIELD(bufalloc_alloc, count, count),
	FIELD(bufalloc_alloc, out_failed, ignored),
	FIELD(bufalloc_alloc, out_reason, ignored),
	FIELD(bufalloc_alloc, __reserved, reserved),
};

static const struct field request_fields[] = {
	FIELD(bufalloc_request, length, length),
	FIELD(bufalloc_request, caching, caching),
	FIELD(bufalloc_request, flags, flags),
	FIELD(bufalloc_request, fd_flags, fd_flags),
	FIELD(bufalloc_request, heap, heap),
	FIELD(bufalloc_request, dma_bits, dma_bits),
	FIELD(bufalloc_request, max_segments, ignored),
	FIELD(bufalloc_request, alignment, alignment),
	FIELD(bufalloc_request, padding, padding),
	FIELD(bufalloc_request, address, reserved),
};

/* Each number in each field of a call that takes nothing and keeps nothing. */
#define EXPECT_FIELDS(fields, cmd, page, fresh) \
	do { \
		unsigned int i, j; \
		for (i = 0; i < ARRAY_SIZE(fields); i++) { \
			for (j = 0; j < ARRAY_SIZE(numbers); j++) { \
				memset(page, 0, 2 * PAGE); \
				memcpy(page, &(fresh), sizeof(fresh)); \
				field_set(page, &(fields)[i], numbers[j]); \
				EXPECT_EQ((fields)[i].expected(&self->info, \
							       cut(&(fields)[i], numbers[j])), \
					  call(self->device, cmd, page)) \
				{ \
					TH_LOG("%s is %#llx", (fields)[i].name, \
					       (unsigned long long)numbers[j]); \
				} \
			} \
		} \
	} while (0)

TEST_F(limits, fields_of_info)
{
	struct bufalloc_info fresh = { .size = sizeof(fresh) };

	EXPECT_FIELDS(info_fields, BUFALLOC_IOCTL_INFO, self->results, fresh);
}

TEST_F(limits, fields_of_heap)
{
	struct bufalloc_heap fresh = { .size = sizeof(fresh) };

	EXPECT_FIELDS(heap_fields, BUFALLOC_IOCTL_HEAP, self->results, fresh);
}

TEST_F(limits, fields_of_query)
{
	struct bufalloc_query fresh = { .size = sizeof(fresh), .fd = -1 };

	EXPECT_FIELDS(query_fields, BUFALLOC_IOCTL_QUERY, self->results, fresh);
}

static int size_of_commit(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 32);
}

/* Of one that has its memory, so that nothing is taken. */
static const struct field commit_fields[] = {
	FIELD(bufalloc_commit, size, size_of_commit),
	FIELD(bufalloc_commit, flags, reserved),
	FIELD(bufalloc_commit, fds, address),
	FIELD(bufalloc_commit, out_failed, ignored),
	FIELD(bufalloc_commit, out_reason, ignored),
	FIELD(bufalloc_commit, __reserved, reserved),
};

TEST_F(limits, fields_of_commit)
{
	int fd = buffer_open(self->device, PAGE, BUFALLOC_CACHING_CACHED);
	struct bufalloc_commit fresh = {
		.size = sizeof(fresh),
		.fds = (uintptr_t)&fd,
		.count = 1,
	};

	ASSERT_LE(0, fd);
	EXPECT_FIELDS(commit_fields, BUFALLOC_IOCTL_COMMIT, self->results, fresh);
	close(fd);
}

static int size_of_sync(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 32);
}

/* In a page. */
static int offset_in_page(const struct bufalloc_info *info, uint64_t value)
{
	return value < PAGE ? 0 : -EINVAL;
}

static int length_in_page(const struct bufalloc_info *info, uint64_t value)
{
	return value && value <= PAGE ? 0 : -EINVAL;
}

/* To read or to write, or both, before or behind. */
static int flags_of_sync(const struct bufalloc_info *info, uint64_t value)
{
	return value & 3 && value < 8 ? 0 : -EINVAL;
}

static const struct field sync_fields[] = {
	FIELD(bufalloc_sync, size, size_of_sync),
	FIELD(bufalloc_sync, fd, fd_of_buffer),
	FIELD(bufalloc_sync, offset, offset_in_page),
	FIELD(bufalloc_sync, length, length_in_page),
	FIELD(bufalloc_sync, flags, flags_of_sync),
	FIELD(bufalloc_sync, __reserved, reserved),
};

TEST_F(limits, fields_of_sync)
{
	int fd = buffer_open(self->device, PAGE, BUFALLOC_CACHING_CACHED);
	struct bufalloc_sync fresh = {
		.size = sizeof(fresh),
		.fd = fd,
		.length = 1,
		.flags = 1,
	};

	ASSERT_LE(0, fd);
	EXPECT_FIELDS(sync_fields, BUFALLOC_IOCTL_SYNC, self->results, fresh);
	close(fd);
}

static int size_of_advise(const struct bufalloc_info *info, uint64_t value)
{
	return size_from(value, 24) ?: -EBADF;
}

static int advice(const struct bufalloc_info *info, uint64_t value)
{
	return value > BUFALLOC_ADVICE_DONTNEED ? -EINVAL : -EBADF;
}

static const struct field advise_fields[] = {
	FIELD(bufalloc_advise, size, size_of_advise),
	FIELD(bufalloc_advise, fd, fd_of_buffer),
	FIELD(bufalloc_advise, advice, advice),
	FIELD(bufalloc_advise, out_retained, ignored_by_query),
	FIELD(bufalloc_advise, out_reason, ignored_by_query),
	FIELD(bufalloc_advise, __reserved, reserved_of_query),
};

TEST_F(limits, fields_of_advise)
{
	struct bufalloc_advise fresh = { .size = sizeof(fresh), .fd = -1 };

	EXPECT_FIELDS(advise_fields, BUFALLOC_IOCTL_ADVISE, self->results, fresh);
}

/* The buffers of a call that succeeded go at once. */
static int alloc_and_close(int device, struct bufalloc_alloc *alloc)
{
	const unsigned char *results = (unsigned char *)(uintptr_t)alloc->results;
	struct bufalloc_result result;
	uint32_t i;
	int ret;

	ret = call(device, BUFALLOC_IOCTL_ALLOC, alloc);
	for (i = 0; !ret && i < alloc->count; i++) {
		memcpy(&result, results + i * alloc->result_size, sizeof(result));
		if (close(result.fd))
			return -errno;
	}
	return ret;
}

TEST_F(limits, fields_of_alloc)
{
	unsigned char *page = pages_get(2 * PAGE);
	const struct field *field;
	unsigned int i, j;

	ASSERT_NE(NULL, page);
	for (i = 0; i < ARRAY_SIZE(alloc_fields); i++) {
		field = &alloc_fields[i];
		for (j = 0; j < ARRAY_SIZE(numbers); j++) {
			memset(page, 0, 2 * PAGE);
			memcpy(page, &self->alloc, sizeof(self->alloc));
			field_set(page, field, numbers[j]);
			EXPECT_EQ(field->expected(&self->info, cut(field, numbers[j])),
				  alloc_and_close(self->device, (void *)page))
			{
				TH_LOG("%s is %#llx", field->name,
				       (unsigned long long)numbers[j]);
			}
		}
	}
}

TEST_F(limits, fields_of_a_request)
{
	struct bufalloc_request request;
	const struct field *field;
	unsigned int i, j;
	int expected;

	for (i = 0; i < ARRAY_SIZE(request_fields); i++) {
		field = &request_fields[i];
		for (j = 0; j < ARRAY_SIZE(numbers); j++) {
			expected = field->expected(&self->info, cut(field, numbers[j]));
			if (expected > 0)
				continue;
			request = request_of(1, BUFALLOC_CACHING_CACHED);
			/* Whether a machine has this caching is no limit. */
			request.flags = BUFALLOC_ALLOC_ANY_CACHING;
			field_set(&request, field, numbers[j]);
			memcpy(self->requests, &request, sizeof(request));
			EXPECT_EQ(expected, alloc_and_close(self->device, &self->alloc))
			{
				TH_LOG("%s is %#llx", field->name,
				       (unsigned long long)numbers[j]);
			}
		}
	}
}

/* The largest array of the largest elements, and one more. */
TEST_F(limits, count_and_sizes_together)
{
	struct bufalloc_request request = request_of(1, BUFALLOC_CACHING_CACHED);
	uint32_t i;

	for (i = 0; i < BUFALLOC_MAX_BATCH; i++)
		memcpy(self->requests + i * PAGE, &request, sizeof(request));
	self->alloc.request_size = PAGE;
	self->alloc.result_size = PAGE;
	self->alloc.count = BUFALLOC_MAX_BATCH;
	EXPECT_EQ(0, alloc_and_close(self->device, &self->alloc));

	/* The last byte of the last element is looked at. */
	self->requests[ARRAY - 1] = 1;
	EXPECT_EQ(-E2BIG, alloc_and_close(self->device, &self->alloc));
	EXPECT_EQ(BUFALLOC_MAX_BATCH - 1, self->alloc.out_failed);

	self->alloc.count++;
	EXPECT_EQ(-E2BIG, alloc_and_close(self->device, &self->alloc));
	EXPECT_EQ(self->alloc.count, self->alloc.out_failed);
}

/* From each of these addresses the array goes on past the last one, to zero. */
TEST_F(limits, arrays_do_not_wrap)
{
	static const uint64_t before_the_top[] = { 1, 8, 32, 48, 96, PAGE, ARRAY };
	unsigned int i;

	self->alloc.count = BUFALLOC_MAX_BATCH;
	for (i = 0; i < ARRAY_SIZE(before_the_top); i++) {
		self->alloc.requests = UINTPTR_MAX - before_the_top[i] + 1;
		EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
		EXPECT_EQ(0, self->alloc.out_failed);
	}
	self->alloc.count = 1;
	self->alloc.requests = (uintptr_t)self->requests;
	for (i = 0; i < ARRAY_SIZE(before_the_top); i++) {
		self->alloc.results = UINTPTR_MAX - before_the_top[i] + 1;
		EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
		EXPECT_EQ(0, self->alloc.out_failed);
	}
}

static bool is_user_space(uintptr_t page)
{
	void *at = mmap((void *)page, PAGE, RW, ANY | MAP_FIXED_NOREPLACE, -1, 0);

	if (at == MAP_FAILED)
		return errno == EEXIST;
	munmap(at, PAGE);
	return at == (void *)page;
}

/* The last page that a process can have, by halving; mapped. */
static unsigned char *page_at_the_top(void)
{
	uintptr_t low = PAGE * 1024, high = UINTPTR_MAX - PAGE + 1, middle;
	void *page;

	while (high - low > PAGE) {
		middle = (low + (high - low) / 2) & ~(PAGE - 1);
		if (is_user_space(middle))
			low = middle;
		else
			high = middle;
	}
	page = mmap((void *)low, PAGE, RW, ANY | MAP_FIXED_NOREPLACE, -1, 0);
	return page == MAP_FAILED ? NULL : page;
}

#define BEGUN "BUFALLOC_LIMITS_BEGUN"

/*
 * Now and then a process begins with its stack or its vdso there: it begins again. Not
 * for ever: where addresses are not chosen by chance, they are the same each time.
 */
__attribute__((constructor)) static void begin_without_it(int argc, char **argv)
{
	unsigned char *page = page_at_the_top();
	const char *before = getenv(BEGUN);
	char times[2] = { before ? *before + 1 : '1' };

	if (page)
		munmap(page, PAGE);
	else if (times[0] <= '9' && !setenv(BEGUN, times, 1))
		execv("/proc/self/exe", argv);
}

TEST_F(limits, arrays_end_with_the_user_s_addresses)
{
	struct bufalloc_request request = request_of(1, BUFALLOC_CACHING_CACHED);
	unsigned char *page = page_at_the_top();
	size_t size = sizeof(struct bufalloc_result);

	ASSERT_NE(NULL, page);
	memcpy(page + PAGE - sizeof(request), &request, sizeof(request));
	self->alloc.requests = (uintptr_t)page + PAGE - sizeof(request);
	EXPECT_EQ(0, alloc_and_close(self->device, &self->alloc));
	self->alloc.count = 2;
	EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
	EXPECT_EQ(1, self->alloc.out_failed);

	memcpy(self->requests + sizeof(request), &request, sizeof(request));
	self->alloc.requests = (uintptr_t)self->requests;
	self->alloc.results = (uintptr_t)page + PAGE - size;
	EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
	EXPECT_EQ(1, self->alloc.out_failed);
	self->alloc.count = 1;
	EXPECT_EQ(0, alloc_and_close(self->device, &self->alloc));
	munmap(page, PAGE);
}

/* A page, and nothing or one that can only be read behind it. */
static unsigned char *page_before(int prot)
{
	unsigned char *pages = pages_get(2 * PAGE);

	if (pages && mprotect(pages + PAGE, PAGE, prot))
		return NULL;
	return pages;
}

/* An element that begins where memory is and ends where none is, at each word. */
TEST_F(limits, requests_cut_in_the_middle)
{
	size_t size = sizeof(struct bufalloc_request), there;
	unsigned char *page = page_before(PROT_NONE);

	ASSERT_NE(NULL, page);
	for (there = 4; there < size; there += 4) {
		memcpy(page + PAGE - there, self->requests, there);
		self->alloc.requests = (uintptr_t)page + PAGE - there;
		EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
		EXPECT_EQ(0, self->alloc.out_failed);
		EXPECT_EQ(BUFALLOC_REASON_NONE, self->alloc.out_reason);
	}
}

TEST_F(limits, results_cut_in_the_middle)
{
	static const int rights[] = { PROT_NONE, PROT_READ };
	size_t size = sizeof(struct bufalloc_result), there;
	unsigned char *page;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		page = page_before(rights[i]);
		ASSERT_NE(NULL, page);
		for (there = 4; there < size; there += 4) {
			self->alloc.results = (uintptr_t)page + PAGE - there;
			EXPECT_EQ(-EFAULT,
				  alloc_and_close(self->device, &self->alloc));
			EXPECT_EQ(0, self->alloc.out_failed);
		}
	}
}

/* What lies behind a result that is longer than the kernel's cannot be cleared. */
TEST_F(limits, tail_of_a_result_on_a_read_only_page)
{
	unsigned char *page = page_before(PROT_READ);

	ASSERT_NE(NULL, page);
	self->alloc.result_size = sizeof(struct bufalloc_result) + 8;
	self->alloc.results = (uintptr_t)page + PAGE - sizeof(struct bufalloc_result);
	EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
}

TEST_F(limits, results_on_a_read_only_page)
{
	ASSERT_EQ(0, mprotect(self->results, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, alloc_and_close(self->device, &self->alloc));
	EXPECT_EQ(0, self->alloc.out_failed);
}

/* Longer than the kernel's, and cut where the kernel's own ends. */
TEST_F(limits, call_whose_tail_is_unreadable)
{
	unsigned char *page = page_before(PROT_NONE);
	struct bufalloc_alloc *alloc;

	ASSERT_NE(NULL, page);
	alloc = (void *)(page + PAGE - sizeof(*alloc));
	*alloc = self->alloc;
	alloc->size = PAGE;
	EXPECT_EQ(-EFAULT, call(self->device, BUFALLOC_IOCTL_ALLOC, alloc));
	alloc->size = sizeof(*alloc);
	EXPECT_EQ(0, alloc_and_close(self->device, alloc));
}

/* All requests are read before a result is written. */
TEST_F(limits, results_over_the_requests)
{
	enum { COUNT = 16 };
	size_t size = sizeof(struct bufalloc_request), shift;
	struct bufalloc_result result;
	uint32_t i;

	for (shift = 0; shift <= size; shift += 8) {
		for (i = 0; i < COUNT; i++) {
			struct bufalloc_request request =
				request_of((i + 1) * PAGE, BUFALLOC_CACHING_CACHED);

			memcpy(self->requests + i * size, &request, size);
		}
		self->alloc.count = COUNT;
		self->alloc.results = self->alloc.requests + shift;
		ASSERT_EQ(0, call(self->device, BUFALLOC_IOCTL_ALLOC, &self->alloc));
		for (i = 0; i < COUNT; i++) {
			memcpy(&result, self->requests + shift + i * sizeof(result),
			       sizeof(result));
			EXPECT_EQ((i + 1) * PAGE, result.length);
			EXPECT_EQ((i + 1) * PAGE, lseek(result.fd, 0, SEEK_END));
			EXPECT_EQ(0, close(result.fd));
		}
	}
}

/* The call is written last, and so it is what the kernel says of it. */
TEST_F(limits, results_over_the_call)
{
	int next = dup(self->device);

	close(next);
	self->alloc.results = (uintptr_t)&self->alloc;
	EXPECT_EQ(0, call(self->device, BUFALLOC_IOCTL_ALLOC, &self->alloc));
	EXPECT_EQ(sizeof(self->alloc), self->alloc.size);
	EXPECT_EQ((uintptr_t)self->requests, self->alloc.requests);
	EXPECT_EQ(1, self->alloc.out_failed);
	EXPECT_EQ(PAGE, lseek(next, 0, SEEK_END));
	EXPECT_EQ(0, close(next));
}

/*
 * Where a long has 32 bits, the core refuses what ends above its largest number before
 * it asks anybody. (The C library refuses what no page number can say.)
 */
static int unless_past_long(uint64_t offset, size_t length, int expected)
{
	if (sizeof(long) == 4 && offset < 1ULL << 44 && offset + length > UINT32_MAX)
		return -EOVERFLOW;
	return expected;
}

/* A buffer of two pages, mapped at each offset, and of each length. */
TEST_F(limits, offsets_and_lengths_of_mmap)
{
	/* The end of the last one is what the numbers of files end with. */
	static const struct {
		uint64_t offset;
		size_t length;
		int expected;
	} maps[] = {
		{ 0, 0, -EINVAL },
		{ 0, 1, 0 },
		{ 0, PAGE - 1, 0 },
		{ 0, PAGE, 0 },
		{ 0, PAGE + 1, 0 },
		{ 0, 2 * PAGE, 0 },
		{ 0, 2 * PAGE + 1, -EINVAL },
		{ 0, 1UL << 30, -EINVAL },
		{ PAGE, PAGE, 0 },
		{ PAGE, PAGE + 1, -EINVAL },
		{ 2 * PAGE, 1, -EINVAL },
		{ (1ULL << 31) - PAGE, PAGE, -EINVAL },
		{ 1ULL << 31, PAGE, -EINVAL },
		{ (1ULL << 32) - PAGE, PAGE, -EINVAL },
		{ 1ULL << 32, PAGE, -EINVAL },
		{ 1ULL << 32, 2 * PAGE, -EINVAL },
		{ (1ULL << 63) - PAGE, PAGE, -EINVAL },
		{ 1ULL << 63, PAGE, -EINVAL },
		{ -2 * PAGE, PAGE, -EINVAL },
		{ -2 * PAGE, 2 * PAGE, sizeof(long) == 8 ? -EOVERFLOW : -EINVAL },
		{ -PAGE, PAGE, sizeof(long) == 8 ? -EOVERFLOW : -EINVAL },
		{ -PAGE, 2 * PAGE, sizeof(long) == 8 ? -EOVERFLOW : -EINVAL },
	};
	int fd = buffer_open(self->device, 2 * PAGE, BUFALLOC_CACHING_CACHED);
	unsigned int i;
	void *bytes;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		bytes = mmap(NULL, maps[i].length, RW, MAP_SHARED, fd, maps[i].offset);
		EXPECT_EQ(unless_past_long(maps[i].offset, maps[i].length,
					   maps[i].expected),
			  bytes == MAP_FAILED ? -errno : 0)
		{
			TH_LOG("%#zx at %#llx", maps[i].length,
			       (unsigned long long)maps[i].offset);
		}
		if (bytes != MAP_FAILED)
			munmap(bytes, maps[i].length);
	}
	close(fd);
}

/* The same where the dma-buf core does not look at them first. */
TEST_F(limits, offsets_of_mmap_without_the_core)
{
	static const struct {
		uint64_t offset;
		size_t length;
		int expected;
	} maps[] = {
		{ 0, 2 * PAGE, 0 },
		{ PAGE, PAGE, 0 },
		{ 0, 2 * PAGE + 1, -EINVAL },
		{ 0, 1UL << 30, -EINVAL },
		{ PAGE, 2 * PAGE, -EINVAL },
		{ 2 * PAGE, PAGE, -EINVAL },
		{ (1ULL << 31) - PAGE, 2 * PAGE, -EINVAL },
		{ 1ULL << 31, PAGE, -EINVAL },
		{ (1ULL << 32) - PAGE, PAGE, -EINVAL },
		{ (1ULL << 32) - PAGE, 2 * PAGE, -EINVAL },
	};
	int fd = buffer_open(self->device, 2 * PAGE, BUFALLOC_CACHING_CACHED);
	int importer = importer_open();
	unsigned int i;
	void *bytes;
	off_t start;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, importer);
	start = importer_attach(importer, fd, IMPORTER_DEVICE_64) * IMPORTER_MMAP_STEP;
	ASSERT_LE(0, start);
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		bytes = mmap(NULL, maps[i].length, RW, MAP_SHARED, importer,
			     start + maps[i].offset);
		EXPECT_EQ(unless_past_long(maps[i].offset, maps[i].length,
					   maps[i].expected),
			  bytes == MAP_FAILED ? -errno : 0)
		{
			TH_LOG("%#zx at %#llx", maps[i].length,
			       (unsigned long long)maps[i].offset);
		}
		if (bytes != MAP_FAILED)
			munmap(bytes, maps[i].length);
	}
	close(importer);
	close(fd);
}

static int query(int device, int fd)
{
	struct bufalloc_query query;

	return bufalloc_query(device, fd, &query);
}

TEST_F(limits, numbers_of_no_fd_are_EBADF)
{
	int numbers[] = { -1, -2, INT_MIN, INT_MAX, 1 << 20, 1023 };
	int fd = buffer_open(self->device, PAGE, BUFALLOC_CACHING_CACHED);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		EXPECT_EQ(-EBADF, query(self->device, numbers[i]));
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, query(self->device, fd));
	close(fd);
	EXPECT_EQ(-EBADF, query(self->device, fd));
}

TEST_F(limits, fd_of_another_file_is_EINVAL)
{
	int files[] = {
		memfd_create("none", MFD_CLOEXEC),
		open("/dev/null", O_RDWR | O_CLOEXEC),
		open("/proc/self/maps", O_RDONLY | O_CLOEXEC),
		open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
		epoll_create1(EPOLL_CLOEXEC),
		importer_open(),
		bufalloc_open(NULL),
	};
	int pipes[2], path;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_LE(0, files[i]);
		EXPECT_EQ(-EINVAL, query(self->device, files[i]));
		close(files[i]);
	}
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	EXPECT_EQ(-EINVAL, query(self->device, pipes[0]));
	EXPECT_EQ(-EINVAL, query(self->device, pipes[1]));
	close(pipes[0]);
	close(pipes[1]);
	/* A place in the file system only, and no open file. */
	path = open("/dev/null", O_PATH | O_CLOEXEC);
	EXPECT_EQ(-EBADF, query(self->device, path));
	close(path);
}

static int dma_buf_of_a_heap(void)
{
	struct dma_heap_allocation_data data = {
		.len = PAGE,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	int ret;

	if (heap < 0)
		return -ENODEV;
	ret = call(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	close(heap);
	return ret ? ret : (int)data.fd;
}

/* One that is not ours: of vgem, or of a kernel's own heap where that is missing. */
static int foreign_dma_buf(void)
{
	uint32_t handle, pitch;
	uint64_t size;
	int drm = display_find("vgem");
	int fd = -1;

	if (drm < 0)
		return dma_buf_of_a_heap();
	if (!drmModeCreateDumbBuffer(drm, 64, 64, 32, 0, &handle, &pitch, &size) &&
	    drmPrimeHandleToFD(drm, handle, DRM_RDWR | DRM_CLOEXEC, &fd))
		fd = -EIO;
	close(drm);
	return fd;
}

TEST_F(limits, dma_buf_of_another_driver_is_EINVAL)
{
	int fd = foreign_dma_buf();
	uint32_t failed, reason;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, query(self->device, fd));
	EXPECT_EQ(-EINVAL, bufalloc_commit(self->device, &fd, 1, &failed, &reason));
	EXPECT_EQ(BUFALLOC_REASON_FD, reason);
	EXPECT_EQ(-EINVAL, bufalloc_advise(self->device, fd,
					   BUFALLOC_ADVICE_DONTNEED, NULL));
	EXPECT_EQ(-EINVAL, bufalloc_begin_cpu_access_range(self->device, fd, 0, 1,
							   DMA_BUF_SYNC_RW));
	close(fd);
}

TEST_HARNESS_MAIN

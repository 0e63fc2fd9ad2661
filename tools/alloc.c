// SPDX-License-Identifier: MIT
/* bufalloc alloc: allocate, show what was obtained, fill it, hold it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* A heap's name comes first: it could be a number. */
static int find_heap(int device, struct wish *wish)
{
	uint32_t *index = &wish->request.heap;
	struct bufalloc_heap heap;
	uint64_t number;
	uint32_t i;
	int ret;

	if (!wish->heap)
		return 0;
	ret = bufalloc_find_heap(device, wish->heap, index);
	if (ret != -ENOENT)
		return ret;
	if (parse_number(wish->heap, UINT32_MAX - 1, &number)) {
		*index = number;
		return 0;
	}
	fprintf(stderr, "bufalloc alloc: no heap is called \"%s\"; the heaps are:", wish->heap);
	for (i = 0; !bufalloc_get_heap(device, i, &heap); i++)
		fprintf(stderr, " %s", heap.out_name);
	fputc('\n', stderr);
	return ret;
}

/* All are filled before the first is read: memory used twice shows. */
static int fill_all(const struct wish *wish, const struct obtained *obtained)
{
	struct mismatch mismatch;
	bool same = true;
	uint32_t i;
	int ret;

	for (i = 0; i < wish->count; i++) {
		ret = fill_buffer(&wish->fill, i, obtained[i].fd, obtained[i].query.out_length);
		if (ret)
			goto failed;
	}
	for (i = 0; i < wish->count; i++) {
		ret = verify_buffer(&wish->fill, i, obtained[i].fd, obtained[i].query.out_length,
				    &same, &mismatch);
		if (ret)
			goto failed;
		if (same)
			continue;
		fprintf(stderr,
			"bufalloc alloc: buffer %u is wrong at offset %#llx: wrote %#llx, read %#llx\n",
			i, (unsigned long long)mismatch.offset, (unsigned long long)mismatch.wrote,
			(unsigned long long)mismatch.read);
		return -EIO;
	}
	return 0;
failed:
	fprintf(stderr, "bufalloc alloc: cannot fill buffer %u: %s\n", i, strerror(-ret));
	return ret;
}

static int hold_all(const struct wish *wish)
{
	int ret;

	fprintf(stderr, "Held by process %d; %s gives %s back.\n", getpid(),
		wish->hold_seconds < 0 ? "Enter or Ctrl-C" : "the end of the time or Ctrl-C",
		wish->count > 1 ? "them" : "it");
	ret = hold(wish->hold_seconds);
	if (ret)
		fprintf(stderr, "bufalloc alloc: cannot wait: %s\n", strerror(-ret));
	return ret;
}

static int use(int device, const struct wish *wish, const struct bufalloc_result *results,
	       struct obtained *obtained)
{
	int ret, fill_ret = 0;
	uint32_t i;

	for (i = 0; i < wish->count; i++) {
		ret = look_at(device, wish, results[i].fd, &obtained[i]);
		if (ret) {
			fprintf(stderr, "bufalloc alloc: buffer %u was made, but: %s\n", i,
				strerror(-ret));
			return FAILED;
		}
	}
	if (wish->has_fill)
		fill_ret = fill_all(wish, obtained);
	show_obtained(wish, obtained, wish->has_fill && !fill_ret);
	if (finish_output(DONE) || fill_ret)
		return FAILED;
	if (wish->has_hold && hold_all(wish))
		return FAILED;
	return DONE;
}

static void no_device(const struct wish *wish, int err)
{
	if (wish->json)
		json_error(strerror(err));
	trouble_open(wish->device, err);
}

static void refused(const struct wish *wish, int err, uint32_t failed, uint32_t reason)
{
	char where[64] = "";

	if (wish->count > 1 && failed < wish->count)
		snprintf(where, sizeof(where), " at buffer %u (of 0 to %u), so none was done",
			 failed, wish->count - 1);
	trouble_refused("alloc", where, err, reason);
}

static int allocate(int device, struct wish *wish)
{
	struct bufalloc_request requests[BUFALLOC_MAX_BATCH];
	struct bufalloc_result results[BUFALLOC_MAX_BATCH];
	static struct obtained obtained[BUFALLOC_MAX_BATCH];
	uint32_t i, failed, reason;
	int ret;

	for (i = 0; i < wish->count; i++)
		requests[i] = wish->request;
	ret = bufalloc_alloc_batch(device, requests, results, wish->count, &failed, &reason);
	if (ret == -ENOTTY) {
		no_device(wish, ENOTTY);
		return FAILED;
	}
	if (ret) {
		if (wish->json)
			json_refused(-ret, failed, reason);
		fflush(stdout);
		refused(wish, -ret, failed, reason);
		return FAILED;
	}
	ret = use(device, wish, results, obtained);
	for (i = 0; i < wish->count; i++)
		close(results[i].fd);
	return ret;
}

static int run(struct wish *wish)
{
	int device = open_device(wish->device);
	int ret;

	if (device < 0) {
		no_device(wish, -device);
		return FAILED;
	}
	ret = find_heap(device, wish);
	if (ret == -ENOENT)
		ret = FAILED;
	else if (ret)
		no_device(wish, -ret);
	else
		ret = allocate(device, wish);
	bufalloc_close(device);
	return ret < 0 ? FAILED : ret;
}

int verb_alloc(int argc, char **argv)
{
	struct wish wish;
	int status = parse_wish(&wish, argc, argv);

	return status == PROCEED ? run(&wish) : status;
}

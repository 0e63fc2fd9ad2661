// SPDX-License-Identifier: MIT
/* bufalloc alloc: allocate buffers, show them, fill them, hold them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* Look for a name first: the name of a heap could be a number. */
static int find_heap(int device, struct alloc_options *opts)
{
	uint32_t *index = &opts->request.heap;
	struct bufalloc_heap heap;
	uint64_t number;
	uint32_t i;
	int ret;

	if (!opts->heap)
		return 0;
	ret = bufalloc_find_heap(device, opts->heap, index);
	if (ret != -ENOENT)
		return ret;
	if (parse_number(opts->heap, UINT32_MAX - 1, &number)) {
		*index = number;
		return 0;
	}
	fprintf(stderr, "bufalloc alloc: no heap is called \"%s\"; the heaps are:", opts->heap);
	for (i = 0; !bufalloc_get_heap(device, i, &heap); i++)
		fprintf(stderr, " %s", heap.out_name);
	fputc('\n', stderr);
	return ret;
}

/* Fill all buffers before the first is read: so memory that two buffers share is found. */
static int fill_all(const struct alloc_options *opts, const struct alloc_result *result)
{
	struct mismatch mismatch;
	bool same = true;
	uint32_t i;
	int ret;

	for (i = 0; i < opts->count; i++) {
		ret = fill_buffer(&opts->fill, i, result[i].fd, result[i].query.out_length);
		if (ret)
			goto failed;
	}
	for (i = 0; i < opts->count; i++) {
		ret = verify_buffer(&opts->fill, i, result[i].fd, result[i].query.out_length,
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

static int hold_all(const struct alloc_options *opts)
{
	int ret;

	fprintf(stderr, "Held by process %d; %s gives %s back.\n", getpid(),
		opts->hold_seconds < 0 ? "Enter or Ctrl-C" : "the end of the time or Ctrl-C",
		opts->count > 1 ? "them" : "it");
	ret = hold(opts->hold_seconds);
	if (ret)
		fprintf(stderr, "bufalloc alloc: cannot wait: %s\n", strerror(-ret));
	return ret;
}

static int use(int device, const struct alloc_options *opts, const struct bufalloc_result *results,
	       struct alloc_result *result)
{
	int ret, fill_ret = 0;
	uint32_t i;

	for (i = 0; i < opts->count; i++) {
		ret = look_at(device, opts, results[i].fd, &result[i]);
		if (ret) {
			fprintf(stderr, "bufalloc alloc: buffer %u was made, but: %s\n", i,
				strerror(-ret));
			return FAILED;
		}
	}
	if (opts->has_fill)
		fill_ret = fill_all(opts, result);
	show_results(opts, result, opts->has_fill && !fill_ret);
	if (finish_output(DONE) || fill_ret)
		return FAILED;
	if (opts->has_hold && hold_all(opts))
		return FAILED;
	return DONE;
}

static void no_device(const struct alloc_options *opts, int err)
{
	if (opts->json)
		json_error(strerror(err));
	diagnose_open(opts->device, err);
}

static void refused(const struct alloc_options *opts, int err, uint32_t failed, uint32_t reason)
{
	char where[64] = "";

	if (opts->count > 1 && failed < opts->count)
		snprintf(where, sizeof(where), " at buffer %u (of 0 to %u), so none was done",
			 failed, opts->count - 1);
	diagnose_refused("alloc", where, err, reason);
}

static int allocate(int device, struct alloc_options *opts)
{
	struct bufalloc_request requests[BUFALLOC_MAX_BATCH];
	struct bufalloc_result results[BUFALLOC_MAX_BATCH];
	static struct alloc_result result[BUFALLOC_MAX_BATCH];
	uint32_t i, failed, reason;
	int ret;

	for (i = 0; i < opts->count; i++)
		requests[i] = opts->request;
	ret = bufalloc_alloc_batch(device, requests, results, opts->count, &failed, &reason);
	if (ret == -ENOTTY) {
		no_device(opts, ENOTTY);
		return FAILED;
	}
	if (ret) {
		if (opts->json)
			json_refused(-ret, failed, reason);
		fflush(stdout);
		refused(opts, -ret, failed, reason);
		return FAILED;
	}
	ret = use(device, opts, results, result);
	for (i = 0; i < opts->count; i++)
		close(results[i].fd);
	return ret;
}

static int run(struct alloc_options *opts)
{
	int device = open_device(opts->device);
	int ret;

	if (device < 0) {
		no_device(opts, -device);
		return FAILED;
	}
	ret = find_heap(device, opts);
	if (ret == -ENOENT)
		ret = FAILED;
	else if (ret)
		no_device(opts, -ret);
	else
		ret = allocate(device, opts);
	bufalloc_close(device);
	return ret < 0 ? FAILED : ret;
}

int verb_alloc(int argc, char **argv)
{
	struct alloc_options opts;
	int status = parse_alloc_options(&opts, argc, argv);

	return status == PROCEED ? run(&opts) : status;
}

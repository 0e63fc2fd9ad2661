// SPDX-License-Identifier: MIT
/* bufalloc commit: have buffers of a process get their memory, all or none. */
#include <errno.h>

#include "holder.h"

static const char help[] =
	"Usage: bufalloc commit PID [FD...] [OPTION...]\n"
	"\n"
	"Have buffers that process PID allocated with deferred memory get it now: those\n"
	"behind these file descriptors of it, or all. Each gets its memory, where all devices\n"
	"that are attached reach it, or none does.\n"
	"\n"
	"  --json         print JSON\n"
	"  --device PATH  use PATH; by default " BUFALLOC_DEVICE ", or -charged\n"
	"  -h, --help     print this\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n";

static void json_committed(const struct holder *holder)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_number(&json, "buffers", holder->count);
	json_close(&json, '}');
}

/* The index of a buffer says nothing to who did not name them. */
static void json_refused_fd(const struct holder *holder, int err, uint32_t failed, uint32_t reason)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_refusal(&json, err, failed, reason);
	if (failed < holder->count)
		json_number(&json, "fd", holder->held[failed].number);
	json_close(&json, '}');
}

static void trouble_refused_fd(const struct holder *holder, int err, uint32_t failed,
			       uint32_t reason)
{
	char where[64] = "";

	if (failed < holder->count)
		snprintf(where, sizeof(where), " at file descriptor %d of it, so none was done",
			 holder->held[failed].number);
	fflush(stdout);
	trouble_refused("commit", where, err, reason);
}

static int too_many(const struct errand *errand, const struct holder *holder)
{
	if (errand->json)
		json_refused_fd(holder, E2BIG, holder->count, BUFALLOC_REASON_NONE);
	fflush(stdout);
	fprintf(stderr,
		"bufalloc commit: process %d has %u buffers, and one commit takes up to %u\n"
		"  Name those that belong together.\n",
		errand->pid, holder->count, BUFALLOC_MAX_BATCH);
	return FAILED;
}

static int commit(const struct errand *errand, const struct holder *holder)
{
	int fds[BUFALLOC_MAX_BATCH];
	uint32_t i, failed, reason;
	int ret;

	if (holder->count > BUFALLOC_MAX_BATCH)
		return too_many(errand, holder);
	for (i = 0; i < holder->count; i++)
		fds[i] = holder->held[i].fd;
	ret = bufalloc_commit(holder->device, fds, holder->count, &failed, &reason);
	if (ret) {
		if (errand->json)
			json_refused_fd(holder, -ret, failed, reason);
		trouble_refused_fd(holder, -ret, failed, reason);
		return FAILED;
	}
	if (errand->json)
		json_committed(holder);
	else
		printf("%u buffer%s.\n", holder->count,
		       holder->count == 1 ? " has its memory" : "s have their memory");
	return finish_output(DONE);
}

int verb_commit(int argc, char **argv)
{
	struct errand errand = { .verb = "commit", .help = help };
	static struct holder holder;
	int status = parse_errand(&errand, argc, argv);

	if (status != PROCEED)
		return status;
	if (errand_begin(&errand, &holder))
		return FAILED;
	holder_drop_twins(&holder);
	status = commit(&errand, &holder);
	errand_end(&holder);
	return status;
}

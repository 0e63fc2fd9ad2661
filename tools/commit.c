// SPDX-License-Identifier: MIT
/* bufalloc commit: give buffers of a process their memory, all or none. */
#include <errno.h>

#include "process.h"

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

static void json_committed(const struct process *process)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_number(&json, "buffers", process->count);
	json_close(&json, '}');
}

/* Name the file descriptor: the user may have given none, and then an index tells nothing. */
static void json_refused_fd(const struct process *process, int err, uint32_t failed,
			    uint32_t reason)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_refusal(&json, err, failed, reason);
	if (failed < process->count)
		json_number(&json, "fd", process->buffers[failed].number);
	json_close(&json, '}');
}

static void diagnose_refused_fd(const struct process *process, int err, uint32_t failed,
				uint32_t reason)
{
	char where[64] = "";

	if (failed < process->count)
		snprintf(where, sizeof(where), " at file descriptor %d of it, so none was done",
			 process->buffers[failed].number);
	fflush(stdout);
	diagnose_refused("commit", where, err, reason);
}

static int too_many(const struct target *target, const struct process *process)
{
	if (target->json)
		json_refused_fd(process, E2BIG, process->count, BUFALLOC_REASON_NONE);
	fflush(stdout);
	fprintf(stderr,
		"bufalloc commit: process %d has %u buffers, and one commit takes up to %u\n"
		"  Name those that belong together.\n",
		target->pid, process->count, BUFALLOC_MAX_BATCH);
	return FAILED;
}

static int commit(const struct target *target, const struct process *process)
{
	int fds[BUFALLOC_MAX_BATCH];
	uint32_t i, failed, reason;
	int ret;

	if (process->count > BUFALLOC_MAX_BATCH)
		return too_many(target, process);
	for (i = 0; i < process->count; i++)
		fds[i] = process->buffers[i].fd;
	ret = bufalloc_commit(process->device, fds, process->count, &failed, &reason);
	if (ret) {
		if (target->json)
			json_refused_fd(process, -ret, failed, reason);
		diagnose_refused_fd(process, -ret, failed, reason);
		return FAILED;
	}
	if (target->json)
		json_committed(process);
	else
		printf("%u buffer%s.\n", process->count,
		       process->count == 1 ? " has its memory" : "s have their memory");
	return finish_output(DONE);
}

int verb_commit(int argc, char **argv)
{
	struct target target = { .verb = "commit", .help = help };
	static struct process process;
	int status = parse_target(&target, argc, argv);

	if (status != PROCEED)
		return status;
	if (target_open(&target, &process))
		return FAILED;
	process_drop_twins(&process);
	status = commit(&target, &process);
	target_close(&process);
	return status;
}

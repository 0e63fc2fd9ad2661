// SPDX-License-Identifier: MIT
/* For verbs on the buffers of another process: parse the command line, and take the buffers. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "process.h"

static int take_operands(struct target *target, int argc, char **argv)
{
	uint64_t pid, fd;
	int i;

	if (optind == argc) {
		fprintf(stderr, "bufalloc %s: no process given\n", target->verb);
		return usage_error(target->verb);
	}
	if (!parse_number(argv[optind], INT32_MAX, &pid) || !pid) {
		fprintf(stderr, "bufalloc %s: PID is the number of a process, not \"%s\"\n",
			target->verb, argv[optind]);
		return usage_error(target->verb);
	}
	for (i = optind + 1; i < argc; i++) {
		if (parse_number(argv[i], INT32_MAX, &fd))
			continue;
		fprintf(stderr, "bufalloc %s: FD is a file descriptor's number, not \"%s\"\n",
			target->verb, argv[i]);
		return usage_error(target->verb);
	}
	target->pid = pid;
	target->fds = argv + optind + 1;
	target->count = argc - optind - 1;
	return PROCEED;
}

int parse_target(struct target *target, int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	target->device = default_device();
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			target->device = optarg;
			break;
		case 'j':
			target->json = true;
			break;
		case 'h':
			fputs(target->help, stdout);
			return finish_output(DONE);
		default:
			return usage_error(target->verb);
		}
	}
	return take_operands(target, argc, argv);
}

void target_close(struct process *process)
{
	process_close(process);
	bufalloc_close(process->device);
}

static void no_device(const struct target *target, int err)
{
	if (target->json)
		json_error(strerror(err));
	diagnose_open(target->device, err);
}

static void no_buffer(const struct target *target)
{
	if (target->json)
		json_error("no buffer of bufalloc");
	fflush(stdout);
	fprintf(stderr, "bufalloc %s: process %d has no buffer of bufalloc\n", target->verb,
		target->pid);
}

static void no_process(const struct target *target, int err)
{
	if (target->json)
		json_error(strerror(err));
	/* process_open() has printed the error of the file descriptor. */
	if (err != EBADF && err != EINVAL)
		diagnose_process(target->verb, target->pid, err);
}

int target_open(const struct target *target, struct process *process)
{
	int device = open_device(target->device);
	int ret;

	if (device < 0) {
		no_device(target, -device);
		return device;
	}
	ret = process_open(process, device, target->pid, target->fds, target->count);
	if (!ret && process->count)
		return 0;
	if (ret == -ENOTTY)
		no_device(target, ENOTTY);
	else if (ret)
		no_process(target, -ret);
	else
		no_buffer(target);
	target_close(process);
	return ret ? ret : -ENOENT;
}

// SPDX-License-Identifier: MIT
/* A verb for buffers that another process holds: its command line, and the way there. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "holder.h"

static int take_operands(struct errand *errand, int argc, char **argv)
{
	uint64_t pid, fd;
	int i;

	if (optind == argc) {
		fprintf(stderr, "bufalloc %s: no process given\n", errand->verb);
		return usage_error(errand->verb);
	}
	if (!parse_number(argv[optind], INT32_MAX, &pid) || !pid) {
		fprintf(stderr, "bufalloc %s: PID is the number of a process, not \"%s\"\n",
			errand->verb, argv[optind]);
		return usage_error(errand->verb);
	}
	for (i = optind + 1; i < argc; i++) {
		if (parse_number(argv[i], INT32_MAX, &fd))
			continue;
		fprintf(stderr, "bufalloc %s: FD is a file descriptor's number, not \"%s\"\n",
			errand->verb, argv[i]);
		return usage_error(errand->verb);
	}
	errand->pid = pid;
	errand->fds = argv + optind + 1;
	errand->count = argc - optind - 1;
	return PROCEED;
}

int parse_errand(struct errand *errand, int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	errand->device = default_device();
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			errand->device = optarg;
			break;
		case 'j':
			errand->json = true;
			break;
		case 'h':
			fputs(errand->help, stdout);
			return finish_output(DONE);
		default:
			return usage_error(errand->verb);
		}
	}
	return take_operands(errand, argc, argv);
}

void errand_end(struct holder *holder)
{
	holder_close(holder);
	bufalloc_close(holder->device);
}

static void no_device(const struct errand *errand, int err)
{
	if (errand->json)
		json_error(strerror(err));
	trouble_open(errand->device, err);
}

static void no_buffer(const struct errand *errand)
{
	if (errand->json)
		json_error("no buffer of bufalloc");
	fflush(stdout);
	fprintf(stderr, "bufalloc %s: process %d has no buffer of bufalloc\n", errand->verb,
		errand->pid);
}

static void no_holder(const struct errand *errand, int err)
{
	if (errand->json)
		json_error(strerror(err));
	/* Which of the file descriptors it was has been said. */
	if (err != EBADF && err != EINVAL)
		holder_trouble(errand->verb, errand->pid, err);
}

int errand_begin(const struct errand *errand, struct holder *holder)
{
	int device = open_device(errand->device);
	int ret;

	if (device < 0) {
		no_device(errand, -device);
		return device;
	}
	ret = holder_open(holder, device, errand->pid, errand->fds, errand->count);
	if (!ret && holder->count)
		return 0;
	if (ret == -ENOTTY)
		no_device(errand, ENOTTY);
	else if (ret)
		no_holder(errand, -ret);
	else
		no_buffer(errand);
	errand_end(holder);
	return ret ? ret : -ENOENT;
}

// SPDX-License-Identifier: MIT
/* The command line of bufalloc alloc. */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "alloc.h"

static const char help[] =
	"Usage: bufalloc alloc SIZE [OPTION...]\n"
	"\n"
	"Allocate buffers of SIZE bytes (K, M and G multiply by 1024), all or none, and show\n"
	"what was obtained. They are given back when the command ends.\n"
	"\n"
	"  --count N           that many buffers (default 1)\n"
	"  --caching CACHING   how the CPU sees them:\n";

static const char help_end[] =
	"  --any-caching       take coherent if that caching is not available\n"
	"  --contiguous        one physically contiguous run each, or nothing\n"
	"  --heap NAME|INDEX   from this heap (default: any that fits)\n"
	"  --dma-bits N        below 2^N, for devices that reach no further\n"
	"  --max-segments N    in at most so many physically contiguous runs\n"
	"  --alignment SIZE    each run at a multiple of SIZE, a power of two up to 4M\n"
	"  --padding SIZE      so much more after the end, for devices that read past it\n"
	"  --deferred          take memory at the first use, or with \"bufalloc commit\"\n"
	"  --pageable          cached memory that may be swapped while no device has it mapped\n"
	"  --name NAME         name them, for /proc and debugfs: at most 31 bytes\n"
	"  --read-only         the file descriptors are read-only for the CPU\n"
	"  --fill BYTE|offset  write a byte (0 to 255, or 0x..), or into each 8 bytes their\n"
	"                      own offset; then read it all back and compare\n"
	"  --hold[=SECONDS]    keep them until Enter, end of input or a signal; or that long\n"
	"  --json              print JSON\n"
	"  --device PATH       use PATH; by default " BUFALLOC_DEVICE ", or -charged\n"
	"  -h, --help          print this\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n";

static void print_help(void)
{
	fputs(help, stdout);
	list_cachings(stdout, "                      ");
	fputs(help_end, stdout);
}

static int bad_value(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "bufalloc alloc: %s takes %s, not \"%s\"\n", option, wanted, value);
	return usage_error("alloc");
}

static int take_caching(struct alloc_options *opts, const char *name)
{
	if (parse_caching(name, &opts->request.caching))
		return DONE;
	fprintf(stderr, "bufalloc alloc: unknown caching \"%s\"; known are:\n", name);
	list_cachings(stderr, "  ");
	return USAGE;
}

static int take_hold(struct alloc_options *opts, const char *seconds)
{
	uint64_t number;

	opts->has_hold = true;
	opts->hold_seconds = -1;
	if (!seconds)
		return DONE;
	if (!parse_number(seconds, INT32_MAX, &number))
		return bad_value("--hold", seconds, "a number of seconds");
	opts->hold_seconds = number;
	return DONE;
}

static int take_option(struct alloc_options *opts, int option, const char *value)
{
	uint64_t number;

	switch (option) {
	case 'a':
		opts->request.flags |= BUFALLOC_ALLOC_ANY_CACHING;
		return DONE;
	case 'A':
		if (!parse_size(value, &number))
			return bad_value("--alignment", value, "bytes, such as 64K");
		opts->request.alignment = number;
		return DONE;
	case 'b':
		if (!parse_number(value, UINT32_MAX, &number))
			return bad_value("--dma-bits", value, "a number of bits, 12 to 64");
		opts->request.dma_bits = number;
		return DONE;
	case 'c':
		opts->has_caching = true;
		return take_caching(opts, value);
	case 'C':
		opts->request.flags |= BUFALLOC_ALLOC_CONTIGUOUS;
		return DONE;
	case 'D':
		opts->request.flags |= BUFALLOC_ALLOC_DEFERRED;
		return DONE;
	case 'd':
		opts->device = value;
		return DONE;
	case 'f':
		opts->has_fill = true;
		if (!parse_fill(value, &opts->fill))
			return bad_value("--fill", value, "a byte (0 to 255, 0x..) or \"offset\"");
		return DONE;
	case 'H':
		opts->heap = value;
		return DONE;
	case 'j':
		opts->json = true;
		return DONE;
	case 'k':
		return take_hold(opts, value);
	case 'n':
		if (!parse_number(value, BUFALLOC_MAX_BATCH, &number) || !number)
			return bad_value("--count", value, "a number of buffers, 1 to 1024");
		opts->count = number;
		return DONE;
	case 'N':
		if (strlen(value) > 31)
			return bad_value("--name", value, "at most 31 bytes");
		opts->name = value;
		return DONE;
	case 'p':
		if (!parse_size(value, &number))
			return bad_value("--padding", value, "bytes, such as 64");
		opts->request.padding = number;
		return DONE;
	case 'P':
		opts->request.flags |= BUFALLOC_ALLOC_PAGEABLE;
		return DONE;
	case 's':
		if (!parse_number(value, UINT32_MAX, &number))
			return bad_value("--max-segments", value, "a number of runs");
		opts->request.max_segments = number;
		return DONE;
	case 'r':
		opts->request.fd_flags = O_RDONLY | O_CLOEXEC;
		return DONE;
	default:
		return usage_error("alloc");
	}
}

static int take_size(struct alloc_options *opts, int argc, char **argv)
{
	uint64_t length;

	if (optind == argc) {
		fputs("bufalloc alloc: no size given, such as 8M\n", stderr);
		return usage_error("alloc");
	}
	if (argc - optind > 1) {
		fprintf(stderr, "bufalloc alloc: one size only, but there is \"%s\" too\n",
			argv[optind + 1]);
		return usage_error("alloc");
	}
	if (!parse_size(argv[optind], &length))
		return bad_value("SIZE", argv[optind], "bytes, such as 4096, 64K, 8M or 1G");
	opts->request.length = length;
	if (opts->has_fill && (opts->request.fd_flags & O_ACCMODE) == O_RDONLY) {
		fputs("bufalloc alloc: --fill writes, which --read-only forbids: drop one\n",
		      stderr);
		return usage_error("alloc");
	}
	return DONE;
}

int parse_alloc_options(struct alloc_options *opts, int argc, char **argv)
{
	static const struct option options[] = {
		{ "alignment", required_argument, NULL, 'A' },
		{ "any-caching", no_argument, NULL, 'a' },
		{ "dma-bits", required_argument, NULL, 'b' },
		{ "caching", required_argument, NULL, 'c' },
		{ "contiguous", no_argument, NULL, 'C' },
		{ "deferred", no_argument, NULL, 'D' },
		{ "device", required_argument, NULL, 'd' },
		{ "fill", required_argument, NULL, 'f' },
		{ "heap", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		{ "hold", optional_argument, NULL, 'k' },
		{ "count", required_argument, NULL, 'n' },
		{ "name", required_argument, NULL, 'N' },
		{ "max-segments", required_argument, NULL, 's' },
		{ "padding", required_argument, NULL, 'p' },
		{ "pageable", no_argument, NULL, 'P' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, ret;

	*opts = (struct alloc_options) {
		.request = {
			.caching = BUFALLOC_CACHING_WC,
			.fd_flags = O_RDWR | O_CLOEXEC,
			.heap = BUFALLOC_HEAP_ANY,
		},
		.count = 1,
		.device = default_device(),
	};
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			print_help();
			return finish_output(DONE);
		}
		ret = take_option(opts, option, optarg);
		if (ret)
			return ret;
	}
	/* The kernel refuses any other caching. */
	if (opts->request.flags & BUFALLOC_ALLOC_PAGEABLE && !opts->has_caching)
		opts->request.caching = BUFALLOC_CACHING_CACHED;
	ret = take_size(opts, argc, argv);
	return ret ? ret : PROCEED;
}

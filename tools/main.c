// SPDX-License-Identifier: MIT
/* The bufalloc command. Each verb has its own file. */
#include <string.h>

#include "tool.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	/* The program name for getopt_long(). */
	char *title;
	const char *summary;
} verbs[] = {
	{ "info", verb_info, "bufalloc info", "show the module, its heaps, and real caching" },
	{ "alloc", verb_alloc, "bufalloc alloc", "allocate buffers; show, fill or hold them" },
	{ "commit", verb_commit, "bufalloc commit", "have deferred buffers get their memory" },
	{ "explain", verb_explain, "bufalloc explain", "tell why a device was refused a buffer" },
};

static void print_help(FILE *out)
{
	size_t i;

	fputs("Usage: bufalloc VERB [OPTION...]\n"
	      "\n"
	      "Memory that devices can use, as dma-buf file descriptors.\n"
	      "\n",
	      out);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(out, "  %-12s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\n"
	      "  -h, --help   print this; \"bufalloc help VERB\" explains a verb\n"
	      "  --version    print the version\n"
	      "\n"
	      "Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
	      out);
}

int main(int argc, char **argv)
{
	char help_option[] = "--help";
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return USAGE;
	}
	if (!strcmp(argv[1], "help") && argc == 3) {
		argv[1] = argv[2];
		argv[2] = help_option;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return finish_output(DONE);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("bufalloc " VERSION);
		return finish_output(DONE);
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(argv[1], verbs[i].name)) {
			argv[1] = verbs[i].title;
			return verbs[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "bufalloc: unknown %s \"%s\"; the verbs are:",
		argv[1][0] == '-' ? "option" : "verb", argv[1]);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(stderr, " %s", verbs[i].name);
	fputc('\n', stderr);
	return usage_error(NULL);
}

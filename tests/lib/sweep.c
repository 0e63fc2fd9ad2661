// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faults.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/sweep.h"

/* Where an operation seems to have no end. */
#define POINTS_MAX 20000

/*
 * In the place of an importer, where types are not looked at: that takes longest, and
 * is done once for each fault, before and after what it strikes.
 */
#define UNTYPED (-1)

/**
 * struct leavings - all that an operation could leave behind
 * @fds: of this process.
 * @bytes: that the module holds, of all clients.
 * @buffers: of all clients.
 * @references: to the module.
 * @typed: bytes that the kernel does not map write-back.
 */
struct leavings {
	long fds;
	long bytes;
	long buffers;
	long references;
	long long typed;
};

/* To the devices that buffers are attached to. */
static long device_references(int importer)
{
	struct importer_facts facts;
	uint32_t device;
	long references = 0;

	for (device = 0; importer >= 0 && device < IMPORTER_DEVICES; device++)
		if (!importer_facts(importer, device, &facts))
			references += facts.out_references;
	return references;
}

/* What one attempt came to; shared with the process that it was made in. */
struct attempt {
	int ret;
	unsigned int left;
	char wrong[256];
};

static void leavings_look(struct leavings *leavings, int importer)
{
	leavings->fds = open_fds();
	leavings->bytes = live_bytes();
	leavings->buffers = live_buffers();
	leavings->references = read_number("/sys/module/bufalloc/refcnt");
	leavings->typed = importer < 0 ? 0 : direct_typed(importer);
}

static void complain(struct attempt *attempt, const char *format, ...)
{
	va_list args;

	if (attempt->wrong[0])
		return;
	va_start(args, format);
	vsnprintf(attempt->wrong, sizeof(attempt->wrong), format, args);
	va_end(args);
}

static void compare(struct attempt *attempt, const char *what, long long before,
		    long long after)
{
	if (before != after)
		complain(attempt, "%s: %lld before, %lld after", what, before,
			 after);
}

static void leavings_compare(struct attempt *attempt,
			     const struct leavings *before,
			     const struct leavings *after)
{
	compare(attempt, "file descriptors", before->fds, after->fds);
	compare(attempt, "live bytes", before->bytes, after->bytes);
	compare(attempt, "live buffers", before->buffers, after->buffers);
	compare(attempt, "references", before->references, after->references);
	compare(attempt, "bytes that are not write-back", before->typed,
		after->typed);
}

static bool is_allowed(const struct operation *operation, int ret)
{
	unsigned int i;

	for (i = 0; operation->errors[i]; i++)
		if (ret == -operation->errors[i])
			return true;
	return false;
}

static void judge(const struct operation *operation, unsigned int nth,
		  struct attempt *attempt)
{
	bool struck = nth && !attempt->left;

	if (attempt->ret >= 0)
		return;
	if (!struck)
		complain(attempt, "%s with no fault", strerror(-attempt->ret));
	else if (!is_allowed(operation, attempt->ret))
		complain(attempt, "must not fail with %s",
			 strerror(-attempt->ret));
}

static void attempt_here(const struct operation *operation, void *of,
			 int importer, unsigned int nth,
			 struct attempt *attempt)
{
	struct leavings before, after;
	long references;
	int ret;

	ret = operation->prepare ? operation->prepare(of) : 0;
	if (ret < 0) {
		complain(attempt, "not prepared: %s", strerror(-ret));
		return;
	}
	references = device_references(importer);
	leavings_look(&before, importer);
	faults_arm(nth);
	attempt->ret = operation->run(of);
	attempt->left = faults_disarm();
	judge(operation, nth, attempt);
	if (attempt->ret >= 0 && operation->undo)
		operation->undo(of);
	leavings_look(&after, importer);
	leavings_compare(attempt, &before, &after);
	compare(attempt, "references to devices", references,
		device_references(importer));
	if (operation->finish)
		operation->finish(of);
}

static void attempt_apart(const struct operation *operation, void *of,
			  int importer, unsigned int nth,
			  struct attempt *attempt)
{
	int status;
	pid_t child;

	child = fork();
	if (!child) {
		if (faults_open())
			_exit(1);
		attempt_here(operation, of, importer, nth, attempt);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		complain(attempt, "the process that did it died");
}

/* Whether the fault has struck. What went wrong is told with its number. */
static bool try(const struct operation *operation, void *of, int importer,
		unsigned int nth, struct attempt *shared, struct tally *tally)
{
	struct leavings before, after;

	memset(shared, 0, sizeof(*shared));
	leavings_look(&before, UNTYPED);
	if (operation->apart)
		attempt_apart(operation, of, importer, nth, shared);
	else
		attempt_here(operation, of, importer, nth, shared);
	/* What is used up stays in use. */
	leavings_look(&after, UNTYPED);
	if (!operation->once)
		leavings_compare(shared, &before, &after);
	if (shared->wrong[0])
		snprintf(tally->wrong, sizeof(tally->wrong),
			 "fault %u: %.200s", nth, shared->wrong);
	if (!nth || shared->left)
		return false;
	if (shared->ret < 0)
		tally->failed++;
	else
		tally->survived++;
	return true;
}

static void sweep_all(const struct operation *operation, void *of, int importer,
		      struct attempt *shared, struct tally *tally)
{
	unsigned int nth = 1;

	while (try(operation, of, importer, nth, shared, tally)) {
		tally->points++;
		nth++;
		/* What failed once for want of memory works again. */
		if (!tally->wrong[0] && shared->ret < 0 && !operation->once)
			try(operation, of, UNTYPED, 0, shared, tally);
		if (!tally->wrong[0] && nth > POINTS_MAX)
			snprintf(tally->wrong, sizeof(tally->wrong), "no end");
		if (tally->wrong[0])
			return;
	}
	if (!tally->wrong[0])
		try(operation, of, importer, 0, shared, tally);
}

/* The first ones, each another kind, and as many that are spread over the rest. */
static void sweep_some(const struct operation *operation, void *of,
		       int importer, struct attempt *shared,
		       struct tally *tally)
{
	unsigned int nth = 1, first = operation->most / 2, points, step;

	try(operation, of, importer, FAULTS_NEVER, shared, tally);
	if (tally->wrong[0])
		return;
	points = FAULTS_NEVER - shared->left;
	tally->points += points;
	step = points / (operation->most - first) + 1;

	/* The last ones may not be reached: their number differs a little. */
	for (; nth <= points && !tally->wrong[0]; nth += nth < first ? 1 : step)
		try(operation, of, importer, nth, shared, tally);
	if (!tally->wrong[0])
		try(operation, of, importer, 0, shared, tally);
}

static void report(const struct operation *operation, const struct tally *tally)
{
	printf("# faults: %s %u failed, %u survived", operation->name,
	       tally->failed, tally->survived);
	if (operation->most)
		printf(", of %u", tally->points);
	printf("\n");
	fflush(stdout);
}

static void sweep_of(enum faults_of kind, const struct operation *operation,
		     void *of, int importer, struct attempt *shared,
		     struct tally *tally)
{
	if (faults_choose(kind))
		snprintf(tally->wrong, sizeof(tally->wrong), "no such faults");
	else if (operation->most)
		sweep_some(operation, of, importer, shared, tally);
	else
		sweep_all(operation, of, importer, shared, tally);
}

void sweep(const struct operation *operation, void *of, int importer,
	   struct tally *tally)
{
	struct attempt *shared = mmap(NULL, sizeof(*shared),
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(tally, 0, sizeof(*tally));
	if (shared == MAP_FAILED) {
		snprintf(tally->wrong, sizeof(tally->wrong), "%s",
			 strerror(errno));
		return;
	}
	sweep_of(FAULTS_OF_OBJECTS, operation, of, importer, shared, tally);
	if (!tally->wrong[0])
		sweep_of(FAULTS_OF_PAGES, operation, of, importer, shared,
			 tally);
	munmap(shared, sizeof(*shared));
	report(operation, tally);
}

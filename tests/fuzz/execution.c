// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fuzz/arena.h"
#include "fuzz/calls.h"
#include "fuzz/execution.h"
#include "fuzz/memory.h"
#include "fuzz/quota.h"
#include "lib/faults.h"

/* The limit of file descriptors. A large batch needs more. */
#define FDS_MAX 256

static pthread_barrier_t start, stop;
static const struct program *running;
static struct coverage *reached;

static bool faults;
static __thread unsigned int fail_next;

/* Let one allocation of the next call of this thread fail. */
long run_fail(const uint64_t *args)
{
	fail_next = args[0] % FAULTS_NEVER;
	return 0;
}

static void run_call(const struct call *call)
{
	const struct op *op = &ops[call->op];
	unsigned int nth = op->may_fail && faults ? fail_next : 0;

	if (nth)
		faults_arm(nth);
	op->run(call->args);
	if (nth)
		faults_disarm();
	if (op->run != run_fail)
		fail_next = 0;
}

/* Set up fault injection for the calling thread, if the kernel has fault injection. */
static void faults_enter(void)
{
	fail_next = 0;
	if (faults && faults_open())
		_exit(2);
}

static void run_calls(unsigned int thread)
{
	const struct call *call;
	uint32_t i;

	coverage_begin(thread);
	for (i = 0; i < running->count; i++) {
		call = &running->calls[i];
		if (call->thread % running->threads != thread)
			continue;
		run_call(call);
		coverage_mark(thread);
	}
}

static void *follow(void *arg)
{
	unsigned int thread = (uintptr_t)arg;

	memory_enter(thread);
	coverage_enter(reached, thread);
	faults_enter();
	for (;;) {
		pthread_barrier_wait(&start);
		if (thread < running->threads)
			run_calls(thread);
		pthread_barrier_wait(&stop);
	}
	return NULL;
}

static int threads_create(void)
{
	pthread_t thread;
	uintptr_t i;
	int ret;

	pthread_barrier_init(&start, NULL, THREADS_MAX);
	pthread_barrier_init(&stop, NULL, THREADS_MAX);
	for (i = 1; i < THREADS_MAX; i++) {
		ret = pthread_create(&thread, NULL, follow, (void *)i);
		if (ret)
			return -ret;
	}
	return 0;
}

/* Wait until each thread has opened its KCOV file. */
static void threads_settle(void)
{
	static const struct program nothing = { .threads = 1 };

	running = &nothing;
	pthread_barrier_wait(&start);
	pthread_barrier_wait(&stop);
	slots_create(open("/dev/null", O_RDWR | O_CLOEXEC));
}

int execution_create(struct coverage *coverage)
{
	struct rlimit fds = { FDS_MAX, FDS_MAX };
	int ret;

	reached = coverage;
	faults = faults_exist();
	setrlimit(RLIMIT_NOFILE, &fds);
	container_create();
	ret = memory_create();
	if (!ret)
		ret = arena_create();
	if (!ret) {
		memory_enter(0);
		faults_enter();
		ret = coverage_enter(coverage, 0);
	}
	if (!ret)
		ret = threads_create();
	if (!ret)
		threads_settle();
	return ret;
}

void execution_clear(void)
{
	memory_clear();
	slots_clear();
	arena_restore_changed();
	quotas_restore_changed();
	coverage_mark(0);
}

void execution_run(const struct program *program)
{
	running = program;
	if (program->threads > 1)
		pthread_barrier_wait(&start);
	run_calls(0);
	if (program->threads > 1)
		pthread_barrier_wait(&stop);
}

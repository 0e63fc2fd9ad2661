// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/campaign.h"
#include "fuzz/execution.h"
#include "fuzz/health.h"
#include "fuzz/mutation.h"
#include "fuzz/quota.h"
#include "fuzz/sites.h"
#include "lib/faults.h"
#include "lib/groups.h"

/* Seconds that a process runs programs. */
#define ROUND_SECONDS 30
/* Seconds without the end of a program, after which a call counts as hung. */
#define HANG_SECONDS 300
/* Exit status of a process that found live buffers after a program. */
#define STATUS_LIVES 3

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

struct campaign *campaign_create(void)
{
	struct campaign *campaign;

	campaign = mmap(NULL, sizeof(*campaign), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (campaign == MAP_FAILED || corpus_load(&campaign->corpus) <= 0)
		return NULL;
	coverage_find(&campaign->coverage);
	quotas_note();
	return campaign;
}

/* Run one program, and free all that it left. Return: the number of new edges. */
static uint32_t run_program(struct campaign *campaign,
			    const struct program *program)
{
	campaign->running = *program;
	execution_run(program);
	execution_clear();
	__atomic_fetch_add(&campaign->calls, program->count, __ATOMIC_RELAXED);
	campaign->programs++;
	if (!health_nothing_lives()) {
		program_say("left something alive:", program);
		_exit(STATUS_LIVES);
	}
	return coverage_collect(&campaign->coverage, program->threads);
}

/* Remove @size calls from @index on, if the new coverage stays without them. */
static void shorten(struct campaign *campaign, struct program *program,
		    uint32_t index, uint32_t size)
{
	struct program shorter = *program;

	while (size--)
		program_remove(&shorter, index);
	run_program(campaign, &shorter);
	if (coverage_has_remembered(&campaign->coverage, 1))
		*program = shorter;
}

/* Remove halves, quarters and so on, down to single calls. Most new coverage needs few calls. */
static void minimize(struct campaign *campaign, struct program *program)
{
	uint32_t size, i;

	coverage_remember();
	for (size = program->count / 2; size; size /= 2)
		for (i = program->count; i >= size && program->count > size;) {
			i -= size;
			shorten(campaign, program, i, size);
		}
}

static void choose(const struct campaign *campaign, struct program *program,
		   struct random *random)
{
	if (random_once_in(random, 4)) {
		program_random(program, random);
		return;
	}
	*program = *corpus_pick(&campaign->corpus, random);
	program_mutate(program, corpus_pick(&campaign->corpus, random), random);
}

static bool is_over(const struct campaign *campaign)
{
	if (campaign->calls_max && campaign->calls >= campaign->calls_max)
		return true;
	return campaign->seconds_max &&
	       now() - campaign->started >= campaign->seconds_max;
}

/* Runs the programs of one process. */
typedef void round_fn(struct campaign *campaign);

static void round_random(struct campaign *campaign)
{
	struct random random = random_from(campaign->seed, campaign->round);
	struct program program;
	uint64_t end = now() + ROUND_SECONDS;

	while (now() < end && !is_over(campaign)) {
		choose(campaign, &program, &random);
		if (!run_program(campaign, &program))
			continue;
		/* A race of threads cannot be repeated at will, so do not minimize it. */
		if (program.threads == 1)
			minimize(campaign, &program);
		corpus_add(&campaign->corpus, &program);
	}
	/* The end of the process cleans up after the last program. */
	choose(campaign, &program, &random);
	campaign->running = program;
	execution_run(&program);
}

static void round_replay(struct campaign *campaign)
{
	uint32_t i;

	for (i = 0; i < campaign->corpus.count; i++)
		run_program(campaign, &campaign->corpus.programs[i]);
}

static void round_begin(struct campaign *campaign, round_fn *round)
{
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(0);
	/* Run each second process in a control group that its memory is charged to. */
	if (campaign->round % 2)
		group_enter(GROUP);
	if (faults_exist())
		faults_choose(campaign->round % 2 ? FAULTS_OF_OBJECTS :
						    FAULTS_OF_PAGES);
	ret = execution_create(&campaign->coverage);
	if (ret) {
		printf("# the process cannot begin: %s\n", strerror(-ret));
		fflush(stdout);
		_exit(2);
	}
	round(campaign);
	_exit(0);
}

static void say_progress(const struct campaign *campaign)
{
	uint64_t seconds = now() - campaign->started;

	printf("# %" PRIu64 " s: %" PRIu64 " calls, %" PRIu64 " calls/s, %" PRIu64
	       " programs, %u of %u places, %u edges, corpus %u\n",
	       seconds, campaign->calls, campaign->calls / (seconds ? seconds : 1),
	       campaign->programs, campaign->coverage.nr_reached,
	       campaign->coverage.nr_places, campaign->coverage.nr_edges,
	       campaign->corpus.count);
	fflush(stdout);
}

/* Print the kernel stack of each thread of a process. */
static void say_stacks(pid_t process)
{
	char path[64], line[256];
	struct dirent *entry;
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		printf("# thread %s\n", entry->d_name);
		snprintf(path, sizeof(path), "/proc/%d/task/%.10s/stack", process,
			 entry->d_name);
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file))
			printf("#   %s", line);
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
}

/* Kill a process. A process in a deadlock of the kernel never ends, so give up after a while. */
static int end(pid_t child)
{
	int tries, status;

	say_stacks(child);
	fflush(stdout);
	kill(child, SIGKILL);
	for (tries = 0; tries < 100; tries++) {
		if (waitpid(child, &status, WNOHANG))
			return SIGKILL;
		usleep(100000);
	}
	printf("# it cannot be killed\n");
	fflush(stdout);
	return SIGKILL;
}

/* Return: the wait status of the process, or SIGKILL if it was killed. */
static int wait_for(const struct campaign *campaign, pid_t child)
{
	uint64_t calls = campaign->calls, since = now();
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		usleep(100000);
		if (!health_log_is_clean())
			return end(child);
		if (campaign->calls != calls) {
			calls = campaign->calls;
			since = now();
		} else if (now() - since > HANG_SECONDS) {
			printf("# no program ended for %d seconds\n", HANG_SECONDS);
			return end(child);
		}
	}
	return status;
}

/* Run one process, and check the kernel afterwards. */
static bool run_round(struct campaign *campaign, round_fn *round)
{
	bool well = true;
	pid_t child;
	int status;

	child = fork();
	if (child < 0)
		return false;
	if (!child)
		round_begin(campaign, round);
	status = wait_for(campaign, child);
	/* The process may have ended with changed quotas. */
	quotas_restore();
	if (status) {
		printf("# a process of the fuzzer ended with status %#x\n", status);
		well = false;
	}
	well = health_nothing_lives() && well;
	well = health_log_is_clean() && well;
	if (!well) {
		printf("# seed %" PRIu64 ", round %" PRIu64 "\n", campaign->seed,
		       campaign->round);
		fflush(stdout);
		program_say("was running:", &campaign->running);
	}
	campaign->round++;
	return well;
}

bool campaign_replay(struct campaign *campaign)
{
	campaign->started = now();
	coverage_find(&campaign->coverage);
	/* Run each of the two kinds of process of round_begin() once. */
	return run_round(campaign, round_replay) &&
	       run_round(campaign, round_replay);
}

bool campaign_run(struct campaign *campaign)
{
	campaign->started = now();
	coverage_find(&campaign->coverage);
	campaign->calls = 0;
	campaign->programs = 0;
	campaign->round = 0;
	while (!is_over(campaign)) {
		if (!run_round(campaign, round_random))
			return false;
		say_progress(campaign);
	}
	return true;
}

void campaign_report(const struct campaign *campaign, bool places)
{
	const struct coverage *coverage = &campaign->coverage;
	char name[64];
	uint32_t i;

	if (!coverage->nr_places) {
		printf("# no KCOV: nothing is known of coverage\n");
		return;
	}
	for (i = 0; places && i < coverage->nr_places; i++) {
		if (coverage->reached[i])
			continue;
		site_name(coverage->places[i], name, sizeof(name));
		printf("# not reached: %s\n", name);
	}
	printf("# reached %u of %u places of the module (%u%%), %u edges\n",
	       coverage->nr_reached, coverage->nr_places,
	       coverage->nr_reached * 100 / coverage->nr_places,
	       coverage->nr_edges);
	fflush(stdout);
}

// SPDX-License-Identifier: MIT
/*
 * All kinds of use and of trouble at once: cameras, DMA, processes that compete for memory,
 * purgeable buffers, little memory, processors that go offline, suspend, control groups that are
 * removed, and workers that are killed. At the end no buffer and no charge is left. The environment
 * gives the parameters:
 *
 *   BUFALLOC_SOAK_SEED		another number gives another order of events
 *   BUFALLOC_SOAK_SECONDS	seconds that the soak runs
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bufalloc.h>

#include "fuzz/health.h"
#include "kselftest_harness.h"
#include "lib/edus.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/quotas.h"
#include "lib/swap.h"
#include "soak/soak.h"

/* The longest time in seconds that the harness waits for the soak: a week. */
#define PATIENCE (7 * 24 * 60 * 60)
#define PROGRESS_SECONDS 60
/* Seconds after which each kind of event must have happened, even on a slow machine. */
#define SECONDS_FOR_ALL 1200
#define TICK_US 50000

#define GROUPS_MAX 4
/* Bytes that the kernel may keep charged to an empty group. */
#define GROUP_SPARE (8L << 20)

/* Let the kernel reclaim memory until a tenth is free. */
#define WATERMARK "/proc/sys/vm/watermark_scale_factor"
#define WATERMARK_SOAK "1000"
#define USER_MEMORY "/sys/module/bufalloc/parameters/user_memory"

struct soak *soak;

/* All workers but the last may be killed and moved. */
static const struct work works[] = {
	{ "camera", work_camera },
	{ "camera_contiguous", work_camera_contiguous },
	{ "dma", work_dma },
	{ "commit", work_commit },
	{ "commit", work_commit },
	{ "purge", work_purge },
	{ "purge", work_purge },
	{ "churn", work_churn },
	{ "user", work_user },
	{ "pass", work_pass },
	{ "hog", work_hog },
	{ "machine", work_machine },
};

#define WORKERS ARRAY_SIZE(works)
#define VICTIMS (WORKERS - 1)

static pid_t workers[WORKERS];
static uint64_t round_nr;

static const char *const names[COUNTS] = {
	[FRAMES] = "frames",
	[DMAS] = "DMA copies",
	[GEMS] = "imports by vgem",
	[USERS] = "buffers of process memory",
	[PASSES] = "buffers passed on",
	[COMMITS] = "COMMITs",
	[COMMITS_REFUSED] = "refused COMMITs",
	[KEPT] = "buffers kept",
	[PURGED] = "buffers purged",
	[CHURNS] = "batches",
	[CHURNS_REFUSED] = "refused batches",
	[HOGS] = "memory used up",
	[KILLS] = "kills",
	[MOVES] = "moves between groups",
	[GROUPS_REMOVED] = "groups removed",
	[QUOTAS_CUT] = "quotas cut",
	[OFFLINES] = "processors offline",
	[SUSPENDS] = "suspends",
	[SUSPENDS_REFUSED] = "refused suspends",
	[HIBERNATIONS] = "hibernations begun",
	[UNBINDS] = "drivers unbound",
};

void soak_count(enum count what)
{
	__atomic_fetch_add(&soak->counts[what], 1, __ATOMIC_RELAXED);
}

int soak_wrong(const char *format, ...)
{
	va_list args;

	if (__atomic_test_and_set(&soak->is_wrong, __ATOMIC_RELAXED))
		return -EIO;
	va_start(args, format);
	vsnprintf(soak->wrong, sizeof(soak->wrong), format, args);
	va_end(args);
	return -EIO;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* Runs before the harness forks a process for each test. */
__attribute__((constructor)) static void prepare(void)
{
	soak = mmap(NULL, sizeof(*soak), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (soak == MAP_FAILED)
		abort();
	soak->seed = number_of("BUFALLOC_SOAK_SEED", 1);
	soak->seconds = number_of("BUFALLOC_SOAK_SECONDS", 60);
}

static void group_name(unsigned int group, char *path, size_t size)
{
	snprintf(path, size, GROUPS "/soak-%u", group);
}

/* Workers. */

static void worker_run(const struct work *work, uint64_t round)
{
	struct random random = random_from(soak->seed, round);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(0);
	while (!soak->stop)
		if (work->run(&random))
			_exit(1);
	_exit(0);
}

static void worker_start(unsigned int worker)
{
	pid_t child = fork();

	if (!child)
		worker_run(&works[worker], 1 + round_nr);
	round_nr++;
	workers[worker] = child;
}

static int worker_number(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		if (workers[i] == pid)
			return i;
	return -1;
}

/* Reap workers, and children of workers that were killed. */
static void workers_reap(void)
{
	int status, worker;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		worker = worker_number(pid);
		if (worker >= 0)
			workers[worker] = 0;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			soak_wrong("a worker ended by signal %d", WTERMSIG(status));
		else if (WIFEXITED(status) && WEXITSTATUS(status))
			soak_wrong("worker %s ended with status %d",
				   worker < 0 ? "rival" : works[worker].name,
				   WEXITSTATUS(status));
	}
}

static void workers_start(void)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		if (!workers[i])
			worker_start(i);
}

/* Events. */

static void kill_one(struct random *random)
{
	pid_t victim = workers[random_below(random, VICTIMS)];

	if (victim <= 0)
		return;
	kill(victim, SIGKILL);
	soak_count(KILLS);
}

static void move_one(struct random *random)
{
	pid_t victim = workers[random_below(random, VICTIMS)];
	char group[64], path[96], text[16];

	if (victim <= 0)
		return;
	group_name(random_below(random, GROUPS_MAX), group, sizeof(group));
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(text, sizeof(text), "%d", victim);
	if (!write_string(path, text))
		soak_count(MOVES);
}

/* Move the processes out of a group, and remove it. Their memory stays charged to the group. */
static void remove_group(struct random *random)
{
	char group[64], path[96], text[16];
	unsigned int i;
	FILE *file;
	int pid;

	group_name(random_below(random, GROUPS_MAX), group, sizeof(group));
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	for (i = 0; i < 3; i++) {
		file = fopen(path, "re");
		while (file && fscanf(file, "%d", &pid) == 1) {
			snprintf(text, sizeof(text), "%d", pid);
			write_string(GROUPS "/cgroup.procs", text);
		}
		if (file)
			fclose(file);
	}
	/* A child that was forked meanwhile may be in the group: another event removes it. */
	if (rmdir(group))
		return;
	soak_count(GROUPS_REMOVED);
	mkdir(group, 0755);
}

static void happen(struct random *random)
{
	switch (random_below(random, 40)) {
	case 0:
		kill_one(random);
		break;
	case 1 ... 4:
		move_one(random);
		break;
	case 5:
		remove_group(random);
		break;
	default:
		break;
	}
}

static void say_progress(uint64_t seconds)
{
	unsigned int i;

	printf("# %" PRIu64 " s:", seconds);
	for (i = 0; i < COUNTS; i++)
		printf("%s %" PRIu64 " %s", i ? "," : "", soak->counts[i], names[i]);
	printf("; %ld MiB available, %ld buffers live\n", meminfo("MemAvailable") / 1024,
	       live_buffers());
	fflush(stdout);
}

/* Start workers and cause events, until the time is over or an error is found. */
static void direct(void)
{
	struct random random = random_from(soak->seed, 0);
	uint64_t started = now(), said = started;

	while (now() - started < soak->seconds && !soak->is_wrong) {
		workers_start();
		usleep(TICK_US);
		happen(&random);
		workers_reap();
		if (!health_log_is_clean())
			soak_wrong("the kernel complains");
		if (now() - said >= PROGRESS_SECONDS) {
			said = now();
			say_progress(said - started);
		}
	}
	say_progress(now() - started);
}

/* Give each worker time to end its work, then kill it. */
static void workers_end(void)
{
	unsigned int tries, i;

	soak->stop = true;
	for (tries = 0; tries < 1200; tries++) {
		workers_reap();
		if (waitpid(-1, NULL, WNOHANG) < 0)
			return;
		usleep(100000);
	}
	for (i = 0; i < WORKERS; i++)
		if (workers[i] > 0)
			kill(workers[i], SIGKILL);
	soak_wrong("a worker did not end");
	while (wait(NULL) > 0)
		;
}

/* Whether an event must happen. A machine may refuse nothing, and may refuse hibernation. */
static bool must_happen(enum count what)
{
	return what != COMMITS_REFUSED && what != CHURNS_REFUSED &&
	       what != SUSPENDS_REFUSED && what != HIBERNATIONS &&
	       (what != UNBINDS || edus_may_leave_mapped());
}

static int groups_make(void)
{
	char group[64];
	unsigned int i;
	int ret = 0;

	group_controls("+memory");
	for (i = 0; i < GROUPS_MAX && !ret; i++) {
		group_name(i, group, sizeof(group));
		ret = group_make(group);
	}
	return ret;
}

FIXTURE(soak)
{
	struct quotas quotas;
	long kills;
};

FIXTURE_SETUP(soak)
{
	self->kills = vmstat("oom_kill");
	ASSERT_EQ(0, quotas_read(&self->quotas));
}

FIXTURE_TEARDOWN(soak)
{
	EXPECT_EQ(0, quotas_write(&self->quotas));
}

TEST_F_TIMEOUT(soak, everything_at_once, PATIENCE)
{
	unsigned int i;

	printf("# seed %" PRIu64 ", %" PRIu64 " s\n", soak->seed, soak->seconds);
	fflush(stdout);
	ASSERT_EQ(0, health_begin());
	ASSERT_EQ(0, groups_make());
	ASSERT_EQ(0, swap_start());
	ASSERT_EQ(0, write_string(USER_MEMORY, "1"));
	ASSERT_EQ(0, write_string(WATERMARK, WATERMARK_SOAK));
	/* This process reaps the children of killed workers. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	direct();
	workers_end();
	machine_restore();
	write_string(USER_MEMORY, "0");
	EXPECT_STREQ("", soak->wrong);
	EXPECT_EQ(self->kills, vmstat("oom_kill"));
	for (i = 0; i < COUNTS; i++) {
		printf("# total: %" PRIu64 " %s\n", soak->counts[i], names[i]);
		/* The soak has not tested a kind of event that never happened. */
		if (soak->seconds >= SECONDS_FOR_ALL && must_happen(i))
			EXPECT_LT(0, soak->counts[i]);
	}
	fflush(stdout);
}

TEST_F(soak, nothing_lives)
{
	EXPECT_TRUE(health_nothing_lives());
}

TEST_F(soak, nobody_is_charged)
{
	struct bufalloc_info info;
	int device = bufalloc_open(NULL);

	ASSERT_LE(0, device);
	ASSERT_EQ(0, bufalloc_get_info(device, &info));
	EXPECT_EQ(0, info.out_system_bytes);
	EXPECT_EQ(0, info.out_system_buffers);
	EXPECT_EQ(0, info.out_user_bytes);
	EXPECT_EQ(0, info.out_user_buffers);
	bufalloc_close(device);
}

TEST_F(soak, groups_hold_nothing)
{
	char group[64];
	unsigned int i;

	ASSERT_EQ(0, swap_stop());
	for (i = 0; i < GROUPS_MAX; i++) {
		group_name(i, group, sizeof(group));
		EXPECT_GT(GROUP_SPARE, group_held(group));
		EXPECT_EQ(0, group_remove(group));
	}
}

TEST_HARNESS_MAIN

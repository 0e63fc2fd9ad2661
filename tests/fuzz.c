// SPDX-License-Identifier: MIT
/*
 * A fuzzer of the ABI and of the operations on buffers. It runs programs of calls, each from one or
 * more threads. The programs are random, or variants of the programs in tests/fuzz/corpus/. With
 * KCOV a program that reaches new code of the module joins the corpus. The environment gives the
 * parameters:
 *
 *   BUFALLOC_FUZZ_SEED	another number gives other programs
 *   BUFALLOC_FUZZ_MINUTES	minutes that the fuzzer runs; not set: CALLS calls, or SECONDS
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/arena.h"
#include "fuzz/campaign.h"
#include "fuzz/health.h"
#include "fuzz/reload.h"
#include "kselftest_harness.h"
#include "lib/groups.h"

/* The limits without BUFALLOC_FUZZ_MINUTES. */
#define CALLS 40000
#define SECONDS 60

/* Memory that a debug kernel may hold after a run: freed objects, page tables, caches. */
#define MEMORY_SPARE_KIB (192L * 1024)

/* The longest time in seconds that the harness waits for the fuzzer: a day. */
#define PATIENCE (24 * 60 * 60)

static struct campaign *campaign;

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* Runs before the harness forks a process for each test. */
__attribute__((constructor)) static void prepare(void)
{
	uint64_t minutes = number_of("BUFALLOC_FUZZ_MINUTES", 0);

	campaign = campaign_create();
	if (!campaign)
		return;
	campaign->seed = number_of("BUFALLOC_FUZZ_SEED", 1);
	campaign->seconds_max = minutes ? minutes * 60 : SECONDS;
	campaign->calls_max = minutes ? 0 : CALLS;
}

FIXTURE(fuzz) {};

FIXTURE_SETUP(fuzz)
{
	ASSERT_NE(NULL, campaign);
	ASSERT_EQ(0, health_begin());
	ASSERT_EQ(0, arena_allow());
	group_controls("+memory");
	group_make(GROUP);
}

FIXTURE_TEARDOWN(fuzz)
{
	arena_forbid();
	group_remove(GROUP);
}

TEST_F_TIMEOUT(fuzz, corpus_replays, PATIENCE)
{
	uint32_t programs = campaign->corpus.count;

	EXPECT_TRUE(campaign_replay(campaign));
	EXPECT_EQ(2 * programs, campaign->programs);
	campaign_report(campaign, false);
	/* If the places were wrong, coverage would find next to nothing reached. */
	if (campaign->coverage.nr_places)
		EXPECT_LT(campaign->coverage.nr_places / 2, campaign->coverage.nr_reached);
}

TEST_F_TIMEOUT(fuzz, module_comes_and_goes, PATIENCE)
{
	EXPECT_EQ(0, reload_run(&campaign->coverage));
	campaign_report(campaign, false);
}

TEST_F_TIMEOUT(fuzz, random_programs, PATIENCE)
{
	long before = health_memory();

	printf("# seed %" PRIu64 ", %" PRIu64 " calls (0: no limit), %" PRIu64 " s, %s\n",
	       campaign->seed, campaign->calls_max, campaign->seconds_max,
	       campaign->coverage.nr_places ? "guided by KCOV" : "unguided: no KCOV");
	fflush(stdout);
	EXPECT_TRUE(campaign_run(campaign));
	EXPECT_LT(0, campaign->calls);
	campaign_report(campaign, !campaign->calls_max);
	printf("# memory: %ld KiB before, %ld KiB after\n", before, health_memory());
	EXPECT_LT(before - MEMORY_SPARE_KIB, health_memory());
}

TEST_F(fuzz, nothing_is_left)
{
	EXPECT_TRUE(health_nothing_lives());
	EXPECT_TRUE(health_log_is_clean());
}

TEST_HARNESS_MAIN

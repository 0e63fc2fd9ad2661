// SPDX-License-Identifier: MIT
/* The example of docs/examples, as it is: what users copy works. */
#include "kselftest_harness.h"
#include "lib/guest.h"

#define main run_example
#include "../docs/examples/scene.c"
#undef main

static void close_scene(int from)
{
	int fd;

	for (fd = from; fd < from + IMAGES; fd++)
		close(fd);
}

TEST(example_commits_a_scene)
{
	int next = dup(0);
	long bytes = live_bytes();

	close(next);
	ASSERT_EQ(0, run_example());
	EXPECT_LE(bytes + IMAGES * 256 * 256 * 4L, live_bytes());
	/* The device was first, and is closed again. */
	close_scene(next + 1);
	EXPECT_EQ(bytes, live_bytes());
}

TEST_HARNESS_MAIN

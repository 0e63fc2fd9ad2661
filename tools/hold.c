// SPDX-License-Identifier: MIT
/* Wait, while the caller holds its buffers. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* With a time limit ignore standard input: it may be /dev/null, which ends at once. */
static int wait_for_end(int signals, int64_t seconds)
{
	struct pollfd ends[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = seconds < 0 ? STDIN_FILENO : -1, .events = POLLIN },
	};
	int64_t deadline = seconds < 0 ? 0 : now_ms() + seconds * 1000;
	int64_t left;
	int ret;

	for (;;) {
		left = seconds < 0 ? -1 : deadline - now_ms();
		if (seconds >= 0 && left <= 0)
			return 0;
		ret = poll(ends, ARRAY_SIZE(ends), left > 60000 ? 60000 : (int)left);
		if (ret > 0)
			return 0;
		if (ret < 0 && errno != EINTR)
			return -errno;
	}
}

int hold(int64_t seconds)
{
	int signals, ret;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &ends, NULL))
		return -errno;
	signals = signalfd(-1, &ends, SFD_CLOEXEC);
	if (signals < 0)
		return -errno;
	ret = wait_for_end(signals, seconds);
	close(signals);
	return ret;
}

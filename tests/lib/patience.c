// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "lib/patience.h"

bool is_watched(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

int rounds_of(int rounds)
{
	return is_watched() ? rounds / 40 : rounds;
}

// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "lib/patience.h"

int rounds_of(int rounds)
{
	return access("/sys/kernel/debug/kmemleak", F_OK) ? rounds : rounds / 8;
}

// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz/slots.h"

/* One more than the value, so that it begins empty. */
static _Atomic int slots[POOLS][SLOTS];
static int last_own;

int slot_get(enum pool pool, uint64_t slot)
{
	return atomic_load(&slots[pool][slot % SLOTS]) - 1;
}

int slot_take(enum pool pool, uint64_t slot)
{
	return atomic_exchange(&slots[pool][slot % SLOTS], 0) - 1;
}

int slot_put(enum pool pool, uint64_t slot, int value)
{
	int old;

	/* Results that were written over by something else may say anything. */
	if (value < 0 || (pool < POOL_FDS && value <= last_own))
		return -1;
	old = atomic_exchange(&slots[pool][slot % SLOTS], value + 1) - 1;
	if (old >= 0 && pool < POOL_FDS)
		close(old);
	return value;
}

void slots_create(int fd)
{
	last_own = fd;
}

/* A program may have lost sight of some. */
void slots_clear(void)
{
	int pool, slot;

	for (pool = 0; pool < POOLS; pool++)
		for (slot = 0; slot < SLOTS; slot++)
			atomic_store(&slots[pool][slot], 0);
	syscall(SYS_close_range, last_own + 1, ~0U, 0);
}

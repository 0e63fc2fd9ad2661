// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz/slots.h"

/* The value plus 1. 0: the slot is empty. */
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

	/* Another thread may have overwritten the result: refuse files of the fuzzer. */
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

/* Close all files after the own files: a program may have lost file descriptors. */
void slots_clear(void)
{
	int pool, slot;

	for (pool = 0; pool < POOLS; pool++)
		for (slot = 0; slot < SLOTS; slot++)
			atomic_store(&slots[pool][slot], 0);
	syscall(SYS_close_range, last_own + 1, ~0U, 0);
}

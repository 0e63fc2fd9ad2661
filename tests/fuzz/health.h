/* SPDX-License-Identifier: MIT */
/* Checks of the kernel: its log, live buffers, free memory. */
#ifndef FUZZ_HEALTH_H
#define FUZZ_HEALTH_H

#include <stdbool.h>

/* Begin to read the log at its end. Return: 0 or a negative errno. */
int health_begin(void);

/* Print the complaints in the log since the last call. Return: false if there are any. */
bool health_log_is_clean(void);

/* Wait until no buffer is live, for 10 seconds at most. Return: false if a buffer is live. */
bool health_nothing_lives(void);

/* Return: KiB of available memory. */
long health_memory(void);

#endif /* FUZZ_HEALTH_H */

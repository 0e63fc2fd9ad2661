/* SPDX-License-Identifier: MIT */
/* Whether the kernel is well. */
#ifndef FUZZ_HEALTH_H
#define FUZZ_HEALTH_H

#include <stdbool.h>

/* From here on its log is read. Returns 0 or a negative errno. */
int health_begin(void);

/* Says what the log complains of since then; false where it does. */
bool health_log_is_clean(void);

/* Waits a little for what is freed late. */
bool health_nothing_lives(void);

/* KiB that could be had. */
long health_memory(void);

#endif /* FUZZ_HEALTH_H */

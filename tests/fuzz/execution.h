/* SPDX-License-Identifier: MIT */
/* Runs programs in the process that calls, and closes what they left. */
#ifndef FUZZ_EXECUTION_H
#define FUZZ_EXECUTION_H

#include "fuzz/coverage.h"
#include "fuzz/program.h"

/* Once for each process. @coverage: where what is reached goes. */
int execution_create(struct coverage *coverage);

void execution_run(const struct program *program);

/* Everything that a program may have left open or mapped. */
void execution_clear(void);

#endif /* FUZZ_EXECUTION_H */

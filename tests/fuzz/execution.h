/* SPDX-License-Identifier: MIT */
/* Run programs in the calling process, and free all that they left. */
#ifndef FUZZ_EXECUTION_H
#define FUZZ_EXECUTION_H

#include "fuzz/coverage.h"
#include "fuzz/program.h"

/* Call once in each process. @coverage: where the coverage of programs is stored. */
int execution_create(struct coverage *coverage);

void execution_run(const struct program *program);

/* Close and unmap everything that a program may have left. */
void execution_clear(void);

#endif /* FUZZ_EXECUTION_H */

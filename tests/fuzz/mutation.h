/* SPDX-License-Identifier: MIT */
/* Make random programs, and variants of programs. */
#ifndef FUZZ_MUTATION_H
#define FUZZ_MUTATION_H

#include "fuzz/program.h"
#include "fuzz/random.h"

void program_random(struct program *program, struct random *random);

/* @other: calls are copied from this program, which may be @program itself. */
void program_mutate(struct program *program, const struct program *other,
		    struct random *random);

#endif /* FUZZ_MUTATION_H */

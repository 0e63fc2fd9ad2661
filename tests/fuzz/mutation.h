/* SPDX-License-Identifier: MIT */
/* Programs out of nothing, and out of others. */
#ifndef FUZZ_MUTATION_H
#define FUZZ_MUTATION_H

#include "fuzz/program.h"
#include "fuzz/random.h"

void program_random(struct program *program, struct random *random);

/* @other: lends calls; may be @program itself. */
void program_mutate(struct program *program, const struct program *other,
		    struct random *random);

#endif /* FUZZ_MUTATION_H */

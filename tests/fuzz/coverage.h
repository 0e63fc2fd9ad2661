/* SPDX-License-Identifier: MIT */
/*
 * What of the module was run: by KCOV, which notes each place that a thread passes
 * in the kernel. Places are those that the compiler instrumented; a step from one
 * to the next within one call is an edge.
 */
#ifndef FUZZ_COVERAGE_H
#define FUZZ_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#define EDGES_MAX (1U << 17)
#define PLACES_MAX (1U << 14)
#define FRESH_MAX 4096

/**
 * struct coverage - what was ever reached, shared by processes
 * @places: addresses of the instrumented places of the module, sorted.
 * @nr_places: of them; 0 without KCOV.
 * @reached: a byte for each of them.
 * @nr_reached: of them.
 * @edges: a byte for each edge, by its hash.
 * @nr_edges: of them.
 */
struct coverage {
	uint64_t places[PLACES_MAX];
	uint32_t nr_places;
	uint8_t reached[PLACES_MAX];
	uint32_t nr_reached;
	uint8_t edges[EDGES_MAX];
	uint32_t nr_edges;
};

/*
 * Finds the places, for this process and those that it forks; anew where the module was
 * loaded anew. Without KCOV there are none, and the rest does nothing.
 */
void coverage_find(struct coverage *coverage);

/* For the thread that calls: a negative errno where KCOV refuses. */
int coverage_enter(struct coverage *coverage, unsigned int thread);

/* Around a program, in each of its threads; and after each of its calls. */
void coverage_begin(unsigned int thread);
void coverage_mark(unsigned int thread);

/* Edges of the program that ran, of all threads: those that are new are kept. */
uint32_t coverage_collect(struct coverage *coverage, unsigned int threads);

/* Whether the last program had all the edges that were new in the one before it. */
void coverage_remember(void);
bool coverage_has_remembered(struct coverage *coverage, unsigned int threads);

#endif /* FUZZ_COVERAGE_H */

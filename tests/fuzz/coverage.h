/* SPDX-License-Identifier: MIT */
/*
 * Coverage of the module, from KCOV. KCOV records each place of the kernel that a thread passes. A
 * place is a call of __sanitizer_cov_trace_pc() that the compiler has inserted. An edge is a step
 * from one place of the module to the next within one call.
 */
#ifndef FUZZ_COVERAGE_H
#define FUZZ_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#define EDGES_MAX (1U << 17)
#define PLACES_MAX (1U << 14)
#define FRESH_MAX 4096

/**
 * struct coverage - the places and edges that were reached; shared by processes
 * @places: addresses of the places of the module, sorted.
 * @nr_places: number of places; 0 without KCOV.
 * @reached: a byte for each place; 1: reached.
 * @nr_reached: number of places that were reached.
 * @edges: a byte for each hash of an edge; 1: reached.
 * @nr_edges: number of hashes that were reached.
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
 * Find the places, for this process and its children. Call again after the module is loaded again.
 * Without KCOV there are no places, and the other functions do nothing.
 */
void coverage_find(struct coverage *coverage);

/* Enable KCOV for the calling thread. Return: 0, or a negative errno of KCOV. */
int coverage_enter(struct coverage *coverage, unsigned int thread);

/* In each thread: call begin before a program, and mark after each call of the program. */
void coverage_begin(unsigned int thread);
void coverage_mark(unsigned int thread);

/* Read the traces of all threads, and store the new edges. Return: the number of new edges. */
uint32_t coverage_collect(struct coverage *coverage, unsigned int threads);

/* Remember the new edges, and tell whether the last program had all remembered edges. */
void coverage_remember(void);
bool coverage_has_remembered(struct coverage *coverage, unsigned int threads);

#endif /* FUZZ_COVERAGE_H */

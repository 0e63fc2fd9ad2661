// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/coverage.h"
#include "fuzz/program.h"
#include "fuzz/sites.h"

#define KCOV_PATH "/sys/kernel/debug/kcov"
#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_TRACE_PC 0

#define TRACE_MAX (64UL * 1024)
/* The largest distance in bytes from the first place of the module to the last. */
#define TEXT_MAX (4UL << 20)
#define MARKS_MAX (CALLS_MAX + 2)

/**
 * struct trace - the trace that KCOV writes for a thread
 * @words: the number of addresses, then the addresses.
 * @marks: the number of addresses at the end of each call.
 * @nr_marks: the number of marks.
 */
struct trace {
	unsigned long *words;
	unsigned long marks[MARKS_MAX];
	unsigned int nr_marks;
};

static struct trace traces[THREADS_MAX];

static uint32_t fresh[FRESH_MAX], remembered[FRESH_MAX];
static uint32_t nr_fresh, nr_remembered;
/* @seen: for each edge, the number of the last program that had it. @run: number of a program. */
static uint32_t seen[EDGES_MAX], run;

/* By distance from the first place: the index of the place plus 1; 0: no place. */
static uint16_t indexes[TEXT_MAX];

/* Fill a table, because a search for each address would take longer than the calls. */
static void index_places(const struct coverage *coverage)
{
	uint64_t distance;
	uint32_t i;

	memset(indexes, 0, sizeof(indexes));
	for (i = 0; i < coverage->nr_places; i++) {
		distance = coverage->places[i] - coverage->places[0];
		if (distance < TEXT_MAX)
			indexes[distance] = i + 1;
	}
}

void coverage_find(struct coverage *coverage)
{
	if (access(KCOV_PATH, R_OK | W_OK))
		return;
	coverage->nr_places = sites_find(coverage->places, PLACES_MAX);
	index_places(coverage);
}

int coverage_enter(struct coverage *coverage, unsigned int thread)
{
	unsigned long *words;
	int fd;

	if (!coverage->nr_places || traces[thread].words)
		return 0;
	fd = open(KCOV_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, TRACE_MAX))
		return -errno;
	words = mmap(NULL, TRACE_MAX * sizeof(*words), PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	if (words == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		return -errno;
	/* Children do not use the trace, so do not copy it. */
	madvise(words, TRACE_MAX * sizeof(*words), MADV_DONTFORK);
	traces[thread].words = words;
	return 0;
}

void coverage_begin(unsigned int thread)
{
	struct trace *trace = &traces[thread];

	trace->nr_marks = 0;
	if (trace->words)
		__atomic_store_n(&trace->words[0], 0, __ATOMIC_RELAXED);
}

void coverage_mark(unsigned int thread)
{
	struct trace *trace = &traces[thread];

	if (trace->words && trace->nr_marks < MARKS_MAX)
		trace->marks[trace->nr_marks++] =
			__atomic_load_n(&trace->words[0], __ATOMIC_RELAXED);
}

/* Return: the index of the place at @address, or -1. */
static int place_find(const struct coverage *coverage, uint64_t address)
{
	uint64_t distance = address - coverage->places[0];

	return distance < TEXT_MAX ? indexes[distance] - 1 : -1;
}

static void edge_note(struct coverage *coverage, int from, int to)
{
	uint32_t edge = ((uint32_t)(from + 1) * 2654435761U ^
			 (uint32_t)(to + 1) * 2246822519U) >>
			15;

	seen[edge] = run;
	if (coverage->edges[edge])
		return;
	coverage->edges[edge] = 1;
	coverage->nr_edges++;
	if (nr_fresh < FRESH_MAX)
		fresh[nr_fresh++] = edge;
}

static void place_note(struct coverage *coverage, int place)
{
	if (coverage->reached[place])
		return;
	coverage->reached[place] = 1;
	coverage->nr_reached++;
}

static void trace_read(struct coverage *coverage, const struct trace *trace)
{
	unsigned long count = trace->words[0], i;
	unsigned int mark = 0;
	int from = -1, to;

	if (count >= TRACE_MAX)
		count = TRACE_MAX - 1;
	for (i = 0; i < count; i++) {
		if (mark < trace->nr_marks && i == trace->marks[mark])
			from = -1;
		while (mark < trace->nr_marks && i >= trace->marks[mark])
			mark++;
		to = place_find(coverage, trace->words[i + 1]);
		if (to < 0)
			continue;
		place_note(coverage, to);
		edge_note(coverage, from, to);
		from = to;
	}
}

uint32_t coverage_collect(struct coverage *coverage, unsigned int threads)
{
	unsigned int i;

	nr_fresh = 0;
	run++;
	for (i = 0; i < threads; i++)
		if (traces[i].words)
			trace_read(coverage, &traces[i]);
	return nr_fresh;
}

void coverage_remember(void)
{
	memcpy(remembered, fresh, sizeof(fresh));
	nr_remembered = nr_fresh;
}

bool coverage_has_remembered(struct coverage *coverage, unsigned int threads)
{
	uint32_t i;

	coverage_collect(coverage, threads);
	for (i = 0; i < nr_remembered; i++)
		if (seen[remembered[i]] != run)
			return false;
	return true;
}

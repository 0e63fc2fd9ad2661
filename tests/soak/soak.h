/* SPDX-License-Identifier: MIT */
/*
 * A soak. Workers use buffers in every way at once. A director kills workers, and moves them
 * between control groups. One worker disturbs the machine.
 */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/random.h"

/* Events that are counted. */
enum count {
	FRAMES, /* a camera filled a buffer, and the pixels were right */
	DMAS, /* a device read a buffer */
	GEMS, /* another driver imported a buffer */
	USERS, /* memory of a process was a buffer, and a device wrote to it */
	PASSES, /* a buffer reached another process in a message */
	COMMITS, /* a set of buffers got its memory */
	COMMITS_REFUSED,
	KEPT, /* a purgeable buffer still had its content */
	PURGED, /* a purgeable buffer had lost its content */
	CHURNS, /* a batch of buffers was allocated and freed */
	CHURNS_REFUSED,
	HOGS, /* a process used nearly all memory */
	KILLS,
	MOVES, /* a worker was moved to another control group */
	GROUPS_REMOVED, /* a control group was removed while buffers may be charged to it */
	QUOTAS_CUT,
	OFFLINES,
	SUSPENDS,
	SUSPENDS_REFUSED,
	HIBERNATIONS,
	UNBINDS, /* the driver of a device was unbound */
	COUNTS,
};

/**
 * struct soak - shared by all processes
 * @seed: of the random numbers. The order of events also depends on the speed of the machine.
 * @seconds: seconds that the soak runs.
 * @stop: set: workers end after the work that they do now.
 * @counts: see &enum count.
 * @wrong: the first error that a worker or the director found; "": none.
 * @is_wrong: set by the first finder of an error, who alone writes @wrong.
 */
struct soak {
	uint64_t seed;
	uint64_t seconds;
	bool stop;
	uint64_t counts[COUNTS];
	char wrong[256];
	bool is_wrong;
};

extern struct soak *soak;

void soak_count(enum count what);
/* Record an error. Return: -EIO, for the caller to return. */
__attribute__((format(printf, 1, 2))) int soak_wrong(const char *format, ...);

/**
 * struct work - what a worker does again and again
 * @name: for reports.
 * @run: does the work once. Return: 0, or a negative errno after soak_wrong().
 */
struct work {
	const char *name;
	int (*run)(struct random *random);
};

int work_camera(struct random *random);
int work_camera_contiguous(struct random *random);
int work_dma(struct random *random);
int work_commit(struct random *random);
int work_purge(struct random *random);
int work_churn(struct random *random);
int work_user(struct random *random);
int work_pass(struct random *random);
int work_hog(struct random *random);

/* Cause one event of the machine. */
int work_machine(struct random *random);
/* Undo an event whose process was killed before the end. */
void machine_restore(void);

#endif /* SOAK_SOAK_H */

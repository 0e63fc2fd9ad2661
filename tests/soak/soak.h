/* SPDX-License-Identifier: MIT */
/*
 * A soak: workers that use buffers in every way at once, and a director that kills
 * them, moves them between control groups, and disturbs the machine they run on.
 */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/random.h"

/* Events that are counted. */
enum count {
	FRAMES, /* a camera filled a buffer and the pixels were right */
	DMAS, /* a device read a buffer */
	GEMS, /* another driver imported a buffer */
	USERS, /* memory of a process was a buffer, and a device wrote to it */
	PASSES, /* a buffer reached another process in a message */
	COMMITS, /* a set of buffers got its memory */
	COMMITS_REFUSED,
	KEPT, /* a purgeable buffer still had its content */
	PURGED, /* it had lost it */
	CHURNS, /* a batch of buffers came and went */
	CHURNS_REFUSED,
	HOGS, /* memory was nearly used up */
	KILLS,
	MOVES, /* of a worker to another control group */
	GROUPS_REMOVED, /* while buffers live that were charged to it */
	QUOTAS_CUT,
	OFFLINES,
	SUSPENDS,
	SUSPENDS_REFUSED,
	HIBERNATIONS,
	UNBINDS, /* of a device's driver */
	COUNTS,
};

/**
 * struct soak - shared by all processes
 * @seed: decides the order of events, as far as the machine's speed does not.
 * @seconds: how long it runs.
 * @stop: workers end after what they do now.
 * @counts: see &enum count.
 * @wrong: what a worker or the director found wrong first; "" for nothing.
 * @is_wrong: claims @wrong.
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
/* Returns -EIO, for whoever called. */
__attribute__((format(printf, 1, 2))) int soak_wrong(const char *format, ...);

/**
 * struct work - what a worker does again and again
 * @name: for reports.
 * @run: once. Returns 0, or a negative errno after soak_wrong().
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

/* Events of the machine, one of them at a time. */
int work_machine(struct random *random);
/* Undoes what an event may have left when its process was ended. */
void machine_restore(void);

#endif /* SOAK_SOAK_H */

/* SPDX-License-Identifier: MIT */
/*
 * Fences that a test signals: of sw_sync where the kernel has it, else of vgem,
 * which signals by itself what it has waited for ten seconds.
 */
#ifndef TESTS_FENCES_H
#define TESTS_FENCES_H

#include <stdint.h>

#define FENCES_MAX 64

/**
 * struct fences - where they come from
 * @timeline: of sw_sync, or -1.
 * @present: of the timeline, in steps.
 * @card: vgem, or -1.
 * @count: fences that were made and not signalled.
 * @ids: of vgem's.
 */
struct fences {
	int timeline;
	uint32_t present;
	int card;
	int count;
	uint32_t ids[FENCES_MAX];
};

/* 0 or a negative errno. */
int fences_open(struct fences *fences);
/* Whoever waits for one of them has waited long enough. */
void fences_close(struct fences *fences);

/* A sync file that waits for one more fence, or a negative errno. */
int fence_create(struct fences *fences);
/* All that were made: 0 or a negative errno. */
int fences_signal(struct fences *fences);

/* Of a dma-buf, with DMA_BUF_SYNC_READ, WRITE or both; each or a negative errno. */
int sync_file_export(int fd, uint32_t flags);
int sync_file_import(int fd, uint32_t flags, int sync_file);

#endif /* TESTS_FENCES_H */

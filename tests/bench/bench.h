/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: operations of ours beside the same of others, in guest instructions. It runs
 * under QEMU's -icount shift=0, where the time stamp counter counts instructions.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_FDS 1024

/**
 * struct machine - what the operations work with
 * @device: of ours, opened once.
 * @heap: the dma-heap "system", or a negative errno.
 * @vgem: a DRM device that imports, or a negative errno.
 * @importer: the test importer.
 * @edu: a device of the importer behind a strict IOMMU, or -1.
 */
struct machine {
	int device;
	int heap;
	int vgem;
	int importer;
	int edu;
};

/**
 * struct operation - one that is measured
 * @id: of the goal, "P1".
 * @name: what is done.
 * @run: does it once. Instructions, bytes or a number, or a negative errno.
 * @peer: does the same with the peer.
 * @peer_name: the peer.
 * @bytes: of a buffer.
 * @caching: of ours.
 * @goal: the most that @run may be in units of @peer, or, where @absolute, by itself.
 * @absolute: the goal is a number, not a ratio.
 * @rounds: the median of that many counts.
 */
struct operation {
	const char *id;
	const char *name;
	int64_t (*run)(const struct machine *machine, const struct operation *operation);
	int64_t (*peer)(const struct machine *machine, const struct operation *operation);
	const char *peer_name;
	size_t bytes;
	uint32_t caching;
	double goal;
	int absolute;
	unsigned int rounds;
};

struct operation alloc_operation(unsigned int index);
extern const unsigned int alloc_operations_count;

extern const struct operation operations[];
extern const unsigned int operations_count;

#endif /* BENCH_BENCH_H */

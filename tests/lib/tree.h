/* SPDX-License-Identifier: MIT */
/* The heaps that this machine's device tree describes. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include <bufalloc.h>

/**
 * struct tree_heap - a node "bufalloc,heap"
 * @name: as much of its label as is a name, or what its node is called.
 * @coherent: it is for devices that see the CPU's caches.
 * @translated: it is behind an IOMMU.
 * @reusable: its region is one of CMA; else a pool, where it has a region.
 * @start: first byte of its region.
 * @size: bytes of it; 0 where it has none.
 */
struct tree_heap {
	char name[BUFALLOC_HEAP_NAME_LEN];
	bool coherent;
	bool translated;
	bool reusable;
	uint64_t start;
	uint64_t size;
};

/* Their number, at most @max; 0 where there is no device tree. */
int tree_heaps(struct tree_heap *heaps, int max);

#endif /* TESTS_TREE_H */

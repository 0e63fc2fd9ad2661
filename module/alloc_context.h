/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ALLOC_CONTEXT_H
#define _BUFALLOC_ALLOC_CONTEXT_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct ba_client;
struct ba_heap;
struct mem_cgroup;

/**
 * struct ba_alloc_context - the origin of memory, and the client and cgroup that are charged
 * @client: the client that is charged.
 * @heap: the heap whose device the memory is allocated for.
 * @nid: the preferred NUMA node, or NUMA_NO_NODE.
 * @caching: the caching of the buffer.
 * @memtype: memory type of CPU mappings.
 * @memcg: the memory cgroup that is charged; NULL: the cgroup of the current task.
 */
struct ba_alloc_context {
	struct ba_client *client;
	struct ba_heap *heap;
	int nid;
	enum bufalloc_caching caching;
	enum bufalloc_memtype memtype;
	struct mem_cgroup *memcg;
};

/**
 * struct ba_requirements - the properties that the memory of a buffer must have
 * @length: bytes, a multiple of @alignment.
 * @alignment: alignment in bytes of each segment's address, as the heap's device sees the
 *	address: a power of two, at least a page.
 * @max_segments: the largest number of segments; 0 for no limit.
 * @caching: as requested; attached devices can change the caching of deferred memory.
 * @any_caching: COHERENT memory is allowed, too.
 * @prefer_contiguous: try to allocate one segment first.
 * @heap_is_fixed: attached devices choose no other heap: the request names the heap, or the
 *	memory is pageable.
 * @narrowed: the attached devices needed a heap with fewer address bits.
 * @user_memory: the memory belongs to the calling process, and to no heap.
 * @pageable: the kernel may swap the memory out.
 */
struct ba_requirements {
	size_t length;
	size_t alignment;
	unsigned int max_segments;
	enum bufalloc_caching caching;
	bool any_caching;
	bool prefer_contiguous;
	bool heap_is_fixed;
	bool narrowed;
	bool user_memory;
	bool pageable;
};

#endif /* _BUFALLOC_ALLOC_CONTEXT_H */

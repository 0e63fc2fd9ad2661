/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ALLOC_CONTEXT_H
#define _BUFALLOC_ALLOC_CONTEXT_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct ba_client;
struct ba_heap;
struct mem_cgroup;

/**
 * struct ba_alloc_context - where memory comes from, and who is charged
 * @client: the client that is charged.
 * @heap: the heap whose device the memory is allocated for.
 * @nid: the preferred node of memory, or NUMA_NO_NODE.
 * @caching: of the buffer.
 * @memtype: memory type of CPU mappings.
 * @memcg: the memory cgroup that is charged; NULL for that of the current task.
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
 * struct ba_requirements - what the memory of a buffer must be
 * @length: bytes, a multiple of @alignment.
 * @alignment: bytes, a power of two, at least a page; of the address of each segment, as the
 *	heap's device sees it.
 * @max_segments: the largest number of segments; 0 for no limit.
 * @caching: as requested; attached devices can change the caching of deferred memory.
 * @any_caching: COHERENT will do as well.
 * @prefer_contiguous: one segment is worth a try.
 * @heap_is_fixed: the request names the heap.
 * @narrowed: attached devices needed a heap with fewer bits.
 * @user_memory: the memory is the caller's own, and of no heap.
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

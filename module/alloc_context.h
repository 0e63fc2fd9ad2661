/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ALLOC_CONTEXT_H
#define _BUFALLOC_ALLOC_CONTEXT_H

#include <linux/types.h>

#include <linux/bufalloc.h>

struct ba_client;
struct ba_heap;
struct mem_cgroup;

/**
 * struct ba_alloc_context - where memory comes from, on whose account
 * @client: is charged.
 * @heap: whose device it is allocated for.
 * @nid: of memory, if it can be; or NUMA_NO_NODE.
 * @caching: as decided for the buffer.
 * @memtype: what that is for the CPU.
 * @memcg: is charged, too; NULL for that of whoever asks for the memory.
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
 * struct ba_requirements - what a buffer's memory must be
 * @length: bytes, a multiple of @alignment.
 * @alignment: what the address of each run is a multiple of, as the heap's device
 *	sees it: a power of two, at least a page.
 * @max_segments: physically contiguous runs; 0 for no limit.
 * @caching: of the buffer, where no device that is attached has a say.
 * @any_caching: COHERENT will do as well.
 * @prefer_contiguous: a single one is worth a try.
 * @heap_is_fixed: by who asked for it.
 * @narrowed: the heap is a smaller one than they were given, for the devices' sake.
 * @user_memory: it is memory of the caller, which no heap has.
 * @pageable: the kernel may swap it out.
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

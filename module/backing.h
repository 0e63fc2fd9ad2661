/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_BACKING_H
#define _BUFALLOC_BACKING_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm_types.h>

#include "chunk.h"
#include "segment.h"

struct ba_shmem_pin;
struct ba_shmem;

/**
 * struct ba_backing - the memory of one buffer
 * @context: the origin of the memory, and the client and cgroup that are charged.
 * @requirements: the properties that the memory must have.
 * @chunks: &struct ba_chunk in the order of the buffer; empty until populated.
 * @nr_chunks: number of chunks.
 * @nr_segments: number of segments; neighbouring chunks can form one segment.
 * @shmem: the memory of a pageable buffer, else NULL. Such a backing has a chunk only while it
 *	is pinned: from ba_backing_end_pin() to ba_backing_unpin().
 * @blocks_hibernation: the backing is counted in hibernation.c: hibernation would not save it.
 * @mappings: number of userspace mappings.
 *
 * From ba_populate() or ba_backing_pin_user() to ba_backing_free() or a purge, only @mappings and
 * @context.memcg change. The chunks of pageable memory change as well, at pin and at unpin.
 *
 * A buffer that is mapped or pinned is never purged. So code that has mapped or pinned a buffer
 * reads the backing without a lock.
 */
struct ba_backing {
	struct ba_alloc_context context;
	struct ba_requirements requirements;
	struct list_head chunks;
	unsigned int nr_chunks;
	unsigned int nr_segments;
	struct ba_shmem *shmem;
	bool blocks_hibernation;
	atomic_t mappings;
};

void ba_backing_init(struct ba_backing *backing, const struct ba_alloc_context *context,
		     const struct ba_requirements *requirements);
int ba_backing_pin_user(struct ba_backing *backing, u64 address,
			enum bufalloc_reason *reason);
void ba_backing_adopt(struct ba_backing *backing, struct ba_backing *from);
enum bufalloc_reason ba_backing_why_not(const struct ba_backing *backing, int err);
void ba_backing_release_chunk(struct ba_chunk *chunk, const struct ba_alloc_context *context);
void ba_backing_free(struct ba_backing *backing);

bool ba_backing_has_memory(const struct ba_backing *backing);
size_t ba_backing_resident(const struct ba_backing *backing);

void ba_backing_begin_pin(const struct ba_backing *backing, struct ba_shmem_pin *pin);
int ba_backing_pin_pages(const struct ba_backing *backing, struct ba_shmem_pin *pin,
			 enum bufalloc_reason *reason);
void ba_backing_end_pin(struct ba_backing *backing, struct ba_shmem_pin *pin);
void ba_backing_unpin(struct ba_backing *backing);

#define ba_for_each_segment(backing, seg) \
	for (ba_segment_first(&(backing)->chunks, seg); \
	     ba_segment_next(&(backing)->chunks, seg);)

#endif /* _BUFALLOC_BACKING_H */

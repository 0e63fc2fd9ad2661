/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SHMEM_H
#define _BUFALLOC_SHMEM_H

#include <linux/mm_types.h>
#include <linux/scatterlist.h>

#include "chunk.h"

struct dma_buf;
struct file;

/**
 * struct ba_shmem - memory that the kernel may swap out
 * @file: of shmem; has the pages, wherever they are.
 * @client: is charged for all of it.
 * @memcg: is charged for what there is of it; held by the buffer.
 * @length: bytes.
 * @keeper: what mappings of userspace hold, since they cannot hold its file.
 * @pages_sgt: where the pages are while they are held.
 * @chunk: the same, as part of a backing.
 */
struct ba_shmem {
	struct file *file;
	struct ba_client *client;
	struct mem_cgroup *memcg;
	size_t length;
	struct dma_buf *keeper;
	struct sg_table pages_sgt;
	struct ba_chunk chunk;
};

/**
 * struct ba_shmem_pin - the pages of a store, that stay where they are
 * @file: whose.
 * @memcg: is charged for them; held by the buffer.
 * @length: bytes.
 * @pages_sgt: where they are.
 */
struct ba_shmem_pin {
	struct file *file;
	struct mem_cgroup *memcg;
	size_t length;
	struct sg_table pages_sgt;
};

bool ba_shmem_is_possible(void);
struct ba_shmem *ba_shmem_create(const struct ba_alloc_context *context, size_t length);
void ba_shmem_destroy(struct ba_shmem *shmem);

size_t ba_shmem_resident(const struct ba_shmem *shmem);
struct page *ba_shmem_read_page(const struct ba_shmem *shmem, pgoff_t index);

void ba_shmem_pin_begin(struct ba_shmem_pin *pin, const struct ba_shmem *shmem);
int ba_shmem_pin_pages(struct ba_shmem_pin *pin);

void ba_shmem_pin_end(struct ba_shmem *shmem, struct ba_shmem_pin *pin);
void ba_shmem_unpin(struct ba_shmem *shmem);

#endif /* _BUFALLOC_SHMEM_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SHMEM_H
#define _BUFALLOC_SHMEM_H

#include <linux/mm_types.h>
#include <linux/scatterlist.h>

#include "chunk.h"

struct dma_buf;
struct file;

/**
 * struct ba_shmem - the memory of a pageable buffer
 * @file: the shmem file that has the pages.
 * @client: the client that is charged for the whole length.
 * @memcg: the memory cgroup that is charged for each page. The buffer holds a reference.
 * @length: bytes.
 * @keeper: the dma-buf. Userspace mappings hold a reference to the dma-buf: their file is @file.
 * @pages_sgt: the pages while they are pinned.
 * @chunk: the same pages, as a chunk of the backing.
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
 * struct ba_shmem_pin - pages of a shmem file while they are being pinned
 * @file: the shmem file.
 * @memcg: the memory cgroup that is charged. The buffer holds a reference.
 * @length: bytes.
 * @pages_sgt: the pages, once they are pinned.
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

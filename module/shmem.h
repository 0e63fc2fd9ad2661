/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SHMEM_H
#define _BUFALLOC_SHMEM_H

#include <linux/mm_types.h>
#include <linux/scatterlist.h>

#include "chunk.h"

struct dma_buf;
struct file;

/**
 * struct shmem - memory that the kernel may swap out
 * @file: of shmem; has the pages, wherever they are.
 * @client: is charged for all of it.
 * @memcg: is charged for what there is of it; held by the buffer.
 * @length: bytes.
 * @keeper: what mappings of userspace hold, since they cannot hold its file.
 * @pages_sgt: where the pages are while they are held.
 * @chunk: the same, as part of a backing.
 */
struct shmem {
	struct file *file;
	struct client *client;
	struct mem_cgroup *memcg;
	size_t length;
	struct dma_buf *keeper;
	struct sg_table pages_sgt;
	struct chunk chunk;
};

/**
 * struct shmem_pin - the pages of a store, that stay where they are
 * @file: whose.
 * @memcg: is charged for them; held by the buffer.
 * @length: bytes.
 * @pages_sgt: where they are.
 */
struct shmem_pin {
	struct file *file;
	struct mem_cgroup *memcg;
	size_t length;
	struct sg_table pages_sgt;
};

bool shmem_is_possible(void);
struct shmem *shmem_create(const struct alloc_context *context, size_t length);
void shmem_destroy(struct shmem *shmem);

size_t shmem_resident(const struct shmem *shmem);
struct page *shmem_read_page(const struct shmem *shmem, pgoff_t index);

void shmem_pin_begin(struct shmem_pin *pin, const struct shmem *shmem);
int shmem_pin_pages(struct shmem_pin *pin);

void shmem_pin_end(struct shmem *shmem, struct shmem_pin *pin);
void shmem_unpin(struct shmem *shmem);

#endif /* _BUFALLOC_SHMEM_H */

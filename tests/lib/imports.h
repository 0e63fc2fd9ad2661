/* SPDX-License-Identifier: MIT */
/* The test importer, call by call. Each returns 0 or more, or a negative errno. */
#ifndef TESTS_IMPORTS_H
#define TESTS_IMPORTS_H

#include <stdint.h>

#include "importer/importer.h"

int importer_open(void);
/* Returns the attachment's id. */
int importer_attach(int importer, int fd, uint32_t device);
/* The same in the remove() of that device's driver. */
int importer_attach_late(int importer, int fd, uint32_t device);
/* Attach again, after the device of @id has lost its driver; map and unmap. */
int importer_attach_driverless(int importer, int id);
/* Whether the page allocator clears the pages that it gives out. */
int importer_clears(int importer);
int importer_detach(int importer, int id);
int importer_map(int importer, int id, uint32_t direction,
		 struct importer_map *map);
int importer_unmap(int importer, int id);
int importer_peek(int importer, int id, uint64_t offset, uint64_t *value);
int importer_vmap(int importer, int fd, uint64_t offset,
		  struct importer_vmap *vmap);
int importer_vmap_bare(int importer, int fd);
/* Of a mapping that has been made: any number of segments. */
int importer_table(int importer, int id, struct importer_table *table);

/* What is known of a device; -ENODEV where this machine has no such edu. */
int importer_facts(int importer, uint32_t device, struct importer_facts *facts);
/* Bytes in a segment of that device's mappings, until @importer is closed. */
int importer_limit(int importer, uint32_t device, uint32_t bytes);
/*
 * Where that device, which is none of hardware, sees memory from its physical address,
 * and what its segments may not cross, until @importer is closed; 0 for nothing.
 */
int importer_bus(int importer, uint32_t device, uint64_t boundary,
		 uint64_t shift);

/* DMA of @length bytes at @offset, in one of the two directions, to its end. */
int importer_dma(int importer, int id, uint32_t direction, uint64_t offset,
		 uint64_t length);
/* The same, only begun. */
int importer_dma_start(int importer, int id, uint32_t direction,
		       uint64_t offset, uint64_t length);
int importer_dma_wait(int importer, int id);
int importer_dma_pending(int importer, int id);
/*
 * Has what was begun be under way: begins it again where it was over already. What the
 * device has in itself is the same. 0 or a negative errno.
 */
int importer_dma_go_on(int importer, int id, uint32_t direction,
		       uint64_t offset, uint64_t length);
int importer_zap(int importer, int fd);
/* Memory of the DMA API with a kernel mapping, until @importer is closed. */
int importer_take(int importer, unsigned long mib);
/*
 * Who needs the page that this process has at @address waits, for one at a time: until
 * @importer is closed, or until the same for NULL.
 */
int importer_busy(int importer, const void *address);

/*
 * The types of page-table entries, IMPORTER_WRITE_COMBINE and so on. An address of the user is
 * accessed first.
 */
int user_memtype(int importer, const void *address);
int direct_memtype(int importer, uint64_t pfn);
/* Bytes of memory whose kernel mapping is not write-back; -EOPNOTSUPP: no such. */
int64_t direct_typed(int importer);
int64_t user_pfn(int importer, const void *address);
/* Bytes that the page table entry maps; -ENXIO for none. The address is not accessed. */
int64_t user_size(int importer, const void *address);
/* Bytes that the entry of the kernel's own mapping of a page maps. */
int64_t direct_size(int importer, uint64_t pfn);

#endif /* TESTS_IMPORTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_HEAP_H
#define _BUFALLOC_HEAP_H

#include <linux/atomic.h>
#include <linux/device.h>

#include <linux/bufalloc.h>

struct dmem_cgroup_region;

/**
 * struct ba_heap - a device that memory is allocated for
 * @dev: the device; its DMA masks and its region decide where memory lies.
 * @node_devs: a device for each NUMA node; an entry is NULL if its node has no device. The array
 *	is NULL for heaps of a device tree.
 * @name: known to users; the same after every boot.
 * @index: known to users; fixed while the module is loaded.
 * @dma_bits: memory lies below 2^dma_bits.
 * @named_only: only requests that name the heap get memory of the heap.
 * @behind_iommu: @dev is behind an IOMMU.
 * @coherent_pool: the region is a pool that the kernel maps write-combined, outside of the
 *	direct map.
 * @no_map: the kernel has no cacheable mapping of the region.
 * @region_start: start of the region of @dev.
 * @region_size: bytes of the region; 0 if memory comes from the whole system.
 * @used: bytes that are allocated.
 * @dmem: the dmem region that is charged for memory that no memory cgroup is charged for; NULL:
 *	the kernel has no dmem controller.
 */
struct ba_heap {
	struct device *dev;
	struct device **node_devs;
	const char *name;
	u32 index;
	u32 dma_bits;
	bool named_only;
	bool behind_iommu;
	bool coherent_pool;
	bool no_map;
	phys_addr_t region_start;
	size_t region_size;
	atomic64_t used;
	struct dmem_cgroup_region *dmem;
};

int ba_heap_add(struct ba_heap *heap);
u32 ba_heap_count(void);
struct ba_heap *ba_heap_at(u32 index);
struct ba_heap *ba_heap_find(u32 index, u32 dma_bits);
struct device *ba_heap_device(const struct ba_heap *heap, int nid);
enum bufalloc_memtype ba_heap_memtype(const struct ba_heap *heap,
				      enum bufalloc_caching caching);
bool ba_heap_has_cached_alias(const struct ba_heap *heap,
			      enum bufalloc_memtype memtype);

u32 ba_heap_cachings(const struct ba_heap *heap);
u32 ba_heap_flags(const struct ba_heap *heap);
u64 ba_heap_contiguous(const struct ba_heap *heap);

int ba_heap_init(void);
void ba_heap_exit(void);

#endif /* _BUFALLOC_HEAP_H */

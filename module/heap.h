/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_HEAP_H
#define _BUFALLOC_HEAP_H

#include <linux/atomic.h>
#include <linux/device.h>

#include <linux/bufalloc.h>

struct dmem_cgroup_region;

/**
 * struct ba_heap - a device that memory is allocated for
 * @dev: what the DMA API allocates for: its masks and region decide.
 * @node_devs: the same for each node of memory, or NULL where there is no such device: for
 *	all of them where there is one node only. NULL itself for heaps of a device tree.
 * @name: stable, known to users.
 * @index: known to users, fixed while the module is loaded.
 * @dma_bits: memory lies below 2^dma_bits.
 * @named_only: only for those who name it.
 * @behind_iommu: @dev is behind an IOMMU.
 * @coherent_pool: its region is one that the kernel maps write-combined, and not along
 *	with all other memory.
 * @no_map: the kernel has no cacheable mapping of its region.
 * @region_start: of memory that is set aside for @dev.
 * @region_size: its bytes; 0 where it takes memory from the whole system.
 * @used: bytes taken from it.
 * @dmem: where memory of it counts that no memory cgroup is charged for; NULL
 *	where the kernel has no such cgroups.
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

// SPDX-License-Identifier: GPL-2.0
/*
 * The placement of deferred memory: within the reach of all attached devices,
 * and on their node. Main object: struct ba_placement, which has no lock.
 *
 * A device behind an IOMMU reaches all memory, in any number of segments.
 */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "backing.h"
#include "direct.h"
#include "heap.h"
#include "placement.h"

/* Every heap, but those that have to be named, is one of these. */
#define ALL_BITS 64

void ba_placement_init(struct ba_placement *placement)
{
	placement->dma_bits = ALL_BITS;
	placement->prefer_contiguous = false;
	placement->snoops = false;
	placement->bypasses = false;
	placement->nid = NUMA_NO_NODE;
	placement->some = false;
}

/*
 * How far a device reaches on its own. A limit beyond the last page of the machine is
 * none. Of a bus that moves addresses it is only known where its last one is: whether
 * all that lies below is on it the mapping finds out.
 */
static u32 reached_bits(struct device *dev)
{
	u64 limit = min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
	phys_addr_t last;

	if (limit >= dma_get_required_mask(dev))
		return ALL_BITS;
	last = dma_to_phys(dev, limit);
	return last == (phys_addr_t)-1 ? ALL_BITS : ilog2((u64)last + 1);
}

/*
 * A driver that has said that an entry may hold it all is one of a device that takes
 * few of them, most often just one. UINT_MAX says nothing of the kind: drivers of GPUs
 * that take any number of entries set it to quiet a check of the DMA API.
 */
static bool wants_contiguous(struct device *dev, size_t length)
{
	unsigned int limit = dma_get_max_seg_size(dev);

	return limit >= length && limit > SZ_64K && limit != UINT_MAX;
}

/* A node that is far from some devices is as good as any other. */
static void add_node(struct ba_placement *placement, int nid)
{
	if (nid == NUMA_NO_NODE)
		return;
	if (!placement->some)
		placement->nid = nid;
	else if (placement->nid != nid)
		placement->nid = NUMA_NO_NODE;
	placement->some = true;
}

/* One more device. */
void ba_placement_add_device(struct ba_placement *placement, struct device *dev, size_t length)
{
	if (!dev->dma_mask)
		return;
	add_node(placement, dev_to_node(dev));
	placement->snoops |= dev_is_dma_coherent(dev);
	placement->bypasses |= !dev_is_dma_coherent(dev);
	if (!ba_dev_is_direct(dev))
		return;
	placement->dma_bits = min(placement->dma_bits, reached_bits(dev));
	placement->prefer_contiguous |= wants_contiguous(dev, length);
}

/*
 * The memory type of CPU mappings. COHERENT is write-back if all devices snoop. If only
 * some snoop, the type stays, and the map of snooping devices is refused: only CACHED
 * memory serves both kinds.
 */
static enum bufalloc_memtype memtype_of(const struct ba_placement *placement,
					const struct ba_requirements *requirements,
					const struct ba_heap *heap)
{
	enum bufalloc_memtype memtype = ba_heap_memtype(heap, requirements->caching);

	if (requirements->caching != BUFALLOC_CACHING_COHERENT && !requirements->any_caching)
		return memtype;
	if (!placement->snoops || placement->bypasses ||
	    !ba_heap_has_cached_alias(heap, memtype))
		return memtype;
	/* A coherent pool has no other type, nor has memory outside of the direct map. */
	return ba_heap_memtype(heap, BUFALLOC_CACHING_CACHED) ?: memtype;
}

static bool is_heap_allowed(const struct ba_placement *placement, const struct ba_backing *backing)
{
	return backing->requirements.heap_is_fixed ||
	       backing->context.heap->dma_bits <= placement->dma_bits;
}

/* Whether memory for another placement fits this one, and has its type. */
bool ba_placement_allows(const struct ba_placement *placement, const struct ba_backing *backing)
{
	const struct ba_alloc_context *context = &backing->context;

	return is_heap_allowed(placement, backing) &&
	       context->memtype ==
		       memtype_of(placement, &backing->requirements, context->heap);
}

/* Write-back WC memory needs no sync: call it COHERENT. */
static void apply_memtype(const struct ba_placement *placement, struct ba_backing *backing)
{
	const struct ba_requirements *requirements = &backing->requirements;
	struct ba_alloc_context *context = &backing->context;

	context->memtype = memtype_of(placement, requirements, context->heap);
	context->caching = requirements->caching;
	if (requirements->caching == BUFALLOC_CACHING_WC &&
	    context->memtype == BUFALLOC_MEMTYPE_WRITE_BACK)
		context->caching = BUFALLOC_CACHING_COHERENT;
}

/**
 * ba_placement_apply() - have memory come from there
 * @placement: where.
 * @backing: what has no memory yet. A heap that its user named stays.
 *
 * Return: 0, or -EIO where no heap is so narrow.
 */
int ba_placement_apply(const struct ba_placement *placement, struct ba_backing *backing)
{
	struct ba_alloc_context *context = &backing->context;
	struct ba_heap *heap = context->heap;

	if (!backing->requirements.heap_is_fixed && placement->dma_bits < heap->dma_bits)
		heap = ba_heap_find(BUFALLOC_HEAP_ANY, placement->dma_bits);
	if (!heap)
		return -EIO;
	backing->requirements.narrowed = heap != context->heap;
	context->heap = heap;
	apply_memtype(placement, backing);
	context->nid = placement->nid;
	/* On a machine with one node, NUMA_NO_NODE is the same. */
	if (ba_heap_device(heap, context->nid) == heap->dev)
		context->nid = NUMA_NO_NODE;
	backing->requirements.prefer_contiguous =
		placement->prefer_contiguous && !heap->behind_iommu;
	return 0;
}

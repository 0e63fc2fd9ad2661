// SPDX-License-Identifier: GPL-2.0
/*
 * Decides where deferred memory is placed: within the reach of all attached devices, and on their
 * node. A device behind an IOMMU reaches all memory, in any number of segments.
 *
 * Main object: struct ba_placement. It lives on the stack of one thread and has no lock; the caller
 * holds the buffer's lock while devices are added.
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

/* No limit: each heap fits. */
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
 * The number of address bits that a device reaches without an IOMMU. A limit beyond the last page
 * of the machine is no limit.
 *
 * A bus can translate addresses: dma_to_phys() returns the physical address of the limit. Memory
 * below that address can still be out of reach, so each map checks all segments.
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
 * If a device takes few entries, most often one, its driver allows entries at least as long as the
 * buffer. SZ_64K is the default of the DMA API and tells nothing. UINT_MAX tells nothing either:
 * drivers of GPUs, which take any number of entries, set UINT_MAX to quiet a check of the DMA API.
 */
static bool wants_contiguous(struct device *dev, size_t length)
{
	unsigned int limit = dma_get_max_seg_size(dev);

	return limit >= length && limit > SZ_64K && limit != UINT_MAX;
}

/* If the devices are on different nodes, each node is far from some device: prefer no node. */
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

/* Add the limits of one device. A device without a DMA mask does no DMA, and has no limits. */
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
 * The memory type of CPU mappings. COHERENT memory is write-back if all devices snoop. If only some
 * devices snoop, the type stays as it is, and the map of a snooping device is refused: only CACHED
 * memory serves both kinds of devices.
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
	/* A coherent pool has one type only, and so has memory outside of the direct map. */
	return ba_heap_memtype(heap, BUFALLOC_CACHING_CACHED) ?: memtype;
}

static bool is_heap_allowed(const struct ba_placement *placement, const struct ba_backing *backing)
{
	return backing->requirements.heap_is_fixed ||
	       backing->context.heap->dma_bits <= placement->dma_bits;
}

/*
 * Whether memory that was taken for an earlier placement fits @placement: compare the heap and the
 * memory type. Contiguity and node are preferences, and are not compared.
 */
bool ba_placement_allows(const struct ba_placement *placement, const struct ba_backing *backing)
{
	const struct ba_alloc_context *context = &backing->context;

	return is_heap_allowed(placement, backing) &&
	       context->memtype ==
		       memtype_of(placement, &backing->requirements, context->heap);
}

/* Report a WC buffer that got write-back memory as COHERENT: such memory needs no sync. */
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
 * ba_placement_apply() - choose heap, node and memory type of a backing
 * @placement: the limits and preferences of the attached devices.
 * @backing: without memory. A heap that the request names stays.
 *
 * Return: 0, or an error:
 * -EIO: no heap has so few address bits.
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
	/* The heap has no device for this node, so the node makes no difference. */
	if (ba_heap_device(heap, context->nid) == heap->dev)
		context->nid = NUMA_NO_NODE;
	backing->requirements.prefer_contiguous =
		placement->prefer_contiguous && !heap->behind_iommu;
	return 0;
}

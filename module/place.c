// SPDX-License-Identifier: GPL-2.0
/*
 * Where memory goes that comes when its devices are known: where all of them reach
 * it, and near to them. What an IOMMU translates for reaches everything, and takes it in
 * pieces.
 */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "backing.h"
#include "direct.h"
#include "heap.h"
#include "place.h"

/* Every heap, but those that have to be named, is one of these. */
#define ALL_BITS 64

void place_init(struct place *place)
{
	place->dma_bits = ALL_BITS;
	place->one_run = false;
	place->snoops = false;
	place->bypasses = false;
	place->node = NUMA_NO_NODE;
	place->some = false;
}

/*
 * How far a device reaches on its own. A limit beyond the last page of the machine is
 * none. Of a bus that moves addresses it is only known where its last one is: whether
 * all that lies below is on it the mapping finds out.
 */
static u32 bits_of(struct device *dev)
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
static bool wants_one_run(struct device *dev, size_t length)
{
	unsigned int limit = dma_get_max_seg_size(dev);

	return limit >= length && limit > SZ_64K && limit != UINT_MAX;
}

/* One that is far from some of them is as good as any other. */
static void admit_node(struct place *place, int node)
{
	if (node == NUMA_NO_NODE)
		return;
	if (!place->some)
		place->node = node;
	else if (place->node != node)
		place->node = NUMA_NO_NODE;
	place->some = true;
}

/* One more device. */
void place_admit(struct place *place, struct device *dev, size_t length)
{
	if (!dev->dma_mask)
		return;
	admit_node(place, dev_to_node(dev));
	place->snoops |= dev_is_dma_coherent(dev);
	place->bypasses |= !dev_is_dma_coherent(dev);
	if (!dev_is_direct(dev))
		return;
	place->dma_bits = min(place->dma_bits, bits_of(dev));
	place->one_run |= wants_one_run(dev, length);
}

/*
 * What CPU mappings of memory of that heap will be. Where all devices snoop, COHERENT is
 * write-back. With one that does not among them it stays what it is without devices: the
 * others are refused then, since only CACHED memory serves both kinds.
 */
static enum bufalloc_memtype memtype_of(const struct place *place,
					const struct demand *demand,
					const struct heap *heap)
{
	enum bufalloc_memtype memtype = heap_memtype(heap, demand->caching);

	if (demand->caching != BUFALLOC_CACHING_COHERENT && !demand->any_caching)
		return memtype;
	if (!place->snoops || place->bypasses ||
	    !heap_has_cached_alias(heap, memtype))
		return memtype;
	/* A pool, and memory that the kernel does not map, have nothing else. */
	return heap_memtype(heap, BUFALLOC_CACHING_CACHED) ?: memtype;
}

static bool is_within(const struct place *place, const struct backing *backing)
{
	return backing->demand.heap_is_fixed ||
	       backing->source.heap->dma_bits <= place->dma_bits;
}

/* Whether memory that was taken for another place is in this one, and of its type. */
bool place_covers(const struct place *place, const struct backing *backing)
{
	const struct source *source = &backing->source;

	return is_within(place, backing) &&
	       source->memtype ==
		       memtype_of(place, &backing->demand, source->heap);
}

/* WC that is write-back is COHERENT: it needs no sync, and is not asked for as such. */
static void apply_memtype(const struct place *place, struct backing *backing)
{
	const struct demand *demand = &backing->demand;
	struct source *source = &backing->source;

	source->memtype = memtype_of(place, demand, source->heap);
	source->caching = demand->caching;
	if (demand->caching == BUFALLOC_CACHING_WC &&
	    source->memtype == BUFALLOC_MEMTYPE_WRITE_BACK)
		source->caching = BUFALLOC_CACHING_COHERENT;
}

/**
 * place_apply() - have memory come from there
 * @place: where.
 * @backing: what has no memory yet. A heap that its user named stays.
 *
 * Return: 0, or -EIO where no heap is so narrow.
 */
int place_apply(const struct place *place, struct backing *backing)
{
	struct source *source = &backing->source;
	struct heap *heap = source->heap;

	if (!backing->demand.heap_is_fixed && place->dma_bits < heap->dma_bits)
		heap = heap_find(BUFALLOC_HEAP_ANY, place->dma_bits);
	if (!heap)
		return -EIO;
	backing->demand.narrowed = heap != source->heap;
	source->heap = heap;
	apply_memtype(place, backing);
	source->node = place->node;
	/* Where there is one node only, it is the same as none. */
	if (heap_device(heap, source->node) == heap->dev)
		source->node = NUMA_NO_NODE;
	backing->demand.one_run = place->one_run && !heap->translated;
	return 0;
}

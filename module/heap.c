// SPDX-License-Identifier: GPL-2.0
/*
 * The devices that memory is allocated for: up to five built-in heaps, and the heaps of a device
 * tree (of_heap.c).
 *
 * Main object: struct ba_heap. A heap lives until the module unloads: sysfs cannot unbind the
 * device, and an index never changes its meaning.
 *
 * Lock: heaps_lock guards additions. Readers need no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "caching.h"
#include "compat/compat.h"
#include "heap.h"
#include "limits.h"

#define HEAPS_MAX 32

/* Guards additions. Readers need no lock: see ba_heap_add(). */
static DEFINE_MUTEX(heaps_lock);
static struct ba_heap *heaps[HEAPS_MAX];
static u32 heaps_count;

struct builtin {
	const char *name;
	u32 dma_bits;
};

/*
 * Address bits of the built-in heaps: 64, and the widths of devices with fewer address lines. A
 * device with a width in between uses the next narrower heap.
 */
static const struct builtin builtins[] = {
	{ .name = "system", .dma_bits = 64 },
	{ .name = "system32", .dma_bits = 32 },
	{ .name = "system30", .dma_bits = 30 },
	{ .name = "system28", .dma_bits = 28 },
	{ .name = "system24", .dma_bits = 24 },
};

/**
 * struct spot - the heap and the node of a platform device of this module
 * @builtin: the heap.
 * @nid: the node of memory; NUMA_NO_NODE: the parent of the devices of all nodes.
 */
struct spot {
	const struct builtin *builtin;
	int nid;
};

static struct platform_device *devices[ARRAY_SIZE(builtins)];

u32 ba_heap_count(void)
{
	/* Pairs with smp_store_release() in ba_heap_add(). */
	return smp_load_acquire(&heaps_count);
}

struct ba_heap *ba_heap_at(u32 index)
{
	u32 count = ba_heap_count();

	if (index >= count)
		return NULL;
	return heaps[array_index_nospec(index, count)];
}

static bool heap_fits(const struct ba_heap *heap, u32 dma_bits)
{
	return !dma_bits || heap->dma_bits <= dma_bits;
}

/*
 * Find the heap with @index. With BUFALLOC_HEAP_ANY find the heap with the most address bits,
 * except the heaps that are @named_only. The heap has at most @dma_bits address bits; 0: no limit.
 * Return: NULL if there is no such heap.
 */
struct ba_heap *ba_heap_find(u32 index, u32 dma_bits)
{
	struct ba_heap *heap, *best = NULL;
	u32 i;

	if (index != BUFALLOC_HEAP_ANY) {
		heap = ba_heap_at(index);
		return heap && heap_fits(heap, dma_bits) ? heap : NULL;
	}

	for (i = 0; i < ba_heap_count(); i++) {
		heap = heaps[i];
		if (!heap->named_only && heap_fits(heap, dma_bits) &&
		    (!best || heap->dma_bits > best->dma_bits))
			best = heap;
	}
	return best;
}

/* The device of the heap whose allocations prefer the node @nid. */
struct device *ba_heap_device(const struct ba_heap *heap, int nid)
{
	if (nid == NUMA_NO_NODE || !heap->node_devs || !heap->node_devs[nid])
		return heap->dev;
	return heap->node_devs[nid];
}

/* The DMA API gives cacheable memory only if the direct map contains the memory. */
static bool heap_is_high(const struct ba_heap *heap)
{
	return heap->region_size &&
	       PageHighMem(pfn_to_page(PHYS_PFN(heap->region_start)));
}

/* The kernel maps a coherent pool with the type that the architecture uses for write-combining. */
static enum bufalloc_memtype pool_memtype(enum bufalloc_caching caching)
{
	enum bufalloc_memtype memtype = ba_caching_of_wc_mapping();

	if (caching == BUFALLOC_CACHING_CACHED ||
	    (caching == BUFALLOC_CACHING_WC &&
	     memtype != BUFALLOC_MEMTYPE_WRITE_COMBINE))
		return BUFALLOC_MEMTYPE_NONE;
	return memtype;
}

/* The memory type of CPU mappings, or NONE if the caching is not available. */
enum bufalloc_memtype ba_heap_memtype(const struct ba_heap *heap,
				      enum bufalloc_caching caching)
{
	if (caching == BUFALLOC_CACHING_CACHED && heap_is_high(heap))
		return BUFALLOC_MEMTYPE_NONE;
	if (!heap->coherent_pool)
		return ba_caching_memtype(heap->dev, caching);
	return pool_memtype(caching);
}

/*
 * Whether the direct map is cacheable while CPU mappings of the memory are not. A snooping device
 * may then find old cache lines of the direct map.
 */
bool ba_heap_has_cached_alias(const struct ba_heap *heap,
			      enum bufalloc_memtype memtype)
{
	return memtype != BUFALLOC_MEMTYPE_WRITE_BACK &&
	       !ba_memtype_in_direct_map(memtype) && !heap->no_map;
}

/* A bit for each caching that the heap offers. */
u32 ba_heap_cachings(const struct ba_heap *heap)
{
	enum bufalloc_caching caching;
	u32 cachings = 0;

	for (caching = BUFALLOC_CACHING_WC; caching <= BUFALLOC_CACHING_CACHED; caching++)
		if (ba_heap_memtype(heap, caching) != BUFALLOC_MEMTYPE_NONE)
			cachings |= 1 << caching;
	return cachings;
}

u32 ba_heap_flags(const struct ba_heap *heap)
{
	u32 flags = 0;

	if (heap->behind_iommu || heap->coherent_pool)
		flags |= BUFALLOC_HEAP_KERNEL_MAPPING;
	if (heap->region_size)
		flags |= BUFALLOC_HEAP_UNCHARGED;
	else if (dev_has_cma_area(heap->dev))
		flags |= BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS;
	if (heap->dmem)
		flags |= BUFALLOC_HEAP_DMEM;
	return flags;
}

u64 ba_heap_contiguous(const struct ba_heap *heap)
{
	size_t size = heap->region_size;

	if (!size)
		return CHUNK_MAX;
	return min_t(u64, heap->coherent_pool ? rounddown_pow_of_two(size) : size,
		     SEGMENT_MAX);
}

static bool heap_is_known(const char *name)
{
	u32 i;

	for (i = 0; i < heaps_count; i++)
		if (!strcmp(heaps[i]->name, name))
			return true;
	return false;
}

static void heap_unregister_dmem(void *region)
{
	dmem_cgroup_unregister_region(region);
}

/* Administrators write this name into dmem.max. */
static int heap_register_dmem(struct ba_heap *heap)
{
	const struct dmem_cgroup_init init = {
		.size = heap->region_size ?:
					    (u64)totalram_pages() << PAGE_SHIFT,
	};
	struct dmem_cgroup_region *region;

	region = dmem_cgroup_register_region(&init, "bufalloc/%s", heap->name);
	if (IS_ERR_OR_NULL(region))
		return PTR_ERR_OR_ZERO(region);
	heap->dmem = region;
	return devm_add_action_or_reset(heap->dev, heap_unregister_dmem,
					region);
}

/* Return: 0, or an error: -EEXIST: another heap has the name; -ENOSPC: too many heaps; -ENOMEM. */
int ba_heap_add(struct ba_heap *heap)
{
	int ret;

	ret = heap_register_dmem(heap);
	if (ret)
		return ret;

	mutex_lock(&heaps_lock);
	if (heap_is_known(heap->name)) {
		ret = -EEXIST;
	} else if (heaps_count == HEAPS_MAX) {
		ret = -ENOSPC;
	} else {
		heap->index = heaps_count;
		heaps[heap->index] = heap;
		/* Pairs with smp_load_acquire() in ba_heap_count(): fill the slot first. */
		smp_store_release(&heaps_count, heap->index + 1);
	}
	mutex_unlock(&heaps_lock);
	return ret;
}

static int heap_create(struct device *dev, const struct builtin *builtin)
{
	struct ba_heap *heap;

	heap = devm_kzalloc(dev, sizeof(*heap), GFP_KERNEL);
	if (!heap)
		return -ENOMEM;
	heap->node_devs = devm_kcalloc(dev, nr_node_ids, sizeof(*heap->node_devs),
				       GFP_KERNEL);
	if (!heap->node_devs)
		return -ENOMEM;
	heap->dev = dev;
	heap->name = builtin->name;
	heap->dma_bits = builtin->dma_bits;
	dev_set_drvdata(dev, heap);
	return ba_heap_add(heap);
}

/* The DMA API can accept a mask although the machine has no memory below that mask. */
static bool has_memory_below(struct device *dev, u32 dma_bits)
{
	phys_addr_t start;
	int nid;

	for_each_online_node(nid) {
		start = PFN_PHYS(node_start_pfn(nid));
		if (node_present_pages(nid) &&
		    phys_to_dma(dev, start) <= DMA_BIT_MASK(dma_bits))
			return true;
	}
	return false;
}

static int heap_probe(struct platform_device *pdev)
{
	const struct spot *spot = dev_get_platdata(&pdev->dev);
	struct device *dev = &pdev->dev;
	struct ba_heap *heap;
	int ret;

	/* driver_override in sysfs can bind a device of another driver. */
	if (!platform_get_device_id(pdev))
		return -ENODEV;

	/* If all memory of the platform lies above the mask, there is no such heap. */
	ret = dma_coerce_mask_and_coherent(dev,
					   DMA_BIT_MASK(spot->builtin->dma_bits));
	if (ret || !has_memory_below(dev, spot->builtin->dma_bits))
		return 0;
	if (spot->nid == NUMA_NO_NODE)
		return heap_create(dev, spot->builtin);

	heap = dev_get_drvdata(dev->parent);
	set_dev_node(dev, spot->nid);
	heap->node_devs[spot->nid] = dev;
	return 0;
}

static const struct platform_device_id heap_ids[] = {
	{ .name = "bufalloc-heap" },
	{}
};

static struct platform_driver heap_driver = {
	.probe = heap_probe,
	.id_table = heap_ids,
	.driver = {
		.name = "bufalloc-heap",
		.suppress_bind_attrs = true,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static int heap_unregister_child(struct device *dev, void *unused)
{
	platform_device_unregister(to_platform_device(dev));
	return 0;
}

static void heap_unregister(struct platform_device *pdev)
{
	device_for_each_child(&pdev->dev, NULL, heap_unregister_child);
	platform_device_unregister(pdev);
}

static void heap_unregister_devices(void)
{
	size_t i;

	for (i = ARRAY_SIZE(devices); i-- > 0;) {
		if (devices[i])
			heap_unregister(devices[i]);
		devices[i] = NULL;
	}
}

/*
 * The bus does not report a failed probe, so check that the device has its driver. Without this
 * heap the indexes and names of other heaps would change their meaning: do not load the module.
 */
static struct platform_device *heap_register_device(struct device *parent,
						    int id,
						    const struct spot *spot)
{
	struct platform_device *pdev;

	pdev = platform_device_register_resndata(parent, "bufalloc-heap", id,
						 NULL, 0, spot, sizeof(*spot));
	if (!IS_ERR(pdev) && !pdev->dev.driver) {
		platform_device_unregister(pdev);
		return ERR_PTR(-ENODEV);
	}
	return pdev;
}

/* Register a heap. On a machine with several NUMA nodes, also register a device for each node. */
static int heap_register(size_t i)
{
	struct spot spot = { .builtin = &builtins[i], .nid = NUMA_NO_NODE };
	struct platform_device *pdev, *child;

	pdev = heap_register_device(NULL, i, &spot);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	devices[i] = pdev;

	if (num_online_nodes() == 1 || !dev_get_drvdata(&pdev->dev))
		return 0;
	for_each_online_node(spot.nid) {
		child = heap_register_device(&pdev->dev, PLATFORM_DEVID_AUTO,
					     &spot);
		if (IS_ERR(child))
			return PTR_ERR(child);
	}
	return 0;
}

static int heap_register_devices(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(builtins); i++) {
		ret = heap_register(i);
		if (ret) {
			heap_unregister_devices();
			return ret;
		}
	}
	return 0;
}

static int heap_check_platform(void)
{
	/* The DMA API would decrypt memory that other mappings still treat as encrypted. */
	if (memory_is_encrypted()) {
		pr_err("memory encryption is active, which is not supported\n");
		return -EOPNOTSUPP;
	}
	/* A range that is contiguous for the kernel may not be contiguous for a device. */
	if (xen_pv_domain() || xen_initial_domain()) {
		pr_err("Xen's first domain and its paravirtualised ones are not supported\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

int ba_heap_init(void)
{
	int ret;

	ret = heap_check_platform();
	if (ret)
		return ret;

	ret = platform_driver_register(&heap_driver);
	if (ret)
		return ret;

	ret = heap_register_devices();
	if (ret)
		goto unregister_driver;

	if (!ba_heap_count()) {
		ret = -ENODEV;
		goto unregister_devices;
	}
	return 0;

unregister_devices:
	heap_unregister_devices();
unregister_driver:
	platform_driver_unregister(&heap_driver);
	return ret;
}

void ba_heap_exit(void)
{
	heap_unregister_devices();
	platform_driver_unregister(&heap_driver);
}

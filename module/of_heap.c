// SPDX-License-Identifier: GPL-2.0
/*
 * Adds the heaps that a device tree describes. A node of a heap can have a memory region, and can
 * be behind an IOMMU. The name is the same after every boot. docs/bindings/bufalloc,heap.yaml
 * describes the node.
 *
 * Main object: struct ba_heap, from probe to the unload of the module. The lock is in heap.c.
 */
#include <linux/bitops.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_device.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>
#include <linux/swiotlb.h>

#include "caching.h"
#include "direct.h"
#include "heap.h"
#include "of_heap.h"

static int of_heap_name(struct ba_heap *heap)
{
	struct device *dev = heap->dev;

	if (of_property_read_string(dev->of_node, "label", &heap->name))
		heap->name = devm_kasprintf(dev, GFP_KERNEL, "%pOFn",
					    dev->of_node);
	if (!heap->name)
		return -ENOMEM;
	if (!*heap->name || strlen(heap->name) >= BUFALLOC_HEAP_NAME_LEN)
		return dev_err_probe(dev, -EINVAL,
				     "a heap's name has 1 to %u characters: change label\n",
				     BUFALLOC_HEAP_NAME_LEN - 1);
	return 0;
}

static void of_heap_release_region(void *dev)
{
	of_reserved_mem_device_release(dev);
}

/* Importers and userspace mappings need the pages of a buffer, so the region must have pages. */
static bool region_has_pages(const struct reserved_mem *region)
{
	unsigned long pfn = PHYS_PFN(region->base);
	unsigned long end = PHYS_PFN(region->base + region->size);

	for (; pfn < end; pfn++)
		if (!pfn_valid(pfn))
			return false;
	return true;
}

static int of_heap_describe_region(struct ba_heap *heap, struct device_node *np)
{
	struct reserved_mem *region = of_reserved_mem_lookup(np);

	if (!region)
		return dev_err_probe(heap->dev, -EINVAL,
				     "memory-region is no reserved memory\n");
	if (region->size != (size_t)region->size)
		return dev_err_probe(heap->dev, -EOPNOTSUPP,
				     "memory-region is too large\n");
	if (!region_has_pages(region))
		return dev_err_probe(heap->dev, -EOPNOTSUPP,
				     "memory-region is not described as memory\n");
	heap->region_start = region->base;
	heap->region_size = region->size;
	heap->dma_bits = fls64(region->base + region->size - 1);
	heap->coherent_pool = !of_property_read_bool(np, "reusable");
	heap->no_map = of_property_read_bool(np, "no-map");
	/* On x86 the memory type of this region cannot be changed: it is not in the direct map. */
	if (heap->coherent_pool &&
	    ba_memtype_in_direct_map(BUFALLOC_MEMTYPE_WRITE_COMBINE))
		return dev_err_probe(heap->dev, -EOPNOTSUPP,
				     "memory-region has to be reusable\n");
	return 0;
}

/* Find the memory region, if the node names a region. Fail if the region cannot be found. */
static int of_heap_take_region(struct ba_heap *heap)
{
	struct device *dev = heap->dev;
	struct device_node *np;
	int ret;

	if (!of_find_property(dev->of_node, "memory-region", NULL))
		return 0;

	np = of_parse_phandle(dev->of_node, "memory-region", 0);
	ret = of_reserved_mem_device_init(dev);
	if (ret)
		dev_err_probe(dev, ret, "memory-region cannot be used\n");
	else
		ret = devm_add_action_or_reset(dev, of_heap_release_region, dev);
	if (!ret)
		ret = of_heap_describe_region(heap, np);
	of_node_put(np);
	return ret;
}

static const struct of_device_id of_heap_ids[] = {
	{ .compatible = "bufalloc,heap" },
	{}
};

/*
 * MODULE_DEVICE_TABLE() would make these aliases. But the modpost of packaged headers can fail to
 * read tables of a kernel with another word size.
 */
MODULE_ALIAS("of:N*T*Cbufalloc,heap");
MODULE_ALIAS("of:N*T*Cbufalloc,heapC*");

static int of_heap_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct ba_heap *heap;
	int ret;

	/* driver_override in sysfs can bind a device without such a node. */
	if (!of_match_device(of_heap_ids, dev))
		return -ENODEV;
	if (of_node_check_flag(dev->of_node, OF_DYNAMIC))
		return dev_err_probe(dev, -EOPNOTSUPP,
				     "a heap has to be there from the start, and not of an overlay that can go\n");

	/* The driver of a bus can remove its devices, but buffers live longer. */
	if (dev->parent != &platform_bus)
		return dev_err_probe(dev, -EOPNOTSUPP,
				     "a heap has to be a child of the root node\n");

	heap = devm_kzalloc(dev, sizeof(*heap), GFP_KERNEL);
	if (!heap)
		return -ENOMEM;
	heap->dev = dev;
	heap->dma_bits = 64;
	heap->named_only = true;

	ret = of_heap_name(heap);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (ret)
		return dev_err_probe(dev, ret, "no DMA\n");
	ret = of_heap_take_region(heap);
	if (ret)
		return ret;
	/* A restricted DMA pool is for bounce buffers, not for memory that is used for long. */
	if (is_swiotlb_for_alloc(dev))
		return dev_err_probe(dev, -EOPNOTSUPP,
				     "a restricted DMA pool is no heap\n");

	heap->behind_iommu = use_dma_iommu(dev);
	if (!heap->behind_iommu && !ba_dev_is_direct(dev))
		return dev_err_probe(dev, -EOPNOTSUPP,
				     "the platform's own DMA operations are not supported\n");
	if (heap->behind_iommu)
		heap->dma_bits = 64;
	ret = ba_heap_add(heap);
	if (ret)
		return dev_err_probe(dev, ret, "no heap \"%s\"\n",
				     heap->name);
	return 0;
}

static struct platform_driver of_heap_driver = {
	.probe = of_heap_probe,
	.driver = {
		.name = "bufalloc-node",
		.of_match_table = of_heap_ids,
		.suppress_bind_attrs = true,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

int ba_of_heap_init(void)
{
	return platform_driver_register(&of_heap_driver);
}

void ba_of_heap_exit(void)
{
	platform_driver_unregister(&of_heap_driver);
}

// SPDX-License-Identifier: GPL-2.0
/* chunk.c and attachment.c: memory of the DMA API, and mappings of it. */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>

int bufalloc_probe(struct device *dev, struct sg_table *sgt);
int bufalloc_probe(struct device *dev, struct sg_table *sgt)
{
	unsigned long attrs = DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN |
			      DMA_ATTR_WRITE_COMBINE |
			      DMA_ATTR_FORCE_CONTIGUOUS |
			      DMA_ATTR_SKIP_CPU_SYNC;
	dma_addr_t addr;
	void *cookie = dma_alloc_attrs(dev, PAGE_SIZE, &addr, GFP_KERNEL,
				       attrs);
	struct page *page = dma_alloc_pages(dev, PAGE_SIZE, &addr,
					    DMA_BIDIRECTIONAL, GFP_KERNEL);

	dma_free_attrs(dev, PAGE_SIZE, cookie, addr, attrs);
	dma_free_pages(dev, PAGE_SIZE, page, addr, DMA_BIDIRECTIONAL);
	dma_sync_single_for_cpu(dev, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	dma_sync_single_for_device(dev, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	dma_unmap_sgtable(dev, sgt, DMA_BIDIRECTIONAL, attrs);
	if (dma_map_sgtable(dev, sgt, DMA_BIDIRECTIONAL, attrs))
		return -EIO;
	return dma_get_sgtable_attrs(dev, sgt, cookie, addr, PAGE_SIZE, attrs);
}

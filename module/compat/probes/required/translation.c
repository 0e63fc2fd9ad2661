// SPDX-License-Identifier: GPL-2.0
/* direct.h and attachment.c: who stands between a device and the memory. */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/swiotlb.h>

bool bufalloc_probe(struct device *dev, phys_addr_t phys);
bool bufalloc_probe(struct device *dev, phys_addr_t phys)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain || get_dma_ops(dev) ||
	       is_swiotlb_force_bounce(dev) || is_swiotlb_for_alloc(dev) ||
	       dev_is_dma_coherent(dev) || device_iommu_mapped(dev) ||
	       dma_to_phys(dev, phys_to_dma(dev, phys)) > dev->bus_dma_limit ||
	       dma_get_max_seg_size(dev);
}

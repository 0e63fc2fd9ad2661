// SPDX-License-Identifier: GPL-2.0
/*
 * Find the memory of a mapping by its DMA addresses, as the device does. Some kernels hide the
 * pages of a table from importers.
 */
#include <linux/dma-direct.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/kconfig.h>
#include <linux/mm.h>

#include "memory.h"

bool memory_is_hidden(void)
{
	return IS_ENABLED(CONFIG_DMABUF_DEBUG);
}

phys_addr_t memory_at(struct device *dev, dma_addr_t address)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain ? iommu_iova_to_phys(domain, address) :
			dma_to_phys(dev, address);
}

u8 memory_byte(struct device *dev, dma_addr_t address)
{
	phys_addr_t phys = memory_at(dev, address);
	u8 byte;

	memcpy_from_page(&byte, pfn_to_page(PHYS_PFN(phys)),
			 offset_in_page(phys), sizeof(byte));
	return byte;
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_DIRECT_H
#define _BUFALLOC_DIRECT_H

#include <linux/dma-map-ops.h>
#include <linux/iommu.h>

/* No IOMMU and no platform's own ops: a device address is a physical one. */
static inline bool dev_is_direct(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	if (domain && iommu_is_dma_domain(domain))
		return false;
	return !get_dma_ops(dev);
}

#endif /* _BUFALLOC_DIRECT_H */

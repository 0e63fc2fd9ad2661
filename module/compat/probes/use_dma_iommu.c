// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu-dma.h>

bool bufalloc_probe(struct device *dev);
bool bufalloc_probe(struct device *dev)
{
	return use_dma_iommu(dev);
}

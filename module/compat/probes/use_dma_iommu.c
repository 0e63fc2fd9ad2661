// SPDX-License-Identifier: GPL-2.0
/* The header takes for granted that it is known what that is. */
#include <linux/scatterlist.h>

#include <linux/iommu-dma.h>

bool bufalloc_probe(struct device *dev);
bool bufalloc_probe(struct device *dev)
{
	return use_dma_iommu(dev);
}

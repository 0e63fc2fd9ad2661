/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The translation between a device and memory: none, an IOMMU that the kernel handles, or DMA
 * operations of the platform.
 */
#ifndef _BUFALLOC_DIRECT_H
#define _BUFALLOC_DIRECT_H

#include <linux/dma-map-ops.h>

#include "compat/compat.h"

/* Whether a device address is a physical address, or differs from it only by an offset. */
static inline bool ba_dev_is_direct(struct device *dev)
{
	return !use_dma_iommu(dev) && !get_dma_ops(dev);
}

#endif /* _BUFALLOC_DIRECT_H */

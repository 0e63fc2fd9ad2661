/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who stands between a device and the memory: nobody, the kernel's own handling of
 * IOMMUs, or operations of a platform, of which little can be known.
 */
#ifndef _BUFALLOC_DIRECT_H
#define _BUFALLOC_DIRECT_H

#include <linux/dma-map-ops.h>

#include "compat/compat.h"

/* A device address is a physical one, but for an offset. */
static inline bool ba_dev_is_direct(struct device *dev)
{
	return !use_dma_iommu(dev) && !get_dma_ops(dev);
}

#endif /* _BUFALLOC_DIRECT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* What older kernels call by other names; see module/compat/compat.h. */
#ifndef _IMPORTER_COMPAT_H
#define _IMPORTER_COMPAT_H

#include <linux/dma-buf.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>

#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns) MODULE_INFO(import_ns, ns)

/*
 * 6.2 made the reservation lock the caller's, with names for those without.
 * Stable kernels before it have the one and not the other.
 */
#ifndef HAVE_MAP_UNLOCKED
#define dma_buf_map_attachment_unlocked dma_buf_map_attachment
#define dma_buf_unmap_attachment_unlocked dma_buf_unmap_attachment
#endif
#ifndef HAVE_VMAP_UNLOCKED
#define dma_buf_vmap_unlocked dma_buf_vmap
#define dma_buf_vunmap_unlocked dma_buf_vunmap
#endif

/* Nothing where all devices of the architecture snoop. */
static inline void clear_dma_coherent(struct device *dev)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
#ifdef HAVE_DEV_CLEAR_DMA_COHERENT
	dev_clear_dma_coherent(dev);
#else
	/* Seen in 7.3, not in 6.12: until then it is a field. */
	dev->dma_coherent = false;
#endif
#endif
}

#endif /* _IMPORTER_COMPAT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The names of the newest kernel, for older kernels; see module/compat/compat.h. */
#ifndef _IMPORTER_COMPAT_H
#define _IMPORTER_COMPAT_H

#include <linux/dma-buf.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>

#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns) MODULE_INFO(import_ns, ns)

/*
 * From 6.2 on the caller takes the reservation lock; the functions named _unlocked take the lock
 * themselves. Stable kernels before 6.2 have only one of the two pairs.
 */
#ifndef HAVE_MAP_UNLOCKED
#define dma_buf_map_attachment_unlocked dma_buf_map_attachment
#define dma_buf_unmap_attachment_unlocked dma_buf_unmap_attachment
#endif
#ifndef HAVE_VMAP_UNLOCKED
#define dma_buf_vmap_unlocked dma_buf_vmap
#define dma_buf_vunmap_unlocked dma_buf_vunmap
#endif

/* Do nothing on an architecture where all devices snoop. */
static inline void clear_dma_coherent(struct device *dev)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
#ifdef HAVE_DEV_CLEAR_DMA_COHERENT
	dev_clear_dma_coherent(dev);
#else
	/* 7.3 has the function; 6.12 does not, and has the field. */
	dev->dma_coherent = false;
#endif
#endif
}

#endif /* _IMPORTER_COMPAT_H */

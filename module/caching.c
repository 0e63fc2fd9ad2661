// SPDX-License-Identifier: GPL-2.0
/*
 * Memory types of CPU mappings: write-back, write-combining, uncached. This file chooses the type
 * for a caching, sets the type in the direct map, and clears memory.
 *
 * On most architectures each mapping has its own type. On x86 the type belongs to the page: all
 * mappings of a page must have the same type. So the direct map is changed, too, while the module
 * has the memory.
 *
 * Main object: a contiguous range of pages, which belongs to the caller. There is no lock.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/swiotlb.h>

#ifdef CONFIG_X86
#include <asm/memtype.h>
#include <asm/set_memory.h>
#endif

#include "caching.h"
#include "direct.h"

/* Bytes that are flushed from the caches before other tasks may run. */
#define FLUSH_STEP SZ_4M

#ifdef CONFIG_X86
/* Whether the direct map must have the type, too. */
bool ba_memtype_in_direct_map(enum bufalloc_memtype memtype)
{
	return memtype == BUFALLOC_MEMTYPE_WRITE_COMBINE;
}

/* Without PAT there is no write-combining. */
enum bufalloc_memtype ba_caching_of_wc_mapping(void)
{
	return pat_enabled() ? BUFALLOC_MEMTYPE_WRITE_COMBINE :
			       BUFALLOC_MEMTYPE_UNCACHED;
}

/*
 * Behind an IOMMU the DMA API may map the memory by a vmap of its own, whose type cannot
 * be changed.
 */
static bool has_wc(struct device *dev)
{
	return !device_iommu_mapped(dev);
}

static enum bufalloc_memtype coherent_memtype(struct device *dev)
{
	return BUFALLOC_MEMTYPE_WRITE_BACK;
}

/* Can fail half-way. ba_direct_map_reset_type() then resets the pages that were changed. */
int ba_direct_map_set_type(struct page *page, size_t size,
			   enum bufalloc_memtype memtype)
{
	if (!ba_memtype_in_direct_map(memtype))
		return 0;
	/* High memory is not in the direct map. */
	if (PageHighMem(page))
		return -EOPNOTSUPP;
	return set_memory_wc((unsigned long)page_address(page),
			     size >> PAGE_SHIFT);
}

int ba_direct_map_reset_type(struct page *page, size_t size,
			     enum bufalloc_memtype memtype)
{
	if (!ba_memtype_in_direct_map(memtype) || PageHighMem(page))
		return 0;
	return set_memory_wb((unsigned long)page_address(page),
			     size >> PAGE_SHIFT);
}
#else
bool ba_memtype_in_direct_map(enum bufalloc_memtype memtype)
{
	return false;
}

static bool is_same(pgprot_t one, pgprot_t other)
{
	return pgprot_val(one) == pgprot_val(other);
}

/*
 * The memory type of @prot, which the architecture has made of PAGE_KERNEL; NONE: @prot is
 * cacheable. Some architectures have one type only, or two names for one type.
 */
static enum bufalloc_memtype actual_memtype(pgprot_t prot)
{
	if (is_same(prot, PAGE_KERNEL))
		return BUFALLOC_MEMTYPE_NONE;
	if (is_same(prot, pgprot_noncached(PAGE_KERNEL)))
		return BUFALLOC_MEMTYPE_UNCACHED;
	if (is_same(prot, pgprot_writecombine(PAGE_KERNEL)))
		return BUFALLOC_MEMTYPE_WRITE_COMBINE;
	return BUFALLOC_MEMTYPE_NONE;
}

/* The DMA API would bounce the memory, and flush_lines() would flush the copy. */
static bool is_flush_bounced(struct device *dev)
{
	return ba_dev_is_direct(dev) && is_swiotlb_force_bounce(dev);
}

static enum bufalloc_memtype coherent_memtype(struct device *dev)
{
	if (dev_is_dma_coherent(dev))
		return BUFALLOC_MEMTYPE_WRITE_BACK;
	if (is_flush_bounced(dev))
		return BUFALLOC_MEMTYPE_NONE;
	return actual_memtype(pgprot_dmacoherent(PAGE_KERNEL));
}

/* The type that a write-combined mapping really has; NONE: the mapping is cacheable. */
enum bufalloc_memtype ba_caching_of_wc_mapping(void)
{
	return actual_memtype(pgprot_writecombine(PAGE_KERNEL));
}

/* The memory of a coherent device stays cacheable, so there is no write-combining. */
static bool has_wc(struct device *dev)
{
	return !dev_is_dma_coherent(dev) && !is_flush_bounced(dev);
}

int ba_direct_map_set_type(struct page *page, size_t size,
			   enum bufalloc_memtype memtype)
{
	return 0;
}

int ba_direct_map_reset_type(struct page *page, size_t size,
			     enum bufalloc_memtype memtype)
{
	return 0;
}
#endif

static enum bufalloc_memtype wc_memtype(struct device *dev)
{
	enum bufalloc_memtype memtype = ba_caching_of_wc_mapping();

	return memtype == BUFALLOC_MEMTYPE_WRITE_COMBINE && has_wc(dev) ?
		       memtype :
		       BUFALLOC_MEMTYPE_NONE;
}

/* The memory type of a CPU mapping, or NONE if the caching is not available. */
enum bufalloc_memtype ba_caching_memtype(struct device *dev,
					 enum bufalloc_caching caching)
{
	switch (caching) {
	case BUFALLOC_CACHING_WC:
		return wc_memtype(dev);
	case BUFALLOC_CACHING_COHERENT:
		return coherent_memtype(dev);
	case BUFALLOC_CACHING_CACHED:
		return BUFALLOC_MEMTYPE_WRITE_BACK;
	}
	return BUFALLOC_MEMTYPE_NONE;
}

pgprot_t ba_caching_pgprot(enum bufalloc_memtype memtype, pgprot_t prot)
{
	switch (memtype) {
	case BUFALLOC_MEMTYPE_WRITE_COMBINE:
		return pgprot_writecombine(prot);
	case BUFALLOC_MEMTYPE_UNCACHED:
		return pgprot_noncached(prot);
	default:
		return prot;
	}
}

/* Clear memory through the direct map, after ba_direct_map_set_type(). */
void ba_caching_clear(struct page *page, size_t size)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned long end = pfn + (size >> PAGE_SHIFT);

	for (; pfn < end; pfn++) {
		clear_highpage(pfn_to_page(pfn));
		cond_resched();
	}
}

/*
 * Take the memory out of the caches. For a device that does not snoop, dma_map_page() writes the
 * lines back, and dma_unmap_page() invalidates them.
 */
static int flush_lines(struct device *dev, struct page *page, size_t size)
{
	size_t done, step;
	dma_addr_t addr;

	for (done = 0; done < size; done += step) {
		step = min_t(size_t, size - done, FLUSH_STEP);
		addr = dma_map_page(dev, page, done, step, DMA_BIDIRECTIONAL);
		if (dma_mapping_error(dev, addr))
			return -ENOMEM;
		dma_unmap_page(dev, addr, step, DMA_BIDIRECTIONAL);
		cond_resched();
	}
	return 0;
}

/**
 * ba_caching_flush() - make the zeros of cleared memory visible to all CPU mappings and devices
 * @dev: the device that the memory is allocated for.
 * @page: the first page.
 * @size: bytes, whole pages.
 * @memtype: the memory type of the future CPU mappings.
 *
 * If the direct map is cacheable and the CPU mappings are not, take all lines out of the caches. A
 * late write-back of the zeros, or of the last owner's data, would overwrite newer data.
 *
 * Return: 0 or -ENOMEM.
 */
int ba_caching_flush(struct device *dev, struct page *page, size_t size,
		     enum bufalloc_memtype memtype)
{
	int ret = 0;

	if (memtype != BUFALLOC_MEMTYPE_WRITE_BACK &&
	    !ba_memtype_in_direct_map(memtype))
		ret = flush_lines(dev, page, size);

	/* Drain the write-combining buffers before a device may read the memory. */
	wmb();
	return ret;
}

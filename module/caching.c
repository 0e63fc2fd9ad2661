// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPU sees of memory: write-back, write-combining or uncached.
 *
 * On most architectures that is a matter of each mapping. On x86 it belongs to
 * the memory: every mapping follows the type the kernel keeps for the page, and
 * two mappings of different types are forbidden. There the kernel's own mapping
 * is changed along with it, for as long as the memory is ours.
 */
#include <linux/dma-map-ops.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#ifdef CONFIG_X86
#include <asm/memtype.h>
#include <asm/set_memory.h>
#endif

#include "caching.h"
#include "client.h"

/* Memory is cleared through a window of this size where it has to be mapped. */
#define WINDOW_SIZE SZ_256K

#ifdef CONFIG_X86
/* The type must be set in the kernel's mapping as well, and taken back. */
bool caching_is_of_memory(enum bufalloc_memtype memtype)
{
	return memtype == BUFALLOC_MEMTYPE_WRITE_COMBINE;
}

static enum bufalloc_memtype wc_memtype(struct device *dev)
{
	/*
	 * Without PAT there is no such type. Behind an IOMMU the DMA API may
	 * map the memory by a vmap of its own, whose type cannot be changed.
	 */
	if (!pat_enabled() || device_iommu_mapped(dev))
		return BUFALLOC_MEMTYPE_NONE;
	return BUFALLOC_MEMTYPE_WRITE_COMBINE;
}

static enum bufalloc_memtype coherent_memtype(struct device *dev)
{
	return BUFALLOC_MEMTYPE_WRITE_BACK;
}

/* May fail half-way; caching_restore() takes back what was done. */
int caching_convert(struct page *page, size_t size,
		    enum bufalloc_memtype memtype)
{
	if (!caching_is_of_memory(memtype))
		return 0;
	/* What the kernel does not map, it has no type of its own for. */
	if (PageHighMem(page))
		return -EOPNOTSUPP;
	return set_memory_wc((unsigned long)page_address(page),
			     size >> PAGE_SHIFT);
}

int caching_restore(struct page *page, size_t size,
		    enum bufalloc_memtype memtype)
{
	if (!caching_is_of_memory(memtype) || PageHighMem(page))
		return 0;
	return set_memory_wb((unsigned long)page_address(page),
			     size >> PAGE_SHIFT);
}
#else
bool caching_is_of_memory(enum bufalloc_memtype memtype)
{
	return false;
}

static enum bufalloc_memtype coherent_memtype(struct device *dev)
{
	if (dev_is_dma_coherent(dev))
		return BUFALLOC_MEMTYPE_WRITE_BACK;
	if (IS_ENABLED(CONFIG_ARM) || IS_ENABLED(CONFIG_ARM64))
		return BUFALLOC_MEMTYPE_WRITE_COMBINE;
	return BUFALLOC_MEMTYPE_UNCACHED;
}

static enum bufalloc_memtype wc_memtype(struct device *dev)
{
	/* A coherent device's memory stays cacheable: that is no WC. */
	if (dev_is_dma_coherent(dev))
		return BUFALLOC_MEMTYPE_NONE;
	return BUFALLOC_MEMTYPE_WRITE_COMBINE;
}

int caching_convert(struct page *page, size_t size,
		    enum bufalloc_memtype memtype)
{
	return 0;
}

int caching_restore(struct page *page, size_t size,
		    enum bufalloc_memtype memtype)
{
	return 0;
}
#endif

/* What a CPU mapping will be, or NONE where the caching cannot be had. */
enum bufalloc_memtype caching_memtype(struct device *dev,
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

pgprot_t caching_pgprot(enum bufalloc_memtype memtype, pgprot_t prot)
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

static int clear_window(struct page **pages, struct page *page, size_t size,
			enum bufalloc_memtype memtype)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned int count = size >> PAGE_SHIFT;
	unsigned int i;
	void *window;

	for (i = 0; i < count; i++)
		pages[i] = pfn_to_page(pfn + i);

	window = vmap(pages, count, VM_MAP,
		      caching_pgprot(memtype, PAGE_KERNEL));
	if (!window)
		return -ENOMEM;
	memset(window, 0, size);
	vunmap(window);
	return 0;
}

/*
 * Where the type is one of the mapping, clear through a mapping of that type:
 * a cache line left behind by clearing through the kernel's own would be found
 * by a snooping device.
 */
static int clear_mapped(struct page *page, size_t size,
			enum bufalloc_memtype memtype)
{
	unsigned long pfn = page_to_pfn(page);
	struct page **pages;
	size_t done, step;
	int ret = 0;

	pages = kmalloc_array(WINDOW_SIZE >> PAGE_SHIFT, sizeof(*pages),
			      GFP_METADATA);
	if (!pages)
		return -ENOMEM;

	for (done = 0; done < size && !ret; done += step) {
		step = min_t(size_t, size - done, WINDOW_SIZE);
		ret = clear_window(pages, pfn_to_page(pfn), step, memtype);
		pfn += step >> PAGE_SHIFT;
		cond_resched();
	}
	kfree(pages);
	return ret;
}

static void clear_direct(struct page *page, size_t size)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned long end = pfn + (size >> PAGE_SHIFT);

	for (; pfn < end; pfn++) {
		clear_highpage(pfn_to_page(pfn));
		cond_resched();
	}
}

/*
 * Clear memory after caching_convert(): memory that is not write-back has
 * nothing of it left in a cache. Returns 0 or -ENOMEM.
 */
int caching_clear(struct page *page, size_t size,
		  enum bufalloc_memtype memtype)
{
	int ret = 0;

	if (memtype == BUFALLOC_MEMTYPE_WRITE_BACK ||
	    caching_is_of_memory(memtype))
		clear_direct(page, size);
	else
		ret = clear_mapped(page, size, memtype);

	/* Drain the write-combining buffers before a device may look. */
	wmb();
	return ret;
}

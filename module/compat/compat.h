/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The main code is written for the newest kernel. This gives older ones the
 * same names. Each shim says which kernel made it unnecessary; whether one is
 * needed is found by compiling a file of probes/, since distributions backport.
 */
#ifndef _BUFALLOC_COMPAT_H
#define _BUFALLOC_COMPAT_H

#include <linux/cc_platform.h>
#if defined(HAVE_DMEM_CGROUP) || defined(HAVE_DMEM_CGROUP_SIZE)
#include <linux/cgroup_dmem.h>
#endif
#include <linux/dma-buf.h>
#include <linux/dma-map-ops.h>
#include <linux/file.h>
#ifdef HAVE_FOLIO_BATCH
#include <linux/folio_batch.h>
#else
/* 7.3 gave it a header of its own. */
#include <linux/pagevec.h>
#endif
#include <linux/iommu.h>
#ifdef HAVE_USE_DMA_IOMMU
#include <linux/iommu-dma.h>
#endif
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#if defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) && !defined(HAVE_INSERT_PFN)
#include <linux/pfn_t.h>
#endif
#include <linux/shmem_fs.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

/*
 * 6.13 takes the namespace as a string; before that it was a bare word. What
 * either writes into the module is the same line.
 */
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns) MODULE_INFO(import_ns, ns)

#ifndef HAVE_VM_FLAGS_SET
/* 6.3 made a VMA's flags read-only but for these. */
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma,
				  unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#ifndef HAVE_ZAP_SPECIAL_VMA_RANGE
/* Seen in 7.2, not in 6.12: until then it has another name. */
static inline void zap_special_vma_range(struct vm_area_struct *vma,
					 unsigned long address,
					 unsigned long size)
{
	zap_vma_ptes(vma, address, size);
}
#endif

#ifndef HAVE_DMA_BUF_FD_INSTALL
/* 7.3 has it, and so do later stable releases of older kernels. */
static inline void dma_buf_fd_install(struct dma_buf *dmabuf, int fd)
{
	fd_install(fd, dmabuf->file);
}
#endif

#if defined(CONFIG_DMA_CMA) && !defined(HAVE_DEV_GET_CMA_AREA)
/* Up to 7.1 a module cannot ask whether there is an area, so there may be one. */
static inline bool dev_has_cma_area(struct device *dev)
{
	return true;
}
#else
static inline bool dev_has_cma_area(struct device *dev)
{
	/* A node of memory may have one that nobody tells of. */
	return dev_get_cma_area(dev) ||
	       (IS_ENABLED(CONFIG_DMA_NUMA_CMA) &&
		dev_to_node(dev) != NUMA_NO_NODE);
}
#endif

#ifdef HAVE_DMEM_CGROUP_SIZE
/* From 6.14 to 7.2 a region is registered by its size alone. */
struct dmem_cgroup_init {
	u64 size;
};

#define dmem_cgroup_register_region(init, ...) \
	dmem_cgroup_register_region((init)->size, __VA_ARGS__)
#elif !defined(HAVE_DMEM_CGROUP)
/* 7.3 gave them this form; before 6.14 there is none. */
struct dmem_cgroup_region;
struct dmem_cgroup_pool_state;

struct dmem_cgroup_init {
	u64 size;
};

static inline struct dmem_cgroup_region *
dmem_cgroup_register_region(const struct dmem_cgroup_init *init,
			    const char *format, const char *name)
{
	return NULL;
}

static inline void
dmem_cgroup_unregister_region(struct dmem_cgroup_region *region)
{
}

static inline int
dmem_cgroup_try_charge(struct dmem_cgroup_region *region, u64 size,
		       struct dmem_cgroup_pool_state **coherent_pool,
		       struct dmem_cgroup_pool_state **limit)
{
	return 0;
}

static inline void dmem_cgroup_uncharge(struct dmem_cgroup_pool_state *coherent_pool,
					u64 size)
{
}
#endif

/* A file of shmem that counts for nothing until it has pages. */
static inline struct file *shmem_file_make(const char *name, loff_t length)
{
#ifdef HAVE_SHMEM_VMA_FLAGS
	return shmem_file_setup(name, length, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	/* Up to 7.1 flags are a plain number. */
	return shmem_file_setup(name, length, VM_NORESERVE);
#endif
}

/*
 * A page of a shmem file that may be held for long: @page, or another one in its place.
 * The reference to @page is consumed. Migration moves a page only while nobody else
 * has a reference to it.
 */
static inline struct page *shmem_page_longterm(struct file *file, pgoff_t index,
					       struct page *page)
{
#ifdef HAVE_MEMFD_PIN_FOLIOS
	loff_t start = (loff_t)index << PAGE_SHIFT;
	struct folio *folio;
	pgoff_t offset;
	long ret;

	put_page(page);
	ret = memfd_pin_folios(file, start, start + PAGE_SIZE - 1, &folio, 1, &offset);
	if (ret < 0)
		return ERR_PTR(ret);
	folio_get(folio);
	unpin_folio(folio);
	return folio_page(folio, offset >> PAGE_SHIFT);
#else
	/* Up to 6.10 a module can move no page, and of CMA areas it sees nothing. */
	if (!is_zone_movable_page(page))
		return page;
	put_page(page);
	return ERR_PTR(-EBUSY);
#endif
}

#ifndef HAVE_SHRINKER_ALLOC
/* 6.7 allocates them, so that they can be looked at without a lock. */
static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *format, ...)
{
	return kzalloc(sizeof(struct shrinker), GFP_KERNEL);
}

static inline void shrinker_register(struct shrinker *shrinker)
{
	shrinker->seeks = DEFAULT_SEEKS;
	/* An unregistered shrinker is never called, and can still be unregistered. */
	WARN_ON(register_shrinker(shrinker, KBUILD_MODNAME));
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif

#if defined(CONFIG_S390) && !defined(CONFIG_ARCH_HAS_CC_PLATFORM)
#include <asm/uv.h>

/* Seen in 7.3, not in 6.12: until then s390 tells of a protected guest in its own way. */
static inline bool memory_is_encrypted(void)
{
	return is_prot_virt_guest();
}
#else
/* force_dma_unencrypted() asks no more than this, but not all architectures export it. */
static inline bool memory_is_encrypted(void)
{
	return cc_platform_has(CC_ATTR_MEM_ENCRYPT);
}
#endif

#ifndef HAVE_MM_ACCOUNT_RECLAIMED_PAGES
/* 6.4 counts pages here that are not of a slab, and gave the counter another name. */
static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#endif

#if defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) && !defined(HAVE_INSERT_PFN)
/* Until 6.17 a page frame number comes with flags. */
#define vmf_insert_pfn_pmd(vmf, pfn, write) \
	vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write)
#endif

#ifndef MAX_PAGE_ORDER
/* 6.8 gave it this name. What it was before meant two things, but not this. */
#define MAX_PAGE_ORDER ilog2(MAX_ORDER_NR_PAGES)
#endif

#ifndef HAVE_USE_DMA_IOMMU
/* 6.12 keeps a bit for it. Before, it was operations of a domain of its kind. */
static inline bool use_dma_iommu(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && iommu_is_dma_domain(domain);
}
#endif

#endif /* _BUFALLOC_COMPAT_H */

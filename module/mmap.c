// SPDX-License-Identifier: GPL-2.0
/*
 * Maps a buffer for the CPU, with the memory type of the buffer: for userspace, and for importers
 * in the kernel that read or write by CPU. In userspace mmap(2) fills the small page table entries.
 * The first access fills a large entry, and each entry of pageable memory.
 *
 * Main object: the VMA, which points to the backing and holds its dma-buf. No lock: the memory
 * stays while ba_backing.mappings is above 0, or while the buffer is pinned.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "backing.h"
#include "caching.h"
#include "compat/compat.h"
#include "gfp.h"
#include "mmap.h"
#include "shmem.h"

/*
 * Some processors do not set the dirty bit, so the first write to each page would fault. Make a
 * writable entry dirty from the start.
 */
static pgprot_t entry_prot(const struct vm_area_struct *vma)
{
	pgprot_t prot = vma->vm_page_prot;

	if (vma->vm_flags & VM_WRITE)
		prot = __pgprot(pte_val(pte_mkdirty(pfn_pte(0, prot))));
	return prot;
}

/* Find the page at @index. Return: the number of contiguous bytes from that page on; 0: no page. */
static size_t find_page(const struct ba_backing *backing, unsigned long index,
			unsigned long *pfn)
{
	struct ba_segment seg;
	unsigned long pages;

	ba_for_each_segment(backing, &seg) {
		pages = seg.size >> PAGE_SHIFT;
		if (index < pages) {
			*pfn = page_to_pfn(seg.page) + index;
			return (pages - index) << PAGE_SHIFT;
		}
		index -= pages;
	}
	return 0;
}

#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
/* Bytes of a large page; 0 if the processor has none. */
static size_t large_page_size(void)
{
	return has_transparent_hugepage() ? PMD_SIZE : 0;
}

/* Map the large page around the fault, if the VMA and a segment contain all of it. */
static vm_fault_t mmap_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PMD_MASK;
	unsigned long pfn;
	size_t size;

	if (order != PMD_ORDER || !large_page_size() || addr < vma->vm_start ||
	    vma->vm_end - addr < PMD_SIZE)
		return VM_FAULT_FALLBACK;
	size = find_page(vma->vm_private_data, linear_page_index(vma, addr), &pfn);
	if (size < PMD_SIZE || !IS_ALIGNED(PFN_PHYS(pfn), PMD_SIZE))
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, pfn, vma->vm_flags & VM_WRITE);
}

/*
 * The kernel calls huge_fault only if transparent huge pages are enabled, so try here as well.
 * Another thread can map the large page meanwhile: no small entry may be inserted below it.
 */
static vm_fault_t try_huge_fault(struct vm_fault *vmf)
{
	pmd_t pmd = pmdp_get_lockless(vmf->pmd);

	if (pmd_none(pmd))
		return mmap_huge_fault(vmf, PMD_ORDER);
	return pmd_leaf(pmd) ? VM_FAULT_NOPAGE : VM_FAULT_FALLBACK;
}
#else
static size_t large_page_size(void)
{
	return 0;
}

static vm_fault_t try_huge_fault(struct vm_fault *vmf)
{
	return VM_FAULT_FALLBACK;
}
#endif

/* mmap(2) has filled the small entries: the fault is for a large page, or follows a zap. */
static vm_fault_t mmap_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = try_huge_fault(vmf);
	unsigned long pfn;

	if (ret != VM_FAULT_FALLBACK)
		return ret;
	if (!find_page(vmf->vma->vm_private_data, vmf->pgoff, &pfn))
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn_prot(vmf->vma, vmf->address, pfn, entry_prot(vmf->vma));
}

/* Count a copy that fork(2) makes, and each part of a mapping that is split. */
static void mmap_open(struct vm_area_struct *vma)
{
	struct ba_backing *backing = vma->vm_private_data;

	atomic_inc(&backing->mappings);
}

static void mmap_close(struct vm_area_struct *vma)
{
	struct ba_backing *backing = vma->vm_private_data;

	/*
	 * Pairs with the acquire in ba_residency_dontneed(): this mapping reads the backing for the
	 * last time before the memory can be purged.
	 */
	atomic_dec_return_release(&backing->mappings);
}

static const struct vm_operations_struct mmap_ops = {
	.open = mmap_open,
	.close = mmap_close,
	.fault = mmap_fault,
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
	.huge_fault = mmap_huge_fault,
#endif
};

/*
 * The fault handler of shmem would charge a page to the task that touches the page first, so read
 * the page in here. SIGBUS: the page cannot be read in. VM_FAULT_OOM could start the OOM killer of
 * the memory cgroup, or repeat the fault for ever.
 */
static vm_fault_t pageable_fault(struct vm_fault *vmf)
{
	const struct ba_backing *backing = vmf->vma->vm_private_data;
	struct folio *folio;
	struct page *page;

	page = ba_shmem_read_page(backing->shmem, vmf->pgoff);
	if (IS_ERR(page))
		return VM_FAULT_SIGBUS;

	folio = page_folio(page);
	folio_lock(folio);
	if (folio->mapping != backing->shmem->file->f_mapping) {
		/* The page was swapped out again meanwhile. */
		folio_unlock(folio);
		folio_put(folio);
		return VM_FAULT_NOPAGE;
	}
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

static void pageable_open(struct vm_area_struct *vma)
{
	const struct ba_backing *backing = vma->vm_private_data;

	get_dma_buf(backing->shmem->keeper);
	mmap_open(vma);
}

static void pageable_close(struct vm_area_struct *vma)
{
	const struct ba_backing *backing = vma->vm_private_data;
	/* After mmap_close() the memory may be purged, and backing->shmem freed. */
	struct dma_buf *keeper = backing->shmem->keeper;

	mmap_close(vma);
	dma_buf_put(keeper);
}

static const struct vm_operations_struct pageable_ops = {
	.open = pageable_open,
	.close = pageable_close,
	.fault = pageable_fault,
	.map_pages = filemap_map_pages,
};

#ifdef CONFIG_X86
/**
 * struct entry_range - page table entries to be set
 * @mm: the address space that has the page tables.
 * @pfn: page frame number of the next entry.
 * @prot: protection and memory type of each entry.
 */
struct entry_range {
	struct mm_struct *mm;
	unsigned long pfn;
	pgprot_t prot;
};

static int set_entry(pte_t *pte, unsigned long addr, void *data)
{
	struct entry_range *range = data;

	set_pte_at(range->mm, addr, pte, pte_mkspecial(pfn_pte(range->pfn++, range->prot)));
	return 0;
}

/* remap_pfn_range() looks up the memory type of each page. All pages of a buffer have one type. */
static int map_small(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn,
		     unsigned long size)
{
	struct entry_range range = {
		.mm = vma->vm_mm,
		.pfn = pfn,
		.prot = entry_prot(vma),
	};

	return size ? apply_to_page_range(vma->vm_mm, addr, size, set_entry, &range) : 0;
}
#else
static int map_small(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn,
		     unsigned long size)
{
	return size ? remap_pfn_range(vma, addr, pfn, size, entry_prot(vma)) : 0;
}
#endif

/*
 * Map a contiguous range by small entries. Leave out whole large pages that lie at a multiple of
 * their size in memory and in the process: the first access maps each of them by one entry.
 */
static int map_range(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn,
		     unsigned long size)
{
	unsigned long large = large_page_size();
	unsigned long head = size, middle = 0;
	int ret;

	if (large && IS_ALIGNED(addr - PFN_PHYS(pfn), large)) {
		head = min(size, ALIGN(addr, large) - addr);
		middle = round_down(size - head, large);
	}
	ret = map_small(vma, addr, pfn, head);
	if (ret)
		return ret;
	return map_small(vma, addr + head + middle, pfn + PHYS_PFN(head + middle),
			 size - head - middle);
}

/*
 * unmap_mapping_range() does not find the VMA yet. Code that takes memory away from mappings must
 * also prevent new mappings meanwhile.
 */
static int mmap_populate(const struct ba_backing *backing,
			 struct vm_area_struct *vma)
{
	unsigned long skip = vma->vm_pgoff << PAGE_SHIFT;
	unsigned long addr = vma->vm_start;
	unsigned long size;
	struct ba_segment seg;
	int ret;

	ba_for_each_segment(backing, &seg) {
		if (addr == vma->vm_end)
			break;
		if (skip >= seg.size) {
			skip -= seg.size;
			continue;
		}
		size = min(seg.size - skip, vma->vm_end - addr);
		ret = map_range(vma, addr, page_to_pfn(seg.page) + (skip >> PAGE_SHIFT), size);
		if (ret)
			return ret;
		addr += size;
		skip = 0;
	}
	return 0;
}

/**
 * ba_mmap_check() - refuse a userspace mapping that a buffer does not allow
 * @backing: of the buffer; need not be populated.
 * @vma: as mmap(2) made it; its vm_pgoff and size tell the range of the buffer.
 *
 * Return: 0, or an error:
 * -EINVAL: the mapping is private, or passes the end of the buffer.
 * -EPERM: the mapping is executable.
 * -EACCES: the mapping is writable, but the buffer's file is not.
 */
int ba_mmap_check(const struct ba_backing *backing, struct vm_area_struct *vma)
{
	unsigned long pages = backing->requirements.length >> PAGE_SHIFT;

	/* Do not test VM_SHARED: it is clear if the file is open for reading only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	/*
	 * mmap(2) has checked the mode of the file that it was called for. An importer can map the
	 * buffer through its own file, so check the buffer's file here.
	 */
	if (vma->vm_flags & VM_WRITE && !(vma->vm_file->f_mode & FMODE_WRITE))
		return -EACCES;
	return 0;
}

/* Keep mprotect(2) from adding a right that ba_mmap_check() refuses. */
static void keep_rights(struct vm_area_struct *vma)
{
	if (!(vma->vm_file->f_mode & FMODE_WRITE))
		vm_flags_clear(vma, VM_MAYWRITE);
	vm_flags_clear(vma, VM_MAYEXEC);
}

/**
 * ba_mmap_user() - map a buffer, or a part of it, for userspace
 * @backing: populated; @mappings counts this mapping already.
 * @vma: ba_mmap_check() has passed it.
 *
 * Return: 0 or -ENOMEM.
 */
int ba_mmap_user(struct ba_backing *backing, struct vm_area_struct *vma)
{
	int ret;

	keep_rights(vma);
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = ba_caching_pgprot(backing->context.memtype,
					      vma->vm_page_prot);
	/* The VMA holds the dma-buf's file, and the dma-buf holds the backing. */
	vma->vm_private_data = backing;
	vma->vm_ops = &mmap_ops;
	ret = mmap_populate(backing, vma);
	/* Zap the pages now: the kernel would zap them after this mapping is no longer counted. */
	if (ret)
		zap_special_vma_range(vma, vma->vm_start,
				      vma->vm_end - vma->vm_start);
	return ret;
}

/**
 * ba_mmap_pageable() - map pageable memory for userspace, each page at its first access
 * @backing: populated; @mappings counts this mapping already.
 * @keeper: the dma-buf of the buffer.
 * @vma: ba_mmap_check() has passed it.
 *
 * The kernel finds the mappings of a page through the file of the page. So the file of the VMA must
 * be the shmem file. The VMA holds a reference to the dma-buf as well.
 */
void ba_mmap_pageable(struct ba_backing *backing, struct dma_buf *keeper,
		      struct vm_area_struct *vma)
{
	keep_rights(vma);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	get_dma_buf(keeper);
	backing->shmem->keeper = keeper;
	vma_set_file(vma, backing->shmem->file);
	vma->vm_private_data = backing;
	vma->vm_ops = &pageable_ops;
}

/* Bytes of the largest page that can map memory of the buffer for userspace; 0: no mapping. */
size_t ba_mmap_largest_page(const struct ba_backing *backing)
{
	size_t large = large_page_size();
	struct ba_segment seg;
	phys_addr_t start;

	if (backing->requirements.user_memory)
		return 0;
	if (backing->requirements.pageable || !large)
		return PAGE_SIZE;
	ba_for_each_segment(backing, &seg) {
		start = page_to_phys(seg.page);
		if (seg.size >= large && ALIGN(start, large) - start <= seg.size - large)
			return large;
	}
	return PAGE_SIZE;
}

/* Map the whole buffer for the kernel. Return: the address, or NULL. */
void *ba_mmap_kernel(const struct ba_backing *backing)
{
	unsigned long count = 0, pfn, end;
	struct page **pages;
	struct ba_segment seg;
	void *vaddr;

	pages = kvmalloc_array(backing->requirements.length >> PAGE_SHIFT, sizeof(*pages),
			       GFP_METADATA);
	if (!pages)
		return NULL;

	ba_for_each_segment(backing, &seg) {
		pfn = page_to_pfn(seg.page);
		end = pfn + (seg.size >> PAGE_SHIFT);
		while (pfn < end)
			pages[count++] = pfn_to_page(pfn++);
	}

	vaddr = vmap(pages, count, VM_MAP,
		     ba_caching_pgprot(backing->context.memtype, PAGE_KERNEL));
	kvfree(pages);
	return vaddr;
}

void ba_munmap_kernel(void *vaddr)
{
	vunmap(vaddr);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Maps a buffer for the CPU: for userspace, with the memory type of the buffer, and for the kernel,
 * for importers that read or write by CPU. A userspace mapping is filled at mmap(2). Pageable
 * memory is mapped page by page, at the first access.
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
 * Some processors do not set the dirty bit: there the first write to each page would fault, so make
 * a writable entry dirty from the start.
 */
static pgprot_t entry_prot(const struct vm_area_struct *vma)
{
	pgprot_t prot = vma->vm_page_prot;

	if (vma->vm_flags & VM_WRITE)
		prot = __pgprot(pte_val(pte_mkdirty(pfn_pte(0, prot))));
	return prot;
}

/* Called only after a zap: mmap(2) has filled the mapping. */
static vm_fault_t mmap_fault(struct vm_fault *vmf)
{
	const struct ba_backing *backing = vmf->vma->vm_private_data;
	unsigned long offset = vmf->pgoff;
	struct ba_segment seg;

	ba_for_each_segment(backing, &seg) {
		if (offset < seg.size >> PAGE_SHIFT)
			return vmf_insert_pfn_prot(vmf->vma, vmf->address,
						   page_to_pfn(seg.page) +
							   offset,
						   entry_prot(vmf->vma));
		offset -= seg.size >> PAGE_SHIFT;
	}
	return VM_FAULT_SIGBUS;
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
};

/*
 * The handler of shmem would charge a page to the task that touches it first, so read the page in
 * here. A page that cannot be read in is SIGBUS: VM_FAULT_OOM could start the OOM killer of the
 * memory cgroup, or repeat the fault for ever.
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
	/* The memory may be purged, and @shmem be freed, once this mapping is not counted. */
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

/*
 * Map a contiguous range. The first page of a VMA is inserted alone, so that no remap_pfn_range()
 * fills the whole VMA. x86 keeps a record of a VMA that one call fills, and older kernels warn at
 * munmap(2) if the pages of that VMA were zapped before.
 */
static int map_run(struct vm_area_struct *vma, unsigned long addr,
		   unsigned long pfn, unsigned long size)
{
	pgprot_t prot = entry_prot(vma);

	if (addr == vma->vm_start) {
		if (vmf_insert_pfn_prot(vma, addr, pfn, prot) !=
		    VM_FAULT_NOPAGE)
			return -ENOMEM;
		addr += PAGE_SIZE;
		pfn++;
		size -= PAGE_SIZE;
	}
	if (!size)
		return 0;
	return remap_pfn_range(vma, addr, pfn, size, prot);
}

/*
 * unmap_mapping_range() does not find the VMA yet. Code that takes memory away from mappings must
 * also keep new mappings from being made meanwhile.
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
		ret = map_run(vma, addr,
			      page_to_pfn(seg.page) + (skip >> PAGE_SHIFT),
			      size);
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
	/* The kernel would zap the pages later, when this mapping is no longer counted. */
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

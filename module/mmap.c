// SPDX-License-Identifier: GPL-2.0
/*
 * CPU mappings of a buffer: of userspace, with the memory type of the buffer, and of the
 * kernel, for importers that read or write by CPU. A userspace mapping is populated at
 * mmap(2); pageable memory is mapped page by page. Main object: the VMA, which points to
 * the backing and holds its dma-buf.
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
 * Some processors do not set the dirty bit: the first write to each page would fault there,
 * unless the entry is dirty from the start.
 */
static pgprot_t entry_prot(const struct vm_area_struct *vma)
{
	pgprot_t prot = vma->vm_page_prot;

	if (vma->vm_flags & VM_WRITE)
		prot = __pgprot(pte_val(pte_mkdirty(pfn_pte(0, prot))));
	return prot;
}

/* Only after a zap: mmap(2) has populated the mapping. */
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

/* A part or a copy of a mapping counts, too. */
static void mmap_open(struct vm_area_struct *vma)
{
	struct ba_backing *backing = vma->vm_private_data;

	atomic_inc(&backing->mappings);
}

static void mmap_close(struct vm_area_struct *vma)
{
	struct ba_backing *backing = vma->vm_private_data;

	/* With ba_residency_dontneed(): what was looked at before may go then. */
	atomic_dec_return_release(&backing->mappings);
}

static const struct vm_operations_struct mmap_ops = {
	.open = mmap_open,
	.close = mmap_close,
	.fault = mmap_fault,
};

/*
 * shmem would charge a page to the task that touches it first, so this handler reads pages in
 * itself. A page that cannot be read in is SIGBUS: no reason for the OOM killer, nor to retry for
 * ever.
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
	/* The store may go as soon as nobody is counted. */
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
 * Map a range. The first page of a mapping goes in alone: x86 keeps a record of a
 * VMA that one remap_pfn_range() fills, and on older kernels warns when its
 * pages have been zapped by the time it is unmapped.
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
 * The VMA is not yet to be found by unmap_mapping_range(): who wants to take
 * memory away from its mappings must keep new ones from being made meanwhile.
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
 * ba_mmap_check() - whether userspace may have such a mapping
 * @backing: of the buffer; need not be populated.
 * @vma: as mmap(2) made it; the part is its vm_pgoff and its size.
 *
 * Return: 0; -EINVAL for a private mapping or one that passes the end of the
 * buffer; -EPERM for one that can be executed; -EACCES for one that can be
 * written where the buffer's file cannot.
 */
int ba_mmap_check(const struct ba_backing *backing, struct vm_area_struct *vma)
{
	unsigned long pages = backing->requirements.length >> PAGE_SHIFT;

	/* Not VM_SHARED, which is clear where the file is open for reading. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	/* An importer maps through a file of its own, with rights of its own. */
	if (vma->vm_flags & VM_WRITE && !(vma->vm_file->f_mode & FMODE_WRITE))
		return -EACCES;
	return 0;
}

/* Nor may mprotect(2) give more than ba_mmap_check() does. */
static void keep_rights(struct vm_area_struct *vma)
{
	if (!(vma->vm_file->f_mode & FMODE_WRITE))
		vm_flags_clear(vma, VM_MAYWRITE);
	vm_flags_clear(vma, VM_MAYEXEC);
}

/**
 * ba_mmap_user() - map a buffer, or a part of it, for userspace
 * @backing: populated, with this mapping counted.
 * @vma: what ba_mmap_check() has passed.
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
	/* The VMA holds the dma-buf's file, and that the backing. */
	vma->vm_private_data = backing;
	vma->vm_ops = &mmap_ops;
	ret = mmap_populate(backing, vma);
	/* The kernel would do it only when this mapping is no longer counted. */
	if (ret)
		zap_special_vma_range(vma, vma->vm_start,
				      vma->vm_end - vma->vm_start);
	return ret;
}

/**
 * ba_mmap_pageable() - map pageable memory for userspace, a page at its first use
 * @backing: populated, with this mapping counted.
 * @keeper: the buffer.
 * @vma: what ba_mmap_check() has passed.
 *
 * The kernel finds the mappings of a page by the page's own file. So the VMA holds the
 * shmem file, and a reference to the buffer beside it.
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

/* Map the whole buffer for the kernel. Return: its address, or NULL. */
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

// SPDX-License-Identifier: GPL-2.0
/* mmap.c and caching.c: mappings for the CPU. */
#include <linux/mm.h>
#include <linux/vmalloc.h>

static vm_fault_t fault(struct vm_fault *vmf)
{
	pgprot_t prot = vmf->vma->vm_page_prot;

	prot = __pgprot(pte_val(pte_mkdirty(pfn_pte(0, prot))));
	return vmf_insert_pfn_prot(vmf->vma, vmf->address, vmf->pgoff, prot);
}

static const struct vm_operations_struct ops = {
	.fault = fault,
};

void *bufalloc_probe(struct vm_area_struct *vma, struct page **pages);
void *bufalloc_probe(struct vm_area_struct *vma, struct page **pages)
{
	vma->vm_ops = &ops;
	vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	remap_pfn_range(vma, vma->vm_start, 0, PAGE_SIZE, vma->vm_page_prot);
	return vmap(pages, 1, VM_MAP, pgprot_noncached(PAGE_KERNEL));
}

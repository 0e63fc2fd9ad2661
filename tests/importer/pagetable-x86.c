// SPDX-License-Identifier: GPL-2.0
/*
 * Read the memory type of an address from the page tables. Only the entry that the CPU uses proves
 * that memory is write-combined.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <asm/msr.h>
#include <asm/pgtable_types.h>

#include "importer.h"
#include "pagetable.h"

static u64 read_pat(void)
{
	u32 low, high;

	rdmsr(MSR_IA32_CR_PAT, low, high);
	return (u64)high << 32 | low;
}

/* PWT, PCD and PAT of the entry select one of the eight types in the PAT register. */
static u32 entry_memtype(u64 pat, u64 flags, bool large)
{
	u64 pat_bit = large ? _PAGE_PAT_LARGE : _PAGE_PAT;
	unsigned int index = 0;

	if (flags & _PAGE_PWT)
		index |= 1;
	if (flags & _PAGE_PCD)
		index |= 2;
	if (flags & pat_bit)
		index |= 4;
	return (pat >> (index * 8)) & 7;
}

static int decode(const pte_t *pte, unsigned int level, unsigned long address,
		  struct importer_pte *entry)
{
	unsigned long size;
	u64 value;

	if (!pte || !pte_present(*pte))
		return -ENXIO;

	value = pte_val(*pte);
	size = page_level_size(level);
	entry->out_size = size;
	entry->out_memtype = entry_memtype(read_pat(), value,
					   level != PG_LEVEL_4K);
	entry->out_pfn = ((value & PTE_PFN_MASK & ~(u64)(size - 1)) |
			  (address & (size - 1))) >>
			 PAGE_SHIFT;
	return 0;
}

/*
 * mmap_lock keeps the mapping during the walk. The pages of a buffer are neither moved nor swapped
 * out meanwhile, unless the buffer is pageable: then the result can be old.
 */
int pagetable_user(struct importer_pte *entry)
{
	struct mm_struct *mm = current->mm;
	unsigned long address = entry->address;
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;
	pgd_t *pgd;
	int ret = -ENXIO;

	if (address >= TASK_SIZE)
		return -EFAULT;

	mmap_read_lock(mm);
	pgd = pgd_offset(mm, address);
	if (pgd_none(*pgd))
		goto unlock;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d))
		goto unlock;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud) || pud_val(*pud) & _PAGE_PSE)
		goto unlock;
	pmd = pmd_offset(pud, address);
	if (pmd_none(*pmd))
		goto unlock;
	if (pmd_val(*pmd) & _PAGE_PSE)
		ret = decode((pte_t *)pmd, PG_LEVEL_2M, address, entry);
	else
		ret = decode(pte_offset_kernel(pmd, address), PG_LEVEL_4K,
			     address, entry);
unlock:
	mmap_read_unlock(mm);
	return ret;
}

int pagetable_kernel(const void *address, struct importer_pte *entry)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)address, &level);

	return decode(pte, level, (unsigned long)address, entry);
}

/* The entry of a page frame in the direct map. */
int pagetable_direct(struct importer_pte *entry)
{
	if (!pfn_valid(entry->address))
		return -EINVAL;
	return pagetable_kernel(pfn_to_kaddr(entry->address), entry);
}

static bool is_typed(u64 pat, const pte_t *pte, unsigned int level)
{
	return pte_present(*pte) &&
	       entry_memtype(pat, pte_val(*pte), level != PG_LEVEL_4K) !=
		       IMPORTER_WRITE_BACK;
}

/* Bytes of a table of small pages that are not write-back. */
static u64 table_typed(u64 pat, const pte_t *pte)
{
	unsigned int i;
	u64 bytes = 0;

	for (i = 0; i < PTRS_PER_PTE; i++)
		if (is_typed(pat, &pte[i], PG_LEVEL_4K))
			bytes += PAGE_SIZE;
	return bytes;
}

/*
 * Read whole tables, so that a test can call this often. Tables of the direct map are freed only
 * when a memory type changes. The caller changes none meanwhile.
 */
int pagetable_typed(u64 *bytes)
{
	unsigned long address = PAGE_OFFSET;
	unsigned long end = (unsigned long)high_memory;
	u64 pat = read_pat();
	unsigned long step;
	unsigned int level;
	pte_t *pte;

	*bytes = 0;
	for (; address < end; address += step) {
		step = PMD_SIZE;
		pte = lookup_address(address, &level);
		if (!pte)
			continue;
		if (level == PG_LEVEL_4K) {
			*bytes += table_typed(pat, pte);
			continue;
		}
		step = page_level_size(level);
		if (is_typed(pat, pte, level))
			*bytes += step;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Let the processor translate an address. The result has the memory type of the page table entry,
 * in the encoding of MAIR_EL1.
 */
#include <linux/bitfield.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <asm/barrier.h>
#include <asm/sysreg.h>

#include "importer.h"
#include "pagetable.h"

/* Fields of PAR_EL1. */
#define PAR_FAILED BIT(0)
#define PAR_ADDRESS GENMASK_ULL(47, 12)
#define PAR_TYPE GENMASK_ULL(63, 56)

static int memtype_of(u8 attributes)
{
	switch (attributes) {
	case 0x00: /* Device, four kinds */
	case 0x04:
	case 0x08:
	case 0x0c:
		return IMPORTER_UNCACHED;
	case 0x44: /* Normal, not cacheable: writes are gathered */
		return IMPORTER_WRITE_COMBINE;
	case 0xbb:
		return IMPORTER_WRITE_THROUGH;
	case 0xf0: /* Normal, write-back, with memory tags */
	case 0xff:
		return IMPORTER_WRITE_BACK;
	default:
		return -EOPNOTSUPP;
	}
}

static int decode(u64 par, unsigned long address, struct importer_pte *entry)
{
	int memtype;

	if (par & PAR_FAILED)
		return -ENXIO;
	memtype = memtype_of(FIELD_GET(PAR_TYPE, par));
	if (memtype < 0)
		return memtype;
	entry->out_memtype = memtype;
	entry->out_pfn = (par & PAR_ADDRESS) >> PAGE_SHIFT;
	return 0;
}

/* Another translation on this processor overwrites the result in PAR_EL1. */
#define translate(how, address) \
	({ \
		unsigned long flags; \
		u64 par; \
		local_irq_save(flags); \
		asm volatile("at " how ", %0" ::"r"(address)); \
		isb(); \
		par = read_sysreg(par_el1); \
		local_irq_restore(flags); \
		par; \
	})

/* Bytes that the entry maps. A translation does not tell them. */
static u64 entry_size(unsigned long address)
{
	pgd_t *pgd = pgd_offset(current->mm, address);
	p4d_t *p4d = p4d_offset(pgd, address);
	pud_t *pud = pud_offset(p4d, address);

	if (pud_leaf(*pud))
		return PUD_SIZE;
	return pmd_leaf(*pmd_offset(pud, address)) ? PMD_SIZE : PAGE_SIZE;
}

/* mmap_lock keeps the mapping during the walk. */
int pagetable_user(struct importer_pte *entry)
{
	struct mm_struct *mm = current->mm;
	unsigned long address = entry->address;
	int ret;

	if (address >= TASK_SIZE)
		return -EFAULT;

	mmap_read_lock(mm);
	ret = decode(translate("s1e0r", address), address, entry);
	if (!ret)
		entry->out_size = entry_size(address);
	mmap_read_unlock(mm);
	return ret;
}

int pagetable_kernel(const void *address, struct importer_pte *entry)
{
	entry->out_size = 0;
	return decode(translate("s1e1r", address), (unsigned long)address,
		      entry);
}

/* The entry of a page frame in the direct map. */
int pagetable_direct(struct importer_pte *entry)
{
	if (!pfn_valid(entry->address))
		return -EINVAL;
	return pagetable_kernel(page_address(pfn_to_page(entry->address)),
				entry);
}

/* On arm64 each mapping has its own memory type, and the direct map does not change. */
int pagetable_typed(u64 *bytes)
{
	return -EOPNOTSUPP;
}

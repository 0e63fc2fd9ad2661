// SPDX-License-Identifier: GPL-2.0
/*
 * Read the memory type of an address from the page tables. Entries have 32 bits ("short
 * descriptors"), and PRRR and NMRR define the memory types.
 */
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "importer.h"
#include "pagetable.h"

#define ENTRY_KIND 3
#define LEVEL1_TABLE 1
#define LEVEL1_SECTION 2
#define LEVEL2_PAGE 2 /* or 3: not executable */

#define read_cp15(what) \
	({ \
		u32 value; \
		asm volatile("mrc p15, 0, %0, " what \
			     : "=r"(value)); \
		value; \
	})

/* @index: TEX[0], C and B. */
static int memtype_of(unsigned int index)
{
	u32 primary = read_cp15("c10, c2, 0") >> index * 2 & 3;
	u32 normal = read_cp15("c10, c2, 1");
	u32 inner = normal >> index * 2 & 3;
	u32 outer = normal >> (16 + index * 2) & 3;

	if (primary != 2)
		return IMPORTER_UNCACHED;
	if (inner != outer)
		return -EOPNOTSUPP;
	switch (inner) {
	case 0: /* not cacheable: writes are gathered */
		return IMPORTER_WRITE_COMBINE;
	case 2:
		return IMPORTER_WRITE_THROUGH;
	default:
		return IMPORTER_WRITE_BACK;
	}
}

static int decode(u32 value, unsigned int tex, u32 size, unsigned long address,
		  struct importer_pte *entry)
{
	int memtype = memtype_of((value >> tex & 1) << 2 | (value >> 2 & 3));

	if (memtype < 0)
		return memtype;
	entry->out_memtype = memtype;
	entry->out_size = size;
	entry->out_pfn = ((value & ~(size - 1)) | (address & (size - 1))) >>
			 PAGE_SHIFT;
	return 0;
}

/* Read an entry of a table. The table can be in high memory, which the kernel does not map. */
static u32 read_entry(phys_addr_t table, unsigned int index)
{
	phys_addr_t at = table + index * sizeof(u32);
	void *page = kmap_local_page(pfn_to_page(at >> PAGE_SHIFT));
	u32 value = *(u32 *)(page + offset_in_page(at));

	kunmap_local(page);
	return value;
}

static int walk(phys_addr_t table, unsigned long address,
		struct importer_pte *entry)
{
	u32 value = read_entry(table, address >> 20);

	if ((value & ENTRY_KIND) == LEVEL1_SECTION)
		return decode(value, 12, SZ_1M, address, entry);
	if ((value & ENTRY_KIND) != LEVEL1_TABLE)
		return -ENXIO;
	value = read_entry(value & ~1023U, address >> 12 & 255);
	if (!(value & LEVEL2_PAGE))
		return -ENXIO;
	return decode(value, 6, SZ_4K, address, entry);
}

/* mmap_lock keeps the mapping during the walk. */
int pagetable_user(struct importer_pte *entry)
{
	int ret;

	if (entry->address >= TASK_SIZE)
		return -EFAULT;
	mmap_read_lock(current->mm);
	ret = walk(virt_to_phys(current->mm->pgd), entry->address, entry);
	mmap_read_unlock(current->mm);
	return ret;
}

/* Walk the table of TTBR1, the kernel's own. Each process has a copy of its entries. */
int pagetable_kernel(const void *address, struct importer_pte *entry)
{
	return walk(read_cp15("c2, c0, 1") & ~(SZ_16K - 1),
		    (unsigned long)address, entry);
}

/* The entry of a page frame in the direct map, if there is one. */
int pagetable_direct(struct importer_pte *entry)
{
	if (!pfn_valid(entry->address))
		return -EINVAL;
	if (PageHighMem(pfn_to_page(entry->address)))
		return -ENXIO;
	return pagetable_kernel(page_address(pfn_to_page(entry->address)),
				entry);
}

/* On arm each mapping has its own memory type, and the direct map does not change. */
int pagetable_typed(u64 *bytes)
{
	return -EOPNOTSUPP;
}

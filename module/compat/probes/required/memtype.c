// SPDX-License-Identifier: GPL-2.0
/* caching.c: memory whose own type is changed. */
#include <linux/mm.h>
#ifdef CONFIG_X86
#include <asm/memtype.h>
#include <asm/set_memory.h>

int bufalloc_probe(struct page *page);
int bufalloc_probe(struct page *page)
{
	unsigned long addr = (unsigned long)page_address(page);

	return pat_enabled() ? set_memory_wc(addr, 1) : set_memory_wb(addr, 1);
}
#endif

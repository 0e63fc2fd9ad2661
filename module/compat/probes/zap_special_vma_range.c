// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

void bufalloc_probe(struct vm_area_struct *vma);
void bufalloc_probe(struct vm_area_struct *vma)
{
	zap_special_vma_range(vma, 0, PAGE_SIZE);
}

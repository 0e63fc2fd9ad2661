// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

void bufalloc_probe(struct vm_area_struct *vma);
void bufalloc_probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO);
	vm_flags_clear(vma, VM_IO);
}

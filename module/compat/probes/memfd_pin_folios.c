// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

long bufalloc_probe(struct file *file, struct folio **folio, pgoff_t *offset);
long bufalloc_probe(struct file *file, struct folio **folio, pgoff_t *offset)
{
	return memfd_pin_folios(file, 0, PAGE_SIZE - 1, folio, 1, offset);
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_PAGETABLE_H
#define _IMPORTER_PAGETABLE_H

#include <linux/types.h>

struct importer_pte;

int pagetable_user(struct importer_pte *entry);
int pagetable_kernel(const void *address, struct importer_pte *entry);
int pagetable_direct(struct importer_pte *entry);
/* Bytes of the direct map that are not write-back. */
int pagetable_typed(u64 *bytes);

#endif /* _IMPORTER_PAGETABLE_H */

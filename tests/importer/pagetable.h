/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_PAGETABLE_H
#define _IMPORTER_PAGETABLE_H

struct importer_pte;

int pagetable_user(struct importer_pte *entry);
int pagetable_kernel(const void *address, struct importer_pte *entry);
int pagetable_direct(struct importer_pte *entry);

#endif /* _IMPORTER_PAGETABLE_H */

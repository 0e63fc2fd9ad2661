/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_BUSY_H
#define _IMPORTER_BUSY_H

struct folio;

struct folio *busy_begin(unsigned long address);
void busy_end(struct folio *folio);

#endif /* _IMPORTER_BUSY_H */

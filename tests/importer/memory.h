/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_MEMORY_H
#define _IMPORTER_MEMORY_H

#include <linux/types.h>

struct device;
struct sg_table;

/* Whether dma-buf hides the pages of a table, so that no importer uses them. */
bool memory_is_hidden(void);
/* The physical address of a DMA address. */
phys_addr_t memory_at(struct device *dev, dma_addr_t address);
u8 memory_byte(struct device *dev, dma_addr_t address);

#endif /* _IMPORTER_MEMORY_H */

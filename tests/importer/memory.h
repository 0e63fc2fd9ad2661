/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_MEMORY_H
#define _IMPORTER_MEMORY_H

#include <linux/types.h>

struct device;
struct sg_table;

/* Whether tables tell no pages: dma-buf hides them, since importers misuse them. */
bool memory_is_hidden(void);
/* Where the device's address leads. */
phys_addr_t memory_at(struct device *dev, dma_addr_t address);
u8 memory_byte(struct device *dev, dma_addr_t address);

#endif /* _IMPORTER_MEMORY_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_EDU_H
#define _IMPORTER_EDU_H

#include <linux/dma-direction.h>
#include <linux/types.h>

/* @registers: of an edu; NULL: the device is no edu. */
int edu_start(void __iomem *registers, dma_addr_t address, size_t length,
	      enum dma_data_direction direction);
bool edu_is_busy(void __iomem *registers);
int edu_wait(void __iomem *registers);

int edu_init(void);
void edu_exit(void);

#endif /* _IMPORTER_EDU_H */

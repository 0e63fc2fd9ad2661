/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_EDU_H
#define _IMPORTER_EDU_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;

struct device *edu_device(unsigned int index);
int edu_transfer(unsigned int index, dma_addr_t address, size_t length,
		 enum dma_data_direction direction);

int edu_init(void);
void edu_exit(void);

#endif /* _IMPORTER_EDU_H */

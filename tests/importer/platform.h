/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_PLATFORM_H
#define _IMPORTER_PLATFORM_H

#include <linux/types.h>

int platform_set_bus(u32 index, u64 boundary, u64 shift);
int platform_init(void);
void platform_exit(void);

#endif /* _IMPORTER_PLATFORM_H */

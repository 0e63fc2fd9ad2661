/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_PLATFORM_H
#define _IMPORTER_PLATFORM_H

int platform_init(void);
void platform_exit(void);

#endif /* _IMPORTER_PLATFORM_H */

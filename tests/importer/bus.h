/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_BUS_H
#define _IMPORTER_BUS_H

int bus_init(void);
void bus_exit(void);

#endif /* _IMPORTER_BUS_H */

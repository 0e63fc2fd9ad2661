/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_PORT_H
#define _IMPORTER_PORT_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct device;
struct import;

/**
 * struct port - a device that buffers are attached to
 * @ref: a reference of the table, and a reference of each import.
 * @lock: guards the following fields. The importer holds the lock while the device works, so that
 *	the driver is not unbound meanwhile.
 * @dev: the device, with a reference; it outlives its driver.
 * @registers: of an edu; NULL for other devices.
 * @gone: the driver was unbound.
 * @late: the import that remove() attaches, or NULL.
 */
struct port {
	struct kref ref;
	struct mutex lock;
	struct device *dev;
	void __iomem *registers;
	bool gone;
	struct import *late;
};

/* Attach, map and unmap @import. The caller holds the lock of the port. */
void import_late(struct import *import);

int port_add(u32 index, struct device *dev, void __iomem *registers);
void port_remove(u32 index);
struct port *port_get(u32 index);
void port_put(struct port *port);

#endif /* _IMPORTER_PORT_H */

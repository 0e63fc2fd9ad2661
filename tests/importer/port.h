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
 * @ref: the table's, and one for each attachment.
 * @lock: guards what follows, and is held while the device is put to work, so
 *	that its driver is not unbound meanwhile.
 * @dev: held; it outlives its driver.
 * @registers: of an edu, or NULL.
 * @gone: the driver was unbound.
 * @late: what its remove() attaches, or NULL.
 */
struct port {
	struct kref ref;
	struct mutex lock;
	struct device *dev;
	void __iomem *registers;
	bool gone;
	struct import *late;
};

/* For @late, with the port's lock. */
void import_late(struct import *import);

int port_add(u32 index, struct device *dev, void __iomem *registers);
void port_remove(u32 index);
struct port *port_get(u32 index);
void port_put(struct port *port);

#endif /* _IMPORTER_PORT_H */

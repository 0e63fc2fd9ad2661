// SPDX-License-Identifier: GPL-2.0
/*
 * The devices that buffers can be attached to, by number. A driver can be unbound while a buffer is
 * attached. The import keeps a reference to the port, whose @gone is then set.
 */
#include <linux/device.h>
#include <linux/slab.h>

#include "edu.h"
#include "importer.h"
#include "port.h"

static DEFINE_MUTEX(ports_lock);
static struct port *ports[IMPORTER_DEVICES];

static void port_free(struct kref *ref)
{
	struct port *port = container_of(ref, struct port, ref);

	put_device(port->dev);
	mutex_destroy(&port->lock);
	kfree(port);
}

void port_put(struct port *port)
{
	kref_put(&port->ref, port_free);
}

/* Return: the port with a reference, or NULL. */
struct port *port_get(u32 index)
{
	struct port *port = NULL;

	mutex_lock(&ports_lock);
	if (index < IMPORTER_DEVICES)
		port = ports[index];
	if (port)
		kref_get(&port->ref);
	mutex_unlock(&ports_lock);
	return port;
}

int port_add(u32 index, struct device *dev, void __iomem *registers)
{
	struct port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return -ENOMEM;
	kref_init(&port->ref);
	mutex_init(&port->lock);
	port->dev = get_device(dev);
	port->registers = registers;

	mutex_lock(&ports_lock);
	ports[index] = port;
	mutex_unlock(&ports_lock);
	return 0;
}

/* Wait for the end of DMA. No new DMA begins afterwards. */
void port_remove(u32 index)
{
	struct port *port;

	mutex_lock(&ports_lock);
	port = ports[index];
	ports[index] = NULL;
	mutex_unlock(&ports_lock);
	if (!port)
		return;

	mutex_lock(&port->lock);
	edu_wait(port->registers);
	port->registers = NULL;
	if (port->late)
		import_late(port->late);
	port->late = NULL;
	port->gone = true;
	mutex_unlock(&port->lock);
	port_put(port);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A device on a bus of its own, which no other module knows. So are the devices of a bus driver
 * that is a module. Otherwise the device is like the platform devices.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "bus.h"
#include "importer.h"
#include "port.h"

/**
 * struct lone_device - the only device of the bus
 * @dev: the device.
 * @mask: its DMA mask.
 * @limits: its DMA parameters; segments have no limit.
 */
struct lone_device {
	struct device dev;
	u64 mask;
	struct device_dma_parameters limits;
};

/* The type is constant on kernels where the kernel's own bus types are. */
static typeof(platform_bus_type) lone_bus = {
	.name = "bufalloc-importer",
};

static struct lone_device *lone;

static void lone_release(struct device *dev)
{
	kfree(container_of(dev, struct lone_device, dev));
}

/* put_device() frees the device after device_initialize(). */
static struct lone_device *lone_create(void)
{
	struct lone_device *made = kzalloc(sizeof(*made), GFP_KERNEL);

	if (!made)
		return NULL;
	device_initialize(&made->dev);
	made->dev.bus = &lone_bus;
	made->dev.release = lone_release;
	made->mask = DMA_BIT_MASK(64);
	made->dev.dma_mask = &made->mask;
	made->dev.coherent_dma_mask = made->mask;
	made->dev.dma_parms = &made->limits;
	dma_set_max_seg_size(&made->dev, UINT_MAX);
	return made;
}

static int lone_add(void)
{
	int ret;

	lone = lone_create();
	if (!lone)
		return -ENOMEM;
	ret = dev_set_name(&lone->dev, "bufalloc-importer-lone");
	if (!ret)
		ret = device_add(&lone->dev);
	if (ret)
		goto put_device;
	ret = port_add(IMPORTER_DEVICE_OTHER_BUS, &lone->dev, NULL);
	if (!ret)
		return 0;
	device_del(&lone->dev);
put_device:
	put_device(&lone->dev);
	return ret;
}

int bus_init(void)
{
	int ret = bus_register(&lone_bus);

	if (ret)
		return ret;
	ret = lone_add();
	if (ret)
		bus_unregister(&lone_bus);
	return ret;
}

void bus_exit(void)
{
	port_remove(IMPORTER_DEVICE_OTHER_BUS);
	device_unregister(&lone->dev);
	bus_unregister(&lone_bus);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Drivers that are unbound from their device. A process can keep a file of such a driver
 * open, and a buffer attached. The kept mapping of that attachment belongs to the driver,
 * and ends before the driver is gone.
 *
 * Main object: the list of attachments, guarded by attachments_lock. Only buses of devices
 * that do DMA and that stay in the kernel are watched. No notifier tells of drivers on
 * other buses, so no mapping is kept for their devices.
 */
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "attachment.h"
#include "unbind.h"

/* Inside of the device's lock and one of the bus, outside of the buffers'. */
static DEFINE_MUTEX(attachments_lock);
static LIST_HEAD(attachments);

/*
 * Called before the driver's remove(), while the device has all that its mappings
 * need. Afterwards some architectures take its DMA operations from it.
 */
static int unbind_notify(struct notifier_block *notifier, unsigned long action,
			 void *data)
{
	struct ba_attachment *attachment;

	if (action != BUS_NOTIFY_UNBIND_DRIVER)
		return NOTIFY_DONE;

	mutex_lock(&attachments_lock);
	list_for_each_entry(attachment, &attachments, watched)
		if (attachment->dev == data)
			ba_attachment_driver_unbound(attachment);
	mutex_unlock(&attachments_lock);
	return NOTIFY_OK;
}

/* A notifier can only be in one list. */
static struct notifier_block platform_notifier = {
	.notifier_call = unbind_notify,
};

/* Whether unbind_notify() is called before the driver of @dev leaves it. */
bool ba_unbind_is_told(const struct device *dev)
{
	return dev_is_platform(dev) || dev_is_pci(dev);
}

/* The driver core says so before it calls unbind_notify(). */
static bool is_unbinding(const struct device *dev)
{
	return READ_ONCE(dev->links.status) == DL_DEV_UNBINDING;
}

/*
 * A driver can still attach between unbind_notify() and the end of its remove(). No second
 * notification follows, so ask the driver core.
 */
void ba_unbind_watch(struct ba_attachment *attachment)
{
	mutex_lock(&attachments_lock);
	list_add(&attachment->watched, &attachments);
	if (is_unbinding(attachment->dev))
		ba_attachment_driver_unbound(attachment);
	mutex_unlock(&attachments_lock);
}

/* Before the attachment is destroyed; without the buffer's lock. */
void ba_unbind_forget(struct ba_attachment *attachment)
{
	mutex_lock(&attachments_lock);
	list_del(&attachment->watched);
	mutex_unlock(&attachments_lock);
}

#ifdef CONFIG_PCI
static struct notifier_block pci_notifier = {
	.notifier_call = unbind_notify,
};

static int pci_watch(void)
{
	return bus_register_notifier(&pci_bus_type, &pci_notifier);
}

static void pci_forget(void)
{
	bus_unregister_notifier(&pci_bus_type, &pci_notifier);
}
#else
static int pci_watch(void)
{
	return 0;
}

static void pci_forget(void)
{
}
#endif

int ba_unbind_init(void)
{
	int ret;

	ret = bus_register_notifier(&platform_bus_type, &platform_notifier);
	if (ret)
		return ret;
	ret = pci_watch();
	if (ret)
		bus_unregister_notifier(&platform_bus_type,
					&platform_notifier);
	return ret;
}

void ba_unbind_exit(void)
{
	pci_forget();
	bus_unregister_notifier(&platform_bus_type, &platform_notifier);
}

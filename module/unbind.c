// SPDX-License-Identifier: GPL-2.0
/*
 * Ends the kept DMA mappings of a driver that is unbound from its device. A process can keep a
 * file of the driver open, and so keep a buffer attached. The kept mapping of that attachment
 * belongs to the driver, and must end before the driver is gone.
 *
 * Main object: the list of attachments, guarded by attachments_lock. An attachment is in the list
 * from the end of attach to the start of detach.
 *
 * Only the platform bus and PCI are watched: their devices do DMA, and no module that can be
 * unloaded contains these buses. For a device on another bus no mapping is kept.
 */
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "attachment.h"
#include "unbind.h"

/*
 * Lock order: the lock of the device, the notifier lock of its bus, attachments_lock, the lock of
 * a buffer.
 */
static DEFINE_MUTEX(attachments_lock);
static LIST_HEAD(attachments);

/*
 * Called before the driver's remove(), while the device can still unmap. After remove() some
 * architectures reset the DMA operations of the device.
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

/* A notifier block can be in one chain only, so each bus has its own block. */
static struct notifier_block platform_notifier = {
	.notifier_call = unbind_notify,
};

/* Whether unbind_notify() is called before a driver is unbound from @dev. */
bool ba_unbind_is_told(const struct device *dev)
{
	return dev_is_platform(dev) || dev_is_pci(dev);
}

/* The driver core sets this status before it calls unbind_notify(). */
static bool is_unbinding(const struct device *dev)
{
	return READ_ONCE(dev->links.status) == DL_DEV_UNBINDING;
}

/*
 * Without a driver the domain of an IOMMU group can change, and nobody is told. A virtual device
 * never has a driver and has no IOMMU.
 */
static bool can_change_domain(struct device *dev)
{
	return READ_ONCE(dev->links.status) == DL_DEV_NO_DRIVER && device_iommu_mapped(dev);
}

/*
 * An importer can still attach after unbind_notify(). No second notification follows, so ask the
 * driver core for the status.
 */
void ba_unbind_watch(struct ba_attachment *attachment)
{
	mutex_lock(&attachments_lock);
	list_add(&attachment->watched, &attachments);
	if (is_unbinding(attachment->dev))
		ba_attachment_driver_unbound(attachment);
	else if (can_change_domain(attachment->dev))
		attachment->keeps_mapping = false;
	mutex_unlock(&attachments_lock);
}

/*
 * Called before the attachment is destroyed, without the buffer's lock: that lock is inside of
 * attachments_lock.
 */
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

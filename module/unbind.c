// SPDX-License-Identifier: GPL-2.0
/*
 * Drivers that leave their device. Whoever has a file of theirs open may keep
 * buffers attached for as long as he likes, but the mappings that are only kept
 * for the next use belong to the driver, and go when it does.
 */
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "attachment.h"
#include "client.h"
#include "unbind.h"

/**
 * struct watch - a bus that tells when a driver leaves a device
 * @node: in @watches.
 * @bus: which.
 * @notifier: what it calls.
 * @users: attachments on that bus: it may go when they are gone.
 */
struct watch {
	struct list_head node;
	const void *bus;
	struct notifier_block notifier;
	unsigned int users;
};

/*
 * The bus calls with a lock of its own held that registering takes as well. So
 * this one, outside of that, guards the watches; and the other one, inside,
 * guards the list of attachments.
 */
static DEFINE_MUTEX(watches_lock);
static LIST_HEAD(watches);
static DEFINE_MUTEX(attachments_lock);
static LIST_HEAD(attachments);

static int unbind_notify(struct notifier_block *notifier, unsigned long action,
			 void *data)
{
	struct attachment *attachment;

	/*
	 * Before its remove(), while the device still has all that its mappings
	 * need; and after it, for what that let go of.
	 */
	if (action != BUS_NOTIFY_UNBIND_DRIVER &&
	    action != BUS_NOTIFY_UNBOUND_DRIVER)
		return NOTIFY_DONE;

	mutex_lock(&attachments_lock);
	list_for_each_entry(attachment, &attachments, watched)
		if (attachment->dev == data)
			attachment_drop(attachment);
	mutex_unlock(&attachments_lock);
	return NOTIFY_OK;
}

static struct watch *watch_find(const void *bus)
{
	struct watch *watch;

	list_for_each_entry(watch, &watches, node)
		if (watch->bus == bus)
			return watch;
	return NULL;
}

static struct watch *watch_create(struct device *dev)
{
	struct watch *watch = kzalloc(sizeof(*watch), GFP_METADATA);
	int ret;

	if (!watch)
		return ERR_PTR(-ENOMEM);

	watch->bus = dev->bus;
	watch->notifier.notifier_call = unbind_notify;
	/* Before those who look for mappings that were left behind. */
	watch->notifier.priority = 1;
	ret = bus_register_notifier(dev->bus, &watch->notifier);
	if (ret) {
		kfree(watch);
		return ERR_PTR(ret);
	}
	list_add(&watch->node, &watches);
	return watch;
}

static int watch_get(struct device *dev)
{
	struct watch *watch;
	int ret = 0;

	mutex_lock(&watches_lock);
	watch = watch_find(dev->bus);
	if (!watch)
		watch = watch_create(dev);
	if (IS_ERR(watch))
		ret = PTR_ERR(watch);
	else
		watch->users++;
	mutex_unlock(&watches_lock);
	return ret;
}

static void watch_put(struct device *dev)
{
	struct watch *watch;

	mutex_lock(&watches_lock);
	watch = watch_find(dev->bus);
	if (!--watch->users) {
		list_del(&watch->node);
		bus_unregister_notifier(dev->bus, &watch->notifier);
		kfree(watch);
	}
	mutex_unlock(&watches_lock);
}

/* Return: 0, -ENOMEM, or what bus_register_notifier() returned. */
int unbind_watch(struct attachment *attachment)
{
	int ret;

	/* A device of no bus has no driver to lose. */
	if (!attachment->dev->bus)
		return 0;

	ret = watch_get(attachment->dev);
	if (ret)
		return ret;
	mutex_lock(&attachments_lock);
	list_add(&attachment->watched, &attachments);
	mutex_unlock(&attachments_lock);
	return 0;
}

/* Before the attachment is destroyed; without the buffer's lock. */
void unbind_forget(struct attachment *attachment)
{
	if (!attachment->dev->bus)
		return;

	mutex_lock(&attachments_lock);
	list_del(&attachment->watched);
	mutex_unlock(&attachments_lock);
	watch_put(attachment->dev);
}

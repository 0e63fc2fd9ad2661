// SPDX-License-Identifier: GPL-2.0
/*
 * bufalloc: memory that devices can use, for userspace. This file is responsible for the order of
 * load and unload: it starts the parts of the module in the order of their dependencies, and ends
 * them in reverse order.
 *
 * Main object: the module. Each buffer and each open file holds a reference to the module, so
 * neither exists at exit. No lock: the kernel never runs init and exit at the same time.
 */
#include <linux/module.h>

#include "chardev.h"
#include "heap.h"
#include "hibernation.h"
#include "of_heap.h"
#include "purge.h"
#include "unbind.h"

static int __init bufalloc_init(void)
{
	int ret;

	ret = ba_unbind_init();
	if (ret)
		return ret;

	ba_hibernation_init();
	ret = ba_heap_init();
	if (ret)
		goto exit_hibernation;

	ret = ba_of_heap_init();
	if (ret)
		goto exit_heap;

	/* The workers of purge.c free memory to the heaps, so the workers start after the heaps. */
	ret = ba_purge_init();
	if (ret)
		goto exit_node;

	/* Last: processes can open the devices from here on. */
	ret = ba_chardev_register();
	if (ret)
		goto exit_purge;
	return 0;

exit_purge:
	ba_purge_exit();
exit_node:
	ba_of_heap_exit();
exit_heap:
	ba_heap_exit();
exit_hibernation:
	ba_hibernation_exit();
	ba_unbind_exit();
	return ret;
}
module_init(bufalloc_init);

static void __exit bufalloc_exit(void)
{
	ba_chardev_unregister();
	ba_purge_exit();
	ba_of_heap_exit();
	ba_heap_exit();
	ba_hibernation_exit();
	ba_unbind_exit();
}
module_exit(bufalloc_exit);

MODULE_DESCRIPTION("Device memory for userspace as dma-bufs");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");

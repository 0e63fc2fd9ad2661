// SPDX-License-Identifier: GPL-2.0
/*
 * bufalloc: memory that devices can use, for userspace.
 *
 * The module cannot go while a buffer or an open file lives: both hold it.
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

	ret = unbind_init();
	if (ret)
		return ret;

	hibernation_init();
	ret = heap_init();
	if (ret)
		goto exit_hibernation;

	ret = of_heap_init();
	if (ret)
		goto exit_heap;

	/* Workers give purged memory back to its heap: they start after the heaps. */
	ret = purge_init();
	if (ret)
		goto exit_node;

	/* Last: from here on there are users. */
	ret = chardev_register();
	if (ret)
		goto exit_purge;
	return 0;

exit_purge:
	purge_exit();
exit_node:
	of_heap_exit();
exit_heap:
	heap_exit();
exit_hibernation:
	hibernation_exit();
	unbind_exit();
	return ret;
}
module_init(bufalloc_init);

static void __exit bufalloc_exit(void)
{
	chardev_unregister();
	purge_exit();
	of_heap_exit();
	heap_exit();
	hibernation_exit();
	unbind_exit();
}
module_exit(bufalloc_exit);

MODULE_DESCRIPTION("Device memory for userspace as dma-bufs");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");

// SPDX-License-Identifier: GPL-2.0
/* heap.c and of_heap.c: devices that memory is allocated for. */
#include <linux/cc_platform.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>
#include <xen/xen.h>

static int probe(struct platform_device *pdev)
{
	struct reserved_mem *region =
		of_reserved_mem_lookup(pdev->dev.of_node);

	of_reserved_mem_device_release(&pdev->dev);
	return region->base && region->size && xen_pv_domain() &&
	       cc_platform_has(CC_ATTR_MEM_ENCRYPT) &&
	       of_reserved_mem_device_init(&pdev->dev);
}

struct platform_driver bufalloc_probe = {
	.probe = probe,
	.driver = {
		.suppress_bind_attrs = true,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

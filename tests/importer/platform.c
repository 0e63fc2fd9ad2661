// SPDX-License-Identifier: GPL-2.0
/*
 * Devices without hardware. Buffers can be attached to them and mapped, but the devices move no
 * data. No firmware describes the devices. So no IOMMU translates for them, and they are not
 * coherent on architectures where firmware declares coherence.
 */
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "importer.h"
#include "platform.h"
#include "port.h"

static const u64 masks[] = {
	[IMPORTER_DEVICE_64] = DMA_BIT_MASK(64),
	[IMPORTER_DEVICE_32] = DMA_BIT_MASK(32),
	[IMPORTER_DEVICE_NONE] = 0,
};

static struct platform_device *devices[ARRAY_SIZE(masks)];

static int platform_add(u32 index)
{
	struct platform_device_info info = {
		.name = "bufalloc-importer",
		.id = index,
		.dma_mask = masks[index],
	};
	struct platform_device *pdev = platform_device_register_full(&info);
	int ret;

	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	if (masks[index])
		dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	else
		pdev->dev.dma_mask = NULL;

	ret = port_add(index, &pdev->dev, NULL);
	if (ret) {
		platform_device_unregister(pdev);
		return ret;
	}
	devices[index] = pdev;
	return 0;
}

/* The first region has all memory. The second region has no size, and ends the map. */
static struct bus_dma_region *regions_create(u64 shift)
{
	struct bus_dma_region *regions = kcalloc(2, sizeof(*regions), GFP_KERNEL);

	if (!regions)
		return NULL;
	regions->dma_start = shift;
	regions->size = U64_MAX;
	/* Kernels up to about 6.8 also store the difference of the two addresses. */
#ifdef HAVE_BUS_DMA_REGION_OFFSET
	regions->offset = -shift;
#endif
	return regions;
}

/* Only while no buffer is mapped for the device. The release of the device frees the regions. */
int platform_set_bus(u32 index, u64 boundary, u64 shift)
{
	const struct bus_dma_region *regions = NULL;
	struct device *dev;

	if (index >= ARRAY_SIZE(devices) || !masks[index])
		return -EINVAL;
	if (shift) {
		regions = regions_create(shift);
		if (!regions)
			return -ENOMEM;
	}
	dev = &devices[index]->dev;
	dev->dma_parms->segment_boundary_mask = boundary ? boundary - 1 : 0;
	kfree(dev->dma_range_map);
	dev->dma_range_map = regions;
	return 0;
}

void platform_exit(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		port_remove(i);
		platform_device_unregister(devices[i]);
	}
}

int platform_init(void)
{
	int ret;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		ret = platform_add(i);
		if (ret) {
			platform_exit();
			return ret;
		}
	}
	return 0;
}

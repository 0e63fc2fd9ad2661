// SPDX-License-Identifier: GPL-2.0
#include <linux/dma-map-ops.h>

/* An inline of a header uses symbols that no module can. */
struct cma *dev_get_cma_area(struct device *dev)
{
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0
#include <linux/dma-map-ops.h>

/* Where it is an inline of the header, what it looks at is not for modules. */
struct cma *dev_get_cma_area(struct device *dev)
{
	return NULL;
}

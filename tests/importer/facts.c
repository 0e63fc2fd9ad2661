// SPDX-License-Identifier: GPL-2.0
/* Facts that the kernel records of a device, and of a mapped table. */
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/scatterlist.h>
#include <linux/string.h>

#include "facts.h"
#include "importer.h"
#include "memory.h"
#include "port.h"

static u32 domain_kind(struct iommu_domain *domain)
{
	if (!domain)
		return IMPORTER_DOMAIN_NONE;
	if (iommu_is_dma_domain(domain))
		return IMPORTER_DOMAIN_TRANSLATED;
	return IMPORTER_DOMAIN_IDENTITY;
}

/* Number a domain by its first device. A kernel address must not be shown. */
static u32 domain_number(struct iommu_domain *domain)
{
	struct port *port;
	bool found;
	u32 i;

	for (i = 0; i < IMPORTER_DEVICES; i++) {
		port = port_get(i);
		if (!port)
			continue;
		found = iommu_get_domain_for_dev(port->dev) == domain;
		port_put(port);
		if (found)
			break;
	}
	return i;
}

static s32 group_number(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	s32 number;

	if (!group)
		return -1;
	number = iommu_group_id(group);
	iommu_group_put(group);
	return number;
}

void facts_of_device(struct device *dev, struct importer_facts *facts)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	facts->out_kind = domain_kind(domain);
	facts->out_domain = domain_number(domain);
	facts->out_group = group_number(dev);
	facts->out_mask = dev->dma_mask ? *dev->dma_mask : 0;
	facts->out_limit = dev->dma_parms ? dev->dma_parms->max_segment_size :
					    0;
	facts->out_coherent = dev_is_dma_coherent(dev);
	strscpy(facts->out_name, dev_name(dev), sizeof(facts->out_name));
	facts->out_references = kref_read(&dev->kobj.kref);
}

/* The highest physical address, even if the table does not show pages. */
static u64 last_phys(struct device *dev, const struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;
	u64 last = 0;

	if (memory_is_hidden()) {
		for_each_sgtable_dma_sg(sgt, sg, i)
			last = max_t(u64, last,
				     memory_at(dev, sg_dma_address(sg)) +
					     sg_dma_len(sg) - 1);
	} else {
		for_each_sgtable_sg(sgt, sg, i)
			last = max_t(u64, last, sg_phys(sg) + sg->length - 1);
	}
	return last;
}

void facts_of_table(struct device *dev, const struct sg_table *sgt,
		    struct importer_table *table)
{
	struct scatterlist *sg;
	unsigned int i;

	table->out_nents = sgt->nents;
	table->out_length = 0;
	table->out_largest = 0;
	table->out_smallest = U64_MAX;
	table->out_last = 0;
	table->out_last_phys = last_phys(dev, sgt);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		u64 length = sg_dma_len(sg);

		table->out_length += length;
		table->out_largest = max(table->out_largest, length);
		table->out_smallest = min(table->out_smallest, length);
		table->out_last = max_t(u64, table->out_last,
					sg_dma_address(sg) + length - 1);
	}
}

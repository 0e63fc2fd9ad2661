// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's "edu" PCI device: it has a DMA engine and memory of its own, so that a
 * test can say "the device read this, and wrote that". Its registers are
 * described in docs/specs/edu of QEMU.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "edu.h"

#define EDUS_MAX 2

#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START BIT(0)
#define EDU_DMA_TO_MEMORY BIT(1)

/*
 * Its own memory, as its DMA engine addresses it. It is a page, but QEMU 7.2
 * stops at a transfer of all of it.
 */
#define EDU_MEMORY 0x40000
#define EDU_MEMORY_SIZE 2048

struct edu {
	struct pci_dev *pdev;
	void __iomem *registers;
};

static struct edu edus[EDUS_MAX];

struct device *edu_device(unsigned int index)
{
	if (index >= EDUS_MAX || !edus[index].pdev)
		return NULL;
	return &edus[index].pdev->dev;
}

/* Move bytes between memory and the device's own; returns when it has. */
int edu_transfer(unsigned int index, dma_addr_t address, size_t length,
		 enum dma_data_direction direction)
{
	void __iomem *registers;
	u64 command = EDU_DMA_START;

	if (!edu_device(index))
		return -ENODEV;
	if (!length || length > EDU_MEMORY_SIZE)
		return -EINVAL;

	registers = edus[index].registers;
	if (direction == DMA_TO_DEVICE) {
		writeq(address, registers + EDU_DMA_SOURCE);
		writeq(EDU_MEMORY, registers + EDU_DMA_TARGET);
	} else {
		writeq(EDU_MEMORY, registers + EDU_DMA_SOURCE);
		writeq(address, registers + EDU_DMA_TARGET);
		command |= EDU_DMA_TO_MEMORY;
	}
	writeq(length, registers + EDU_DMA_COUNT);
	writeq(command, registers + EDU_DMA_COMMAND);
	return readq_poll_timeout(registers + EDU_DMA_COMMAND, command,
				  !(command & EDU_DMA_START), 1000,
				  10 * USEC_PER_SEC);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int index;
	int ret;

	for (index = 0; index < EDUS_MAX; index++)
		if (!edus[index].pdev)
			break;
	if (index == EDUS_MAX)
		return -ENOSPC;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	edus[index].registers = pcim_iomap(pdev, 0, 0);
	if (!edus[index].registers)
		return -ENOMEM;
	pci_set_master(pdev);
	edus[index].pdev = pdev;
	return 0;
}

static void edu_remove(struct pci_dev *pdev)
{
	unsigned int index;

	for (index = 0; index < EDUS_MAX; index++)
		if (edus[index].pdev == pdev)
			edus[index].pdev = NULL;
	pci_clear_master(pdev);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{}
};

static struct pci_driver edu_driver = {
	.name = "bufalloc-importer-edu",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};

int edu_init(void)
{
	return pci_register_driver(&edu_driver);
}

void edu_exit(void)
{
	pci_unregister_driver(&edu_driver);
}

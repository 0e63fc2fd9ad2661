// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's "edu" PCI device. It has a DMA engine and memory of its own, so that a test sees which
 * bytes the device reads and writes. docs/specs/edu of QEMU describes the registers.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "compat.h"
#include "edu.h"
#include "importer.h"
#include "port.h"

/* The device cuts addresses to the dma_mask= of QEMU, which no register shows. */
static unsigned int edu_bits[IMPORTER_EDUS_MAX] = {
	[0 ... IMPORTER_EDUS_MAX - 1] = 64,
};
module_param_array(edu_bits, uint, NULL, 0444);
MODULE_PARM_DESC(edu_bits, "address bits of each edu, by its PCI address");

/*
 * In a machine of QEMU all devices snoop, or none does. QEMU has no caches, so a device works the
 * same if the kernel takes the device for one that does not snoop.
 */
static bool edu_snoops[IMPORTER_EDUS_MAX] = {
	[2 ... IMPORTER_EDUS_MAX - 1] = true,
};
module_param_array(edu_snoops, bool, NULL, 0444);
MODULE_PARM_DESC(edu_snoops, "whether each edu snoops, if its machine's devices do and an architecture knows others");

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8

#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START BIT(0)
#define EDU_DMA_TO_MEMORY BIT(1)

/*
 * The address of the device's own memory, for its DMA engine. The memory has 4096 bytes, but
 * QEMU 7.2 stops if a transfer covers all of it.
 */
#define EDU_MEMORY 0x40000

/* Begin to move bytes between memory and the device's memory. edu_wait() waits for the end. */
int edu_start(void __iomem *registers, dma_addr_t address, size_t length,
	      enum dma_data_direction direction)
{
	u64 command = EDU_DMA_START;

	if (!registers)
		return -ENODEV;
	if (!length || length > IMPORTER_DMA_MAX)
		return -EINVAL;
	if (edu_is_busy(registers))
		return -EBUSY;

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
	return 0;
}

bool edu_is_busy(void __iomem *registers)
{
	return registers &&
	       readq(registers + EDU_DMA_COMMAND) & EDU_DMA_START;
}

int edu_wait(void __iomem *registers)
{
	u64 command;

	if (!registers)
		return 0;
	return readq_poll_timeout(registers + EDU_DMA_COMMAND, command,
				  !(command & EDU_DMA_START), 1000,
				  10 * USEC_PER_SEC);
}

/* Number the devices by their PCI order: a device keeps its number when its driver is rebound. */
static u32 edu_rank(const struct pci_dev *pdev)
{
	struct pci_dev *other = NULL;
	u32 rank = 0;

	for (;;) {
		other = pci_get_device(EDU_VENDOR, EDU_DEVICE, other);
		if (!other || other == pdev)
			break;
		rank++;
	}
	pci_dev_put(other);
	return rank;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	u32 rank = edu_rank(pdev);
	void __iomem *registers;
	int ret;

	if (rank >= IMPORTER_EDUS_MAX)
		return -ENOSPC;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	/* The bus sets coherence again each time a driver is bound. */
	if (!edu_snoops[rank])
		clear_dma_coherent(&pdev->dev);
	ret = dma_set_mask_and_coherent(&pdev->dev,
					DMA_BIT_MASK(edu_bits[rank]));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	registers = pcim_iomap(pdev, 0, 0);
	if (!registers)
		return -ENOMEM;
	pci_set_master(pdev);
	return port_add(IMPORTER_DEVICE_EDU_0 + rank, &pdev->dev, registers);
}

static void edu_remove(struct pci_dev *pdev)
{
	port_remove(IMPORTER_DEVICE_EDU_0 + edu_rank(pdev));
	pci_clear_master(pdev);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
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

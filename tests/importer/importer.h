/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/bufalloc-importer: a driver that imports dma-bufs on request and describes its mappings. It
 * also reads page tables. The driver is for tests, and is never installed.
 */
#ifndef _BUFALLOC_IMPORTER_H
#define _BUFALLOC_IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IMPORTER_SEGMENTS_MAX 64

/* The devices that can be attached. */
#define IMPORTER_DEVICE_64 0 /* reaches all memory */
#define IMPORTER_DEVICE_32 1 /* reaches 4 GiB */
#define IMPORTER_DEVICE_NONE 2 /* does no DMA at all */
/* QEMU's "edu" devices, in the order of their PCI addresses. */
#define IMPORTER_DEVICE_EDU_0 3
#define IMPORTER_EDUS_MAX 8
#define IMPORTER_DEVICE_EDU_END (IMPORTER_DEVICE_EDU_0 + IMPORTER_EDUS_MAX)
/* A device that reaches all memory, on a bus that only this driver knows. */
#define IMPORTER_DEVICE_OTHER_BUS IMPORTER_DEVICE_EDU_END
#define IMPORTER_DEVICES (IMPORTER_DEVICE_OTHER_BUS + 1)

/* The values of enum dma_data_direction. */
#define IMPORTER_BIDIRECTIONAL 0
#define IMPORTER_TO_DEVICE 1
#define IMPORTER_FROM_DEVICE 2

struct importer_attach {
	__s32 fd;
	__u32 device;
	__u32 out_id; /* for the calls below */
	__u32 pad;
};

struct importer_segment {
	__u64 dma;
	__u64 phys; /* zero past the physical segments */
	__u64 length; /* in the device's address space */
};

struct importer_map {
	__u32 id;
	__u32 direction;
	__u32 out_nents; /* segments for the device */
	__u32 out_orig_nents; /* physical segments */
	struct importer_segment out_segments[IMPORTER_SEGMENTS_MAX];
};

/* A word of the memory of a mapped attachment, read by its physical address. */
struct importer_peek {
	__u32 id;
	__u32 pad;
	__u64 offset;
	__u64 out_value;
};

/* Memory types of the CPU's page tables, with the numbers of the PAT. */
#define IMPORTER_UNCACHED 0
#define IMPORTER_WRITE_COMBINE 1
#define IMPORTER_WRITE_THROUGH 4
#define IMPORTER_WRITE_PROTECT 5
#define IMPORTER_WRITE_BACK 6
#define IMPORTER_UC_MINUS 7

struct importer_pte {
	__u64 address; /* an address of the caller, or a page frame number */
	__u64 out_pfn;
	__u64 out_size; /* bytes that the entry maps; 0: not known */
	__u32 out_memtype;
	__u32 pad;
};

struct importer_vmap {
	__s32 fd;
	__u32 out_memtype; /* of the page at the offset */
	__u64 offset; /* a multiple of 8 */
	__u64 out_value; /* the word there */
	/* 1: call the exporter directly, because the core warns if the call fails. */
	__u32 bare;
	__u32 pad;
};

/* mmap() at the offset IMPORTER_MMAP_STEP * id maps the buffer of that attachment. */
#define IMPORTER_MMAP_STEP (1ULL << 32)

/*
 * A device, and the IOMMU domain that translates its addresses. Two devices have the same
 * out_domain exactly if they share a domain. The number has no other meaning, and none without a
 * domain.
 */
#define IMPORTER_DOMAIN_NONE 0 /* no IOMMU */
#define IMPORTER_DOMAIN_IDENTITY 1 /* addresses are not translated */
#define IMPORTER_DOMAIN_TRANSLATED 2

struct importer_facts {
	__u32 device;
	__u32 out_kind; /* IMPORTER_DOMAIN_* */
	__u32 out_domain;
	__s32 out_group; /* IOMMU group; -1: none */
	__u64 out_mask; /* the DMA mask that the driver has set */
	__u32 out_limit; /* bytes in a segment; 0: the driver has set no limit */
	__u32 out_coherent;
	char out_name[32]; /* name on its bus */
	__u32 out_references; /* number of references to the device */
	__u32 pad;
};

/* Set the bytes in a segment until the file is closed; 0: as if no limit was set. */
struct importer_limit {
	__u32 device;
	__u32 bytes;
};

/*
 * Set the bus of IMPORTER_DEVICE_64 or 32 until the file is closed. The device sees memory at its
 * physical address plus @shift. A segment does not cross a multiple of @boundary, a power of two.
 * 0: as if the value was never set.
 */
struct importer_bus {
	__u32 device;
	__u32 pad;
	__u64 boundary;
	__u64 shift;
};

/* A mapped table of any length. */
struct importer_table {
	__u32 id;
	__u32 out_nents;
	__u64 out_length; /* of all segments, in the device's address space */
	__u64 out_largest;
	__u64 out_smallest;
	__u64 out_last; /* highest address for the device */
	__u64 out_last_phys; /* highest physical address */
};

/*
 * DMA by an "edu" between its own memory and bytes that lie in one segment of a buffer. The
 * direction is TO_DEVICE or FROM_DEVICE. The call only begins the DMA, which ends a tenth of a
 * second later.
 */
#define IMPORTER_DMA_MAX 4095

struct importer_dma {
	__u32 id;
	__u32 direction;
	__u64 offset;
	__u64 length;
};

/* The whole direct map. */
struct importer_direct {
	__u64 out_typed; /* bytes that are not write-back */
};

#define IMPORTER_TYPE 0xBE
#define IMPORTER_ATTACH _IOWR(IMPORTER_TYPE, 0, struct importer_attach)
#define IMPORTER_DETACH _IO(IMPORTER_TYPE, 1) /* the id */
#define IMPORTER_MAP _IOWR(IMPORTER_TYPE, 2, struct importer_map)
#define IMPORTER_UNMAP _IO(IMPORTER_TYPE, 3) /* the id */
#define IMPORTER_PEEK _IOWR(IMPORTER_TYPE, 4, struct importer_peek)
#define IMPORTER_VMAP _IOWR(IMPORTER_TYPE, 5, struct importer_vmap)
#define IMPORTER_PTE_USER _IOWR(IMPORTER_TYPE, 6, struct importer_pte)
#define IMPORTER_PTE_DIRECT _IOWR(IMPORTER_TYPE, 7, struct importer_pte)
/* Remove the pages of a dma-buf from all user mappings; the argument is the fd. */
#define IMPORTER_ZAP _IO(IMPORTER_TYPE, 8)
#define IMPORTER_DMA_START _IOW(IMPORTER_TYPE, 9, struct importer_dma)
#define IMPORTER_DMA_WAIT _IO(IMPORTER_TYPE, 10) /* the id */
#define IMPORTER_DMA_PENDING _IO(IMPORTER_TYPE, 11) /* the id; 1: DMA is pending */
#define IMPORTER_FACTS _IOWR(IMPORTER_TYPE, 12, struct importer_facts)
#define IMPORTER_LIMIT _IOW(IMPORTER_TYPE, 13, struct importer_limit)
#define IMPORTER_TABLE _IOWR(IMPORTER_TYPE, 14, struct importer_table)
/*
 * Allocate write-combined memory for IMPORTER_DEVICE_64, with a kernel mapping, until the file is
 * closed. The argument is the number of MiB.
 */
#define IMPORTER_TAKE _IO(IMPORTER_TYPE, 15)
/* EOPNOTSUPP: on this architecture the type belongs to a mapping, and not to the memory. */
#define IMPORTER_DIRECT _IOR(IMPORTER_TYPE, 16, struct importer_direct)
/*
 * Lock the page at an address of the caller, so that tasks that need the page wait. The lock ends
 * when the file is closed, or with the address 0.
 */
#define IMPORTER_BUSY _IO(IMPORTER_TYPE, 17)
/* EINVAL: the device is neither IMPORTER_DEVICE_64 nor IMPORTER_DEVICE_32. */
#define IMPORTER_BUS _IOW(IMPORTER_TYPE, 24, struct importer_bus)
/*
 * Attach, map and unmap later: in the remove() of the device's driver, when the driver is unbound.
 */
#define IMPORTER_LATE _IOWR(IMPORTER_TYPE, 25, struct importer_attach)
/*
 * Detach the import with this id, then attach, map and unmap again. EBUSY: the device has a driver,
 * or the import is mapped.
 */
#define IMPORTER_DRIVERLESS _IO(IMPORTER_TYPE, 26)
/* Return: 1 if the page allocator clears each page (init_on_alloc, init_on_free), else 0. */
#define IMPORTER_CLEARS _IO(IMPORTER_TYPE, 27)

#endif /* _BUFALLOC_IMPORTER_H */

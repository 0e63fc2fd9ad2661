// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "lib/imports.h"

int importer_open(void)
{
	int fd = open("/dev/bufalloc-importer", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int call(int importer, unsigned long cmd, void *arg)
{
	int ret = ioctl(importer, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static int call_number(int importer, unsigned long cmd, long number)
{
	int ret = ioctl(importer, cmd, number);

	return ret < 0 ? -errno : ret;
}

static int attach(int importer, unsigned long cmd, int fd, uint32_t device)
{
	struct importer_attach arg = { .fd = fd, .device = device };
	int ret = call(importer, cmd, &arg);

	return ret < 0 ? ret : (int)arg.out_id;
}

int importer_attach(int importer, int fd, uint32_t device)
{
	return attach(importer, IMPORTER_ATTACH, fd, device);
}

int importer_attach_late(int importer, int fd, uint32_t device)
{
	return attach(importer, IMPORTER_LATE, fd, device);
}

int importer_attach_driverless(int importer, int id)
{
	return call_number(importer, IMPORTER_DRIVERLESS, id);
}

int importer_clears(int importer)
{
	return call_number(importer, IMPORTER_CLEARS, 0);
}

int importer_detach(int importer, int id)
{
	return call_number(importer, IMPORTER_DETACH, id);
}

int importer_map(int importer, int id, uint32_t direction,
		 struct importer_map *map)
{
	map->id = id;
	map->direction = direction;
	return call(importer, IMPORTER_MAP, map);
}

int importer_unmap(int importer, int id)
{
	return call_number(importer, IMPORTER_UNMAP, id);
}

int importer_peek(int importer, int id, uint64_t offset, uint64_t *value)
{
	struct importer_peek arg = { .id = id, .offset = offset };
	int ret = call(importer, IMPORTER_PEEK, &arg);

	*value = arg.out_value;
	return ret;
}

int importer_vmap(int importer, int fd, uint64_t offset,
		  struct importer_vmap *vmap)
{
	*vmap = (struct importer_vmap) { .fd = fd, .offset = offset };
	return call(importer, IMPORTER_VMAP, vmap);
}

int importer_vmap_bare(int importer, int fd)
{
	struct importer_vmap vmap = { .fd = fd, .bare = 1 };

	return call(importer, IMPORTER_VMAP, &vmap);
}

int importer_table(int importer, int id, struct importer_table *table)
{
	*table = (struct importer_table) { .id = id };
	return call(importer, IMPORTER_TABLE, table);
}

int importer_facts(int importer, uint32_t device, struct importer_facts *facts)
{
	*facts = (struct importer_facts) { .device = device };
	return call(importer, IMPORTER_FACTS, facts);
}

int importer_limit(int importer, uint32_t device, uint32_t bytes)
{
	struct importer_limit arg = { .device = device, .bytes = bytes };

	return call(importer, IMPORTER_LIMIT, &arg);
}

int importer_bus(int importer, uint32_t device, uint64_t boundary,
		 uint64_t shift)
{
	struct importer_bus arg = {
		.device = device,
		.boundary = boundary,
		.shift = shift,
	};

	return call(importer, IMPORTER_BUS, &arg);
}

int importer_dma_start(int importer, int id, uint32_t direction,
		       uint64_t offset, uint64_t length)
{
	struct importer_dma arg = {
		.id = id,
		.direction = direction,
		.offset = offset,
		.length = length,
	};

	return call(importer, IMPORTER_DMA_START, &arg);
}

int importer_dma_wait(int importer, int id)
{
	return call_number(importer, IMPORTER_DMA_WAIT, id);
}

int importer_dma_pending(int importer, int id)
{
	return call_number(importer, IMPORTER_DMA_PENDING, id);
}

int importer_dma_go_on(int importer, int id, uint32_t direction,
		       uint64_t offset, uint64_t length)
{
	int pending = importer_dma_pending(importer, id);

	if (pending)
		return pending < 0 ? pending : 0;
	return importer_dma_start(importer, id, direction, offset, length);
}

int importer_dma(int importer, int id, uint32_t direction, uint64_t offset,
		 uint64_t length)
{
	int ret;

	ret = importer_dma_start(importer, id, direction, offset, length);
	return ret ? ret : importer_dma_wait(importer, id);
}

int importer_zap(int importer, int fd)
{
	return call_number(importer, IMPORTER_ZAP, fd);
}

int importer_take(int importer, unsigned long mib)
{
	return call_number(importer, IMPORTER_TAKE, mib);
}

int importer_busy(int importer, const void *address)
{
	return call_number(importer, IMPORTER_BUSY, (unsigned long)address);
}

static int look(int importer, unsigned long cmd, uint64_t address,
		struct importer_pte *entry)
{
	*entry = (struct importer_pte) { .address = address };
	return call(importer, cmd, entry);
}

/* The entry of an address after an access: the first one can be what makes the entry. */
static int look_accessed(int importer, const void *address, struct importer_pte *entry)
{
	(void)*(const volatile unsigned char *)address;
	return look(importer, IMPORTER_PTE_USER, (uintptr_t)address, entry);
}

int user_memtype(int importer, const void *address)
{
	struct importer_pte entry;
	int ret = look_accessed(importer, address, &entry);

	return ret < 0 ? ret : (int)entry.out_memtype;
}

int64_t user_size(int importer, const void *address)
{
	struct importer_pte entry;
	int ret = look(importer, IMPORTER_PTE_USER, (uintptr_t)address, &entry);

	return ret < 0 ? ret : (int64_t)entry.out_size;
}

int64_t user_pfn(int importer, const void *address)
{
	struct importer_pte entry;
	int ret = look_accessed(importer, address, &entry);

	return ret < 0 ? ret : (int64_t)entry.out_pfn;
}

int direct_memtype(int importer, uint64_t pfn)
{
	struct importer_pte entry;
	int ret = look(importer, IMPORTER_PTE_DIRECT, pfn, &entry);

	return ret < 0 ? ret : (int)entry.out_memtype;
}

int64_t direct_size(int importer, uint64_t pfn)
{
	struct importer_pte entry;
	int ret = look(importer, IMPORTER_PTE_DIRECT, pfn, &entry);

	return ret < 0 ? ret : (int64_t)entry.out_size;
}

int64_t direct_typed(int importer)
{
	struct importer_direct arg;
	int ret = call(importer, IMPORTER_DIRECT, &arg);

	return ret < 0 ? ret : (int64_t)arg.out_typed;
}

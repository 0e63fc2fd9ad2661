// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "bufalloc.h"
#include "lib/edus.h"
#include "lib/guest.h"

void edus_find(int importer, struct edus *edus)
{
	uint32_t device;

	edus->count = 0;
	for (device = IMPORTER_DEVICE_EDU_0; device < IMPORTER_DEVICE_EDU_END; device++)
		if (!importer_facts(importer, device,
				    &edus->facts[edus->count]))
			edus->count++;
}

bool is_translated(const struct importer_facts *facts)
{
	return facts->out_kind == IMPORTER_DOMAIN_TRANSLATED;
}

unsigned int mask_bits(const struct importer_facts *facts)
{
	return facts->out_mask ? 64 - __builtin_clzll(facts->out_mask) : 0;
}

/* A translated device reaches all memory, by addresses that fit its mask. */
uint32_t edus_reaching(struct edus *edus)
{
	uint32_t dma_bits = 0;
	int i, kept = 0;

	for (i = 0; i < edus->count; i++) {
		const struct importer_facts *facts = &edus->facts[i];

		if (!is_translated(facts)) {
			if (mask_bits(facts) < 32)
				continue;
			if (mask_bits(facts) < 64)
				dma_bits = 32;
		}
		edus->facts[kept++] = *facts;
	}
	edus->count = kept;
	return dma_bits;
}

/*
 * Where each mapping has a type of its own, the kernel's stays cacheable: a device that
 * snoops needs write-back memory, and one that does not needs other memory, or syncs.
 */
bool device_takes(const struct importer_facts *facts, int device, int fd)
{
	struct bufalloc_query query;
	bool write_back;

	if (bufalloc_query(device, fd, &query))
		return false;
	if (query.out_caching == BUFALLOC_CACHING_CACHED ||
	    machine_types_memory())
		return true;
	write_back = query.out_memtype == BUFALLOC_MEMTYPE_WRITE_BACK;
	return write_back == !!facts->out_coherent;
}

void edus_taking(struct edus *edus, int device, int fd)
{
	int i, kept = 0;

	for (i = 0; i < edus->count; i++)
		if (device_takes(&edus->facts[i], device, fd))
			edus->facts[kept++] = edus->facts[i];
	edus->count = kept;
}

bool edus_may_leave_mapped(void)
{
	return access("/sys/kernel/debug/dma-api/error_count", F_OK) != 0;
}

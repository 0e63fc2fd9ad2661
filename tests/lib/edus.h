/* SPDX-License-Identifier: MIT */
/* The "edu" devices of this machine: real DMA, and what stands in its way. */
#ifndef TESTS_EDUS_H
#define TESTS_EDUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/imports.h"

struct edus {
	int count;
	struct importer_facts facts[IMPORTER_EDUS_MAX];
};

/* All of them, in their order. */
void edus_find(int importer, struct edus *edus);

bool is_translated(const struct importer_facts *facts);

/* Bits of the addresses that a device can use. */
unsigned int mask_bits(const struct importer_facts *facts);

/*
 * Take out those that no heap lies low enough for, and tell the dma_bits of
 * memory that the others reach; 0 for any.
 */
uint32_t edus_reaching(struct edus *edus);

/* Whether a device may map that buffer, which has its memory; errors say no. */
bool device_takes(const struct importer_facts *facts, int device, int fd);

/* Take out those that may not. */
void edus_taking(struct edus *edus, int device, int fd);

/*
 * Whether nobody minds a driver that leaves its device with something mapped. Where
 * the use of the DMA API is watched it is warned of, and that is right.
 */
bool edus_may_leave_mapped(void);

#endif /* TESTS_EDUS_H */

/* SPDX-License-Identifier: MIT */
/* Find the calls into KCOV that the compiler has inserted, in the file of the module. */
#ifndef FUZZ_SITES_H
#define FUZZ_SITES_H

#include <stdint.h>

/*
 * Find the addresses that KCOV reports, sorted. Code of .init and .exit does not count. Return: the
 * number of addresses; 0: the module is not instrumented.
 */
uint32_t sites_find(uint64_t *sites, uint32_t max);

/* Write the section of an address, and the offset in the section; "": in no section. */
void site_name(uint64_t site, char *text, int size);

#endif /* FUZZ_SITES_H */

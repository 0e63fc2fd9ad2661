/* SPDX-License-Identifier: MIT */
/* Where the compiler put its calls into KCOV, as the module's file tells. */
#ifndef FUZZ_SITES_H
#define FUZZ_SITES_H

#include <stdint.h>

/*
 * Addresses that KCOV will tell, sorted: those of the code that is there while the
 * module is. Their number, 0 where it is not instrumented.
 */
uint32_t sites_find(uint64_t *sites, uint32_t max);

/* The same for one of them: its section and where it is in it; "" for none. */
void site_name(uint64_t site, char *text, int size);

#endif /* FUZZ_SITES_H */

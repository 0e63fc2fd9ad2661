/* SPDX-License-Identifier: MIT */
/*
 * Where a program's memory is: mappings of buffers, each in a window of its own,
 * and what calls point to, in good places and in bad ones. All addresses are fixed,
 * so that no stray munmap() hits what the fuzzer itself needs.
 */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL
#define WINDOW (8UL << 20)

/* What a thread's call points to. */
enum role {
	ROLE_CALL,
	ROLE_REQUESTS,
	ROLE_RESULTS,
	ROLES,
};

/* Bytes for each. */
#define AREA (128UL << 10)

enum place {
	PLACE_PLAIN,
	PLACE_AT_END, /* the next byte is not mapped */
	PLACE_CUT, /* its second half is not */
	PLACE_READ_ONLY,
	PLACE_HALF_READ_ONLY,
	PLACE_NULL,
	PLACE_KERNEL,
	PLACE_TOP, /* it would go on at address zero */
	PLACE_MAPPING, /* in a mapping of a buffer */
	PLACE_REQUESTS, /* over the requests */
	PLACE_CALL, /* over the call itself */
	PLACES,
};

/* Once for each process that runs programs. Returns 0 or a negative errno. */
int memory_create(void);

/* The same for each of its threads, before it runs any. */
void memory_enter(unsigned int thread);

/* All mappings of buffers. */
void memory_clear(void);

/* The start of the window of a mapping. */
unsigned char *window(uint64_t slot);

/* Copies @data, as far as it can be, and tells the address. */
uint64_t place_put(enum role role, uint64_t place, const void *data,
		   size_t size);

/* Where that is for PLACE_PLAIN. */
void *place_plain(enum role role);

/* False where memory is not there, or is no longer. */
bool memory_copy(void *to, const void *from, size_t size);

#endif /* FUZZ_MEMORY_H */

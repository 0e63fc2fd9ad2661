/* SPDX-License-Identifier: MIT */
/*
 * The memory of a program. Each mapping of a buffer has its own window. The arguments of calls
 * point to areas, at good and at bad addresses. All addresses are fixed, so that no munmap() of a
 * program hits memory of the fuzzer.
 */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL
#define WINDOW (8UL << 20)

/* The object that an address in a call points to. Each thread has an area for each role. */
enum role {
	ROLE_CALL,
	ROLE_REQUESTS,
	ROLE_RESULTS,
	ROLES,
};

/* Bytes of an area. */
#define AREA (128UL << 10)

enum place {
	PLACE_PLAIN,
	PLACE_AT_END, /* the next byte is not mapped */
	PLACE_CUT, /* the second half is not mapped */
	PLACE_READ_ONLY,
	PLACE_HALF_READ_ONLY,
	PLACE_NULL,
	PLACE_KERNEL,
	PLACE_TOP, /* the address overflows in the middle */
	PLACE_MAPPING, /* in a mapping of a buffer */
	PLACE_REQUESTS, /* overwrites the requests */
	PLACE_CALL, /* overwrites the structure of the call */
	PLACES,
};

/* Call once in each process that runs programs. Return: 0 or a negative errno. */
int memory_create(void);

/* Call once in each thread, before it runs programs. */
void memory_enter(unsigned int thread);

/* Unmap all windows. */
void memory_clear(void);

/* The start of the window of a mapping. */
unsigned char *window(uint64_t slot);

/* Copy as much of @data to a place as can be written. Return: the address. */
uint64_t place_put(enum role role, uint64_t place, const void *data,
		   size_t size);

/* Return: the address of PLACE_PLAIN. */
void *place_plain(enum role role);

/* Copy bytes. Return: false if an address is not mapped, or is unmapped meanwhile. */
bool memory_copy(void *to, const void *from, size_t size);

#endif /* FUZZ_MEMORY_H */

/* SPDX-License-Identifier: MIT */
/* Buffers as the tests ask for them: one line where the library takes four. */
#ifndef TESTS_BUFFERS_H
#define TESTS_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bufalloc.h>

#define KIB 1024UL
#define MIB (1024UL * KIB)
#define GIB (1024UL * MIB)

/* The whole of a buffer that was mapped. */
struct mapping {
	unsigned char *bytes;
	size_t length;
};

struct bufalloc_request request_of(size_t length, uint32_t caching);

/* A file descriptor, or a negative errno. */
int buffer_open(int device, size_t length, uint32_t caching);
int buffer_open_contiguous(int device, size_t length, uint32_t caching);

/* Of more than one segment: -ENOSPC where pages always lie side by side. */
int buffer_open_scattered(int device, const struct bufalloc_request *request);

/* 0 or a negative errno. */
int buffer_map(int fd, struct mapping *mapping);
void buffer_unmap(struct mapping *mapping);

bool mapping_is(const struct mapping *mapping, unsigned char byte);

/* Fill @total bytes of memory through buffers, and give it back dirty. */
int memory_dirty(int device, uint32_t caching, size_t length, size_t total,
		 unsigned char byte);

uint64_t client_bytes(int device);

/* How often devices could not map it, and why the last one could not. */
int buffer_refusals(int device, int fd, uint32_t *reason);

#endif /* TESTS_BUFFERS_H */

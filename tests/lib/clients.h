/* SPDX-License-Identifier: MIT */
/* What the tests on drivers of others have in common. */
#ifndef TESTS_CLIENTS_H
#define TESTS_CLIENTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A buffer for devices that address 32 bits, as cirrus and vivid's dma-contig
 * do, with BUFALLOC_ALLOC_* flags: a file descriptor, or a negative errno.
 */
int buffer_open_low(int device, size_t length, uint32_t caching,
		    uint32_t flags);

/* The same for each file descriptor of one dma-buf. */
ino_t inode(int fd);

/* How many devices are attached to a buffer, or a negative errno. */
int attachments(int device, int fd);

#endif /* TESTS_CLIENTS_H */

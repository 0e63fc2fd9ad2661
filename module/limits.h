/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_LIMITS_H
#define _BUFALLOC_LIMITS_H

#include <linux/sizes.h>

/* The largest chunk that the page allocator is asked for. */
#define CHUNK_MAX SZ_4M

/* A large page of the kernel's own mapping. */
#define LARGE_PAGE SZ_2M

/* A segment fits the length field of a scatterlist entry. */
#define SEGMENT_MAX SZ_1G

#endif /* _BUFALLOC_LIMITS_H */

// SPDX-License-Identifier: MIT
/* Random values of arguments: mostly valid, sometimes at the edge of validity, or absurd. */
#include <fcntl.h>
#include <sys/mman.h>

#include <bufalloc.h>

#include "fuzz/arena.h"
#include "fuzz/calls.h"
#include "fuzz/memory.h"

static const int pools[KINDS] = {
	[DEVICE] = POOL_DEVICE,
	[BUFFER] = POOL_BUFFER,
	[IMPORTER] = POOL_IMPORTER,
	[FENCE] = POOL_FENCE,
	[OTHER] = POOL_OTHER,
	[DRM] = POOL_DRM,
	[ATTACHMENT] = POOL_ATTACHMENT,
	[HANDLE] = POOL_HANDLE,
	[MAPPING] = POOL_MAPPING,
};

int kind_pool(enum kind kind)
{
	if (kind >= NEW_DEVICE && kind <= NEW_MAPPING)
		return pools[kind - NEW_DEVICE + DEVICE];
	if (kind >= DEVICE && kind <= MAPPING)
		return pools[kind];
	return -1;
}

bool kind_fills(enum kind kind)
{
	return kind >= NEW_DEVICE && kind <= NEW_MAPPING;
}

/* Numbers at the edge of a range, where the meaning changes. */
static uint64_t edge(struct random *random)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		3,
		12,
		32,
		47,
		48,
		64,
		PAGE - 1,
		PAGE,
		PAGE + 1,
		1ULL << 31,
		(1ULL << 32) - 1,
		1ULL << 32,
		1ULL << 63,
		UINT64_MAX - PAGE + 1,
		UINT64_MAX,
	};
	uint64_t number = edges[random_below(random, ARRAY_SIZE(edges))];

	switch (random_below(random, 8)) {
	case 0:
		return 1ULL << random_below(random, 64);
	case 1:
		return (1ULL << random_below(random, 64)) - 1;
	case 2:
		return random_next(random);
	default:
		return number;
	}
}

/* Mostly a number below @usual, seldom any number. */
static uint64_t few(struct random *random, uint64_t usual)
{
	if (random_once_in(random, 24))
		return edge(random);
	return random_below(random, usual);
}

/* Mostly zero. */
static uint64_t seldom(struct random *random, uint64_t limit)
{
	if (!random_once_in(random, 10))
		return 0;
	return random_below(random, limit);
}

/* Some of the bits of @usual, seldom any number. */
static uint64_t bits(struct random *random, uint64_t usual)
{
	if (random_once_in(random, 24))
		return edge(random);
	return random_next(random) & usual;
}

static uint64_t length(struct random *random)
{
	/* Large buffers take the most time, so they are rare. */
	switch (random_below(random, 256)) {
	case 0 ... 9:
		return edge(random);
	case 10:
		return 2ULL << 20;
	case 11:
		return random_below(random, 2ULL << 20);
	case 12 ... 25:
		return random_below(random, 256 * 1024);
	default:
		return PAGE * (1 + random_below(random, 6));
	}
}

static uint64_t span(struct random *random)
{
	switch (random_below(random, 12)) {
	case 0:
		return edge(random);
	case 1:
		return WINDOW >> random_below(random, 4);
	default:
		return PAGE * (1 + random_below(random, 16));
	}
}

static uint64_t count(struct random *random)
{
	/* Many buffers take much time, so large counts are rare. */
	switch (random_below(random, 96)) {
	case 0:
		return random_below(random, BUFALLOC_MAX_BATCH + 2);
	case 1:
		return 64;
	case 2:
		return 0;
	case 3 ... 15:
		return 2 + random_below(random, 6);
	default:
		return 1;
	}
}

static uint64_t dma_bits(struct random *random)
{
	static const uint64_t usual[] = { 12, 24, 28, 31, 32, 33, 40, 64 };

	if (!random_once_in(random, 3))
		return 0;
	if (random_once_in(random, 4))
		return few(random, 70);
	return usual[random_below(random, ARRAY_SIZE(usual))];
}

static uint64_t alignment(struct random *random)
{
	if (!random_once_in(random, 4))
		return 0;
	if (random_once_in(random, 6))
		return edge(random);
	return PAGE << random_below(random, random_once_in(random, 16) ? 11 : 6);
}

static uint64_t padding(struct random *random)
{
	if (!random_once_in(random, 6))
		return 0;
	return random_once_in(random, 6) ? edge(random) :
					   random_below(random, 32 * 1024);
}

static uint64_t part(struct random *random)
{
	switch (random_below(random, 8)) {
	case 0:
		return edge(random);
	case 1:
		return random_below(random, 6ULL << 20);
	case 2:
		return PAGE * random_below(random, 16);
	default:
		return random_below(random, 64 * 1024);
	}
}

static uint64_t heap(struct random *random)
{
	if (random_once_in(random, 2))
		return BUFALLOC_HEAP_ANY;
	return few(random, 3);
}

static uint64_t limit(struct random *random)
{
	if (random_once_in(random, 2))
		return UINT32_MAX;
	return PAGE * random_below(random, 32) + random_below(random, 2);
}

static uint64_t buffer_command(struct random *random)
{
	uint64_t direction = random_below(random, 4);

	return _IOC(direction, DMA_BUF_BASE, random_below(random, 5),
		    random_below(random, 24));
}

uint64_t kind_random(enum kind kind, struct random *random)
{
	switch (kind) {
	case POOL_OF_FDS:
		return random_once_in(random, 12) ?
			       random_below(random, POOL_FDS + 1) :
			       POOL_BUFFER;
	case PLACE:
		return seldom(random, PLACES);
	case SPOIL:
		return seldom(random, 40);
	case VALUE:
		return edge(random);
	case LONGER:
		return random_once_in(random, 16) ? 8 * random_below(random, 515) :
						    seldom(random, 64);
	case COUNT:
		return count(random);
	case LENGTH:
		return length(random);
	case SPAN:
		return span(random);
	case PAGE_NR:
		return random_once_in(random, 12) ? edge(random) :
						    seldom(random, 2048);
	case OFFSET:
		return random_once_in(random, 12) ? edge(random) :
						    8 * random_below(random, 8192);
	case CACHING:
		return few(random, 3);
	case ALLOC_FLAGS:
		return random_once_in(random, 2) ? 0 : bits(random, 31);
	case FD_FLAGS:
		return random_once_in(random, 24) ? edge(random) :
		       random_once_in(random, 8)  ? O_RDONLY :
						    O_RDWR | O_CLOEXEC;
	case OPEN_FLAGS:
		return random_below(random, 32);
	case HEAP:
		return heap(random);
	case DMA_BITS:
		return dma_bits(random);
	case SEGMENTS:
		return random_once_in(random, 6) ? few(random, 8) : 0;
	case ALIGNMENT:
		return alignment(random);
	case PADDING:
		return padding(random);
	case USER_ADDRESS:
		return arena_address(random);
	case NEED:
		return few(random, 2);
	case PART:
		return part(random);
	case COMMAND:
		return random_once_in(random, 4) ? edge(random) :
						   _IO(BUFALLOC_IOC_TYPE, random_below(random, 8));
	case BUFFER_COMMAND:
		return random_once_in(random, 4) ? edge(random) :
						   buffer_command(random);
	case SYNC_FLAGS:
		return bits(random, DMA_BUF_SYNC_VALID_FLAGS_MASK);
	case FENCE_FLAGS:
		return bits(random, DMA_BUF_SYNC_RW);
	case PROT:
		return bits(random, random_once_in(random, 8) ?
					    PROT_READ | PROT_WRITE | PROT_EXEC :
					    PROT_READ | PROT_WRITE);
	case MAP_FLAGS:
		return seldom(random, 16);
	case REMAP_FLAGS:
		return random_below(random, 8);
	case ADVICE:
		return random_below(random, 30);
	case DIRECTION:
		return few(random, 4);
	case PORT:
		return few(random, 5);
	case LIMIT:
		return limit(random);
	case NTH:
		return 1 + random_below(random, random_once_in(random, 4) ? 100 : 12);
	case WHICH:
	default:
		return random_below(random, 16);
	}
}

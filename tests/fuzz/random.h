/* SPDX-License-Identifier: MIT */
/* Pseudo-random numbers. A seed gives the same numbers on every machine. */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

struct random {
	uint64_t state;
};

static inline struct random random_from(uint64_t seed, uint64_t round)
{
	return (struct random) { seed * 0x9e3779b97f4a7c15ULL + round };
}

/* splitmix64. Each state is valid, so each seed is valid. */
static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_next(random) % limit;
}

/* Return: true once in @times calls, on average. */
static inline bool random_once_in(struct random *random, uint64_t times)
{
	return random_below(random, times) == 0;
}

#endif /* FUZZ_RANDOM_H */

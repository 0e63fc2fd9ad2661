// SPDX-License-Identifier: MIT
/* Names of cachings, for the option --caching. */
#include <string.h>

#include "tool.h"

static const struct {
	uint32_t caching;
	const char *meaning;
} cachings[] = {
	{ BUFALLOC_CACHING_WC, "never cacheable: fast writes, slow reads (the default)" },
	{ BUFALLOC_CACHING_COHERENT, "never needs a sync, cacheable or not" },
	{ BUFALLOC_CACHING_CACHED, "cacheable: fast reads, synced around CPU access" },
};

bool parse_caching(const char *name, uint32_t *caching)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cachings); i++) {
		if (!strcmp(name, bufalloc_caching_string(cachings[i].caching))) {
			*caching = cachings[i].caching;
			return true;
		}
	}
	return false;
}

void list_cachings(FILE *out, const char *indent)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cachings); i++)
		fprintf(out, "%s%-9s %s\n", indent,
			bufalloc_caching_string(cachings[i].caching), cachings[i].meaning);
}

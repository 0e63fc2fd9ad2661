// SPDX-License-Identifier: MIT
/* Read numbers and sizes of the command line, and write sizes with a unit. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static bool parse_prefix(const char *text, uint64_t *number, char **rest)
{
	/* strtoull() takes a sign and blanks; a number here has neither. */
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*number = strtoull(text, rest, 0);
	return !errno;
}

bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *rest;

	return parse_prefix(text, number, &rest) && !*rest && *number <= max;
}

bool parse_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	unsigned int shift;
	uint64_t number;
	char *rest;

	if (!parse_prefix(text, &number, &rest))
		return false;
	if (!*rest) {
		*bytes = number;
		return true;
	}
	suffix = strchr(suffixes, toupper((unsigned char)rest[0]));
	if (!suffix || rest[1])
		return false;
	shift = 10 * (suffix - suffixes + 1);
	if (number > UINT64_MAX >> shift)
		return false;
	*bytes = number << shift;
	return true;
}

char *human_size(char *buffer, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = bytes;
	size_t unit = 0;

	while (value >= 1024 && unit < ARRAY_SIZE(units) - 1) {
		value /= 1024;
		unit++;
	}
	snprintf(buffer, HUMAN_LEN, value == (uint64_t)value ? "%.0f %s" : "%.1f %s",
		 value, units[unit]);
	return buffer;
}

// SPDX-License-Identifier: MIT
/* The only room of the demo that keeps a global: the count is the program's. */
#include <stdarg.h>
#include <stdio.h>

#include "check.h"

static unsigned int points, failures;

void tell(const char *format, ...)
{
	va_list arguments;

	fputs("# ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

bool check(bool good, const char *format, ...)
{
	va_list arguments;

	points++;
	failures += !good;
	printf("%sok %u - ", good ? "" : "not ", points);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	return good;
}

unsigned int check_finish(void)
{
	printf("1..%u\n", points);
	fflush(stdout);
	return failures;
}

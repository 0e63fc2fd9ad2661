/* SPDX-License-Identifier: MIT */
/* The module's limits of what may be held, which tests change and put back. */
#ifndef TESTS_QUOTAS_H
#define TESTS_QUOTAS_H

enum quota {
	USER_BYTES,
	USER_BUFFERS,
	SYSTEM_BYTES,
	SYSTEM_BUFFERS,
	QUOTAS
};

struct quotas {
	unsigned long long max[QUOTAS];
};

/* Each is 0 or a negative errno. */
int quotas_read(struct quotas *quotas);
int quotas_write(const struct quotas *quotas);

/* No limits, for tests of what stops them otherwise; @before is to be written back. */
int quotas_lift(struct quotas *before);

#endif /* TESTS_QUOTAS_H */

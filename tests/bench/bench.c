// SPDX-License-Identifier: MIT
/*
 * Measures each operation beside its peer, one after the other and again, and prints one line of
 * JSON for each: tests/bench/run makes a table of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bufalloc.h>

#include "bench/bench.h"
#include "demo/display.h"
#include "kselftest_harness.h"
#include "lib/edus.h"
#include "lib/imports.h"
#include "lib/quotas.h"

#define PATIENCE (24 * 60 * 60)
/* Until then the kernel checks keys in a worker. */
#define QUIET_SECONDS 60
#define ROUNDS_MAX 64

FIXTURE(bench)
{
	struct machine machine;
	struct quotas quotas;
};

FIXTURE_SETUP(bench)
{
	struct rlimit files = { .rlim_cur = 1 << 16, .rlim_max = 1 << 16 };
	struct edus edus;

	ASSERT_EQ(0, quotas_lift(&self->quotas));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	self->machine.device = bufalloc_open(NULL);
	ASSERT_LE(0, self->machine.device);
	self->machine.importer = importer_open();
	ASSERT_LE(0, self->machine.importer);
	self->machine.heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->machine.heap);
	self->machine.vgem = display_find("vgem");
	edus_find(self->machine.importer, &edus);
	self->machine.edu = -1;
	if (edus.count && edus.facts[0].out_kind == IMPORTER_DOMAIN_TRANSLATED)
		self->machine.edu = edus.facts[0].device;
	sleep(QUIET_SECONDS);
}

FIXTURE_TEARDOWN(bench)
{
	quotas_write(&self->quotas);
	close(self->machine.vgem);
	close(self->machine.heap);
	close(self->machine.importer);
	bufalloc_close(self->machine.device);
}

static int compare(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

static int64_t median(int64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void report(const struct operation *operation, int64_t ours, int64_t peer)
{
	double ratio = peer > 0 ? (double)ours / peer : 0;
	double reached = operation->absolute ? ours : ratio;

	printf("# {\"id\": \"%s\", \"operation\": \"%s\", \"bytes\": %zu, \"caching\": \"%s\", ",
	       operation->id, operation->name, operation->bytes,
	       bufalloc_caching_string(operation->caching));
	printf("\"ours\": %lld, ", (long long)ours);
	if (peer > 0)
		printf("\"peer\": %lld, \"peer_name\": \"%s\", \"ratio\": %.4f, ",
		       (long long)peer, operation->peer_name, ratio);
	else
		printf("\"peer\": null, \"peer_name\": null, \"ratio\": null, ");
	printf("\"goal\": %.4f, \"goal_of\": \"%s\", \"met\": %s}\n", operation->goal,
	       operation->absolute ? "ours" : "ratio",
	       reached <= operation->goal ? "true" : "false");
	fflush(stdout);
}

/* 0, or the error of an operation. What this machine has not, for one an IOMMU, is left out. */
static int measure(const struct machine *machine, const struct operation *operation)
{
	int64_t ours[ROUNDS_MAX], peer[ROUNDS_MAX];
	unsigned int i;

	for (i = 0; i < operation->rounds; i++) {
		ours[i] = operation->run(machine, operation);
		peer[i] = operation->peer ? operation->peer(machine, operation) : 0;
		if (ours[i] == -ENODEV || peer[i] == -ENODEV)
			return 0;
		if (ours[i] < 0)
			return ours[i];
		if (peer[i] < 0)
			return peer[i];
	}
	report(operation, median(ours, i), median(peer, i));
	return 0;
}

TEST_F_TIMEOUT(bench, operations_are_measured, PATIENCE)
{
	struct operation operation;
	unsigned int i;
	int ret;

	for (i = 0; i < alloc_operations_count + operations_count; i++) {
		operation = i < alloc_operations_count ? alloc_operation(i) :
							 operations[i - alloc_operations_count];
		ret = measure(&self->machine, &operation);
		EXPECT_EQ(0, ret);
		if (ret)
			TH_LOG("%s %s of %zu bytes", operation.id, operation.name,
			       operation.bytes);
	}
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * Every failure path of what brings memory to buffers that were allocated without it:
 * see failures.c. A COMMIT that fails leaves each as it was. A mapping that fails may
 * have brought the memory, all of it or nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/faults.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/sweep.h"

/*
 * Not one chunk, and on x86 a block and a piece of another: where one cannot be had,
 * others are. And one page, instead of which there is nothing else.
 */
#define LONG (3 * MIB)
#define PAGE 4096UL

#define MOST 3

/* Buffers that are used for the first time, again and again. */
struct late {
	int device;
	int importer;
	uint32_t caching;
	const char *variant;
	size_t length;
	uint32_t count;
	int fds[MOST];
	/* They have their memory before. */
	bool backed;
	/* Of all clients, before it is used. */
	long bytes;
	bool attached;
	int id;
	uint32_t port;
	void *mapping;
	/* A failure left what it must not, or was told wrongly. */
	bool broken;
	/* The reasons that were told, a bit for each. */
	unsigned int told;
	char name[64];
};

static int late_open(struct late *late, const char *variant, uint32_t caching)
{
	int ret = faults_open();

	if (ret)
		return ret;
	late->variant = variant;
	late->caching = caching;
	late->length = LONG;
	late->count = 1;
	late->importer = importer_open();
	late->device = bufalloc_open(NULL);
	if (late->importer < 0)
		return late->importer;
	return late->device < 0 ? late->device : 0;
}

static void late_close(struct late *late)
{
	bufalloc_close(late->device);
	close(late->importer);
	faults_close();
}

FIXTURE(late)
{
	struct late late;
};

FIXTURE_VARIANT(late)
{
	const char *name;
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(late, wc) {
	.name = "wc",
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(late, coherent) {
	.name = "coherent",
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(late, cached) {
	.name = "cached",
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(late)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	ASSERT_EQ(0, late_open(&self->late, variant->name, variant->caching));
}

FIXTURE_TEARDOWN(late)
{
	EXPECT_FALSE(self->late.broken);
	late_close(&self->late);
}

static void must(struct late *late, bool holds)
{
	if (!holds)
		late->broken = true;
}

static const char *named(struct late *late, const char *what)
{
	snprintf(late->name, sizeof(late->name), "%s-%s", what, late->variant);
	return late->name;
}

static bool is_backed(const struct late *late, int fd)
{
	struct bufalloc_query query;

	return !bufalloc_query(late->device, fd, &query) &&
	       query.out_state & BUFALLOC_STATE_BACKED;
}

static bool all_are(const struct late *late, bool backed)
{
	uint32_t i;

	for (i = 0; i < late->count; i++)
		if (is_backed(late, late->fds[i]) != backed)
			return false;
	return true;
}

static int prepare(void *of)
{
	struct late *late = of;
	struct bufalloc_request request = request_of(late->length, late->caching);
	struct bufalloc_result result;
	uint32_t i;
	int ret;

	if (!late->backed)
		request.flags = BUFALLOC_ALLOC_DEFERRED;
	for (i = 0; i < late->count; i++) {
		ret = bufalloc_alloc(late->device, &request, &result, NULL);
		if (ret)
			return ret;
		late->fds[i] = result.fd;
	}
	if (late->attached) {
		late->id = importer_attach(late->importer, late->fds[0],
					   late->port);
		if (late->id < 0)
			return late->id;
	}
	late->bytes = live_bytes();
	return 0;
}

static void finish(void *of)
{
	struct late *late = of;
	uint32_t i;

	if (late->attached)
		must(late, !importer_detach(late->importer, late->id));
	for (i = 0; i < late->count; i++)
		close(late->fds[i]);
}

/* What was used has its memory for good: others that have none take its place. */
static void start_anew(void *of)
{
	finish(of);
	must(of, !prepare(of));
}

static bool is_told(const struct late *late, uint32_t failed, uint32_t reason)
{
	if (reason == BUFALLOC_REASON_NONE)
		return failed == late->count;
	return failed < late->count && reason == BUFALLOC_REASON_MEMORY;
}

static int run_commit(void *of)
{
	struct late *late = of;
	uint32_t failed, reason;
	int ret;

	ret = bufalloc_commit(late->device, late->fds, late->count, &failed,
			      &reason);
	if (!ret)
		return 0;
	must(late, is_told(late, failed, reason));
	must(late, all_are(late, late->backed));
	must(late, live_bytes() == late->bytes);
	late->told |= 1U << reason;
	return ret;
}

static void undo_commit(void *of)
{
	struct late *late = of;

	must(late, all_are(late, true));
	start_anew(late);
}

static void sweep_commit(struct __test_metadata *_metadata, struct late *late,
			 const char *what)
{
	struct operation operation = {
		.name = named(late, what),
		.prepare = prepare,
		.run = run_commit,
		.undo = undo_commit,
		.finish = finish,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, late, late->importer);
	EXPECT_TRUE(late->told & 1U << BUFALLOC_REASON_NONE);
}

TEST_F_TIMEOUT(late, commit_of_one, PATIENCE)
{
	sweep_commit(_metadata, &self->late, "commit-1");
}

TEST_F_TIMEOUT(late, commit_of_three, PATIENCE)
{
	self->late.count = 3;
	sweep_commit(_metadata, &self->late, "commit-3");
}

/* On x86 a write-combined page comes from a block, or else from elsewhere. */
static bool has_no_other(const struct late *late)
{
	return !machine_types_memory() ||
	       late->caching != BUFALLOC_CACHING_WC;
}

TEST_F_TIMEOUT(late, commit_of_three_pages, PATIENCE)
{
	self->late.count = 3;
	self->late.length = PAGE;
	sweep_commit(_metadata, &self->late, "commit-3-pages");
	EXPECT_EQ(has_no_other(&self->late),
		  !!(self->late.told & 1U << BUFALLOC_REASON_MEMORY));
}

/* Nothing is taken for it, and it keeps what it has. */
TEST_F_TIMEOUT(late, commit_of_one_that_has_memory, PATIENCE)
{
	self->late.backed = true;
	sweep_commit(_metadata, &self->late, "commit-backed");
	EXPECT_EQ(1U << BUFALLOC_REASON_NONE, self->late.told);
}

/* All of it or nothing; then as before, for who compares. */
static int first_use_failed(struct late *late, int ret)
{
	if (is_backed(late, late->fds[0]))
		must(late, live_bytes() >= late->bytes + (long)late->length);
	else
		must(late, live_bytes() == late->bytes);
	start_anew(late);
	return ret;
}

/* The core may fail after us: it was no refusal of ours then. */
static void note_refusal(struct late *late)
{
	uint32_t reason;

	if (buffer_refusals(late->device, late->fds[0], &reason) > 0)
		late->told |= 1U << reason;
}

static int run_map(void *of)
{
	static struct importer_map map;
	struct late *late = of;
	int ret;

	ret = importer_map(late->importer, late->id, IMPORTER_TO_DEVICE, &map);
	if (!ret)
		return 0;
	note_refusal(late);
	return first_use_failed(late, ret);
}

static void undo_map(void *of)
{
	struct late *late = of;

	must(late, all_are(late, true));
	must(late, !importer_unmap(late->importer, late->id));
	start_anew(late);
}

static void sweep_first_map(struct __test_metadata *_metadata,
			    struct late *late, const char *what)
{
	struct operation operation = {
		.name = named(late, what),
		.prepare = prepare,
		.run = run_map,
		.undo = undo_map,
		.finish = finish,
		.errors = { ENOMEM },
	};

	late->attached = true;
	SWEEP(&operation, late, late->importer);
	EXPECT_EQ(0, late->told & ~(1U << BUFALLOC_REASON_MEMORY |
				    1U << BUFALLOC_REASON_MAPPING));
}

/* Memory that the debugging of the DMA API has not seen before takes a record. */
FIXTURE(late_map)
{
	struct late late;
};

FIXTURE_VARIANT(late_map)
{
	const char *name;
	uint32_t caching;
	uint32_t port;
};

FIXTURE_VARIANT_ADD(late_map, wc) {
	.name = "wc",
	.caching = BUFALLOC_CACHING_WC,
	.port = IMPORTER_DEVICE_64,
};

FIXTURE_VARIANT_ADD(late_map, coherent) {
	.name = "coherent",
	.caching = BUFALLOC_CACHING_COHERENT,
	.port = IMPORTER_DEVICE_64,
};

FIXTURE_VARIANT_ADD(late_map, cached) {
	.name = "cached",
	.caching = BUFALLOC_CACHING_CACHED,
	.port = IMPORTER_DEVICE_64,
};

FIXTURE_VARIANT_ADD(late_map, edu_coherent) {
	.name = "edu-coherent",
	.caching = BUFALLOC_CACHING_COHERENT,
	.port = IMPORTER_DEVICE_EDU_0,
};

FIXTURE_VARIANT_ADD(late_map, edu_cached) {
	.name = "edu-cached",
	.caching = BUFALLOC_CACHING_CACHED,
	.port = IMPORTER_DEVICE_EDU_0,
};

FIXTURE_SETUP(late_map)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	if (machine_judges_segments())
		SKIP(return, "a record that fails ends that debugging");
	ASSERT_EQ(0, late_open(&self->late, variant->name, variant->caching));
	self->late.port = variant->port;
}

FIXTURE_TEARDOWN(late_map)
{
	EXPECT_FALSE(self->late.broken);
	late_close(&self->late);
}

TEST_F_TIMEOUT(late_map, first, PATIENCE)
{
	sweep_first_map(_metadata, &self->late, "first-map");
}

TEST_F_TIMEOUT(late_map, first_of_a_page, PATIENCE)
{
	self->late.length = PAGE;
	/* For whom one run is nothing better, it is not tried twice. */
	ASSERT_EQ(0, importer_limit(self->late.importer, variant->port, PAGE));
	sweep_first_map(_metadata, &self->late, "first-map-page");
	EXPECT_EQ(has_no_other(&self->late),
		  !!(self->late.told & 1U << BUFALLOC_REASON_MEMORY));
}

static int run_mmap(void *of)
{
	struct late *late = of;

	late->mapping = mmap(NULL, late->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			     late->fds[0], 0);
	return late->mapping == MAP_FAILED ? first_use_failed(late, -errno) : 0;
}

static void undo_mmap(void *of)
{
	struct late *late = of;

	must(late, all_are(late, true));
	munmap(late->mapping, late->length);
	start_anew(late);
}

TEST_F_TIMEOUT(late, first_mmap, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->late, "first-mmap"),
		.prepare = prepare,
		.run = run_mmap,
		.undo = undo_mmap,
		.finish = finish,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->late, self->late.importer);
}

static int run_vmap(void *of)
{
	struct late *late = of;
	int ret;

	ret = importer_vmap_bare(late->importer, late->fds[0]);
	return ret ? first_use_failed(late, ret) : 0;
}

static void undo_vmap(void *of)
{
	must(of, all_are(of, true));
	start_anew(of);
}

TEST_F_TIMEOUT(late, first_vmap, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->late, "first-vmap"),
		.prepare = prepare,
		.run = run_vmap,
		.undo = undo_vmap,
		.finish = finish,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->late, self->late.importer);
}

TEST_HARNESS_MAIN

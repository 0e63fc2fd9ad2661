// SPDX-License-Identifier: MIT
/*
 * Every failure path of what is done with the device and with a buffer: see
 * failures.c. IOVAs that run out and mappings that a device refuses cannot be had
 * this way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/faults.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/sweep.h"

#define LENGTH (5 * MIB)
#define RW (PROT_READ | PROT_WRITE)
#define PAGE 4096UL

/* What is done with the device and with a buffer. */
struct use {
	int device;
	int importer;
	const char *variant;
	int fd;
	int id;
	int other;
	uint32_t port;
	uint32_t direction;
	struct mapping mapping;
	unsigned char *target;
	/* Something that should work with no fault did not. */
	bool broken;
	/* Why devices could not map it, a bit for each reason. */
	unsigned int told;
	char name[64];
};

FIXTURE(buffer)
{
	struct use use;
};

FIXTURE_VARIANT(buffer)
{
	const char *name;
	uint32_t caching;
};

FIXTURE_VARIANT_ADD(buffer, wc) {
	.name = "wc",
	.caching = BUFALLOC_CACHING_WC,
};

FIXTURE_VARIANT_ADD(buffer, coherent) {
	.name = "coherent",
	.caching = BUFALLOC_CACHING_COHERENT,
};

FIXTURE_VARIANT_ADD(buffer, cached) {
	.name = "cached",
	.caching = BUFALLOC_CACHING_CACHED,
};

FIXTURE_SETUP(buffer)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	if (variant->caching == BUFALLOC_CACHING_WC && !machine_has_wc())
		SKIP(return, "no write-combining on this machine");
	self->use.variant = variant->name;
	ASSERT_EQ(0, faults_open());
	self->use.importer = importer_open();
	ASSERT_LE(0, self->use.importer);
	self->use.device = bufalloc_open(NULL);
	ASSERT_LE(0, self->use.device);
	self->use.fd = buffer_open(self->use.device, LENGTH, variant->caching);
	ASSERT_LE(0, self->use.fd);
}

FIXTURE_TEARDOWN(buffer)
{
	EXPECT_FALSE(self->use.broken);
	close(self->use.fd);
	bufalloc_close(self->use.device);
	close(self->use.importer);
	faults_close();
}

static const char *named(struct use *use, const char *what)
{
	snprintf(use->name, sizeof(use->name), "%s-%s", what, use->variant);
	return use->name;
}

static void must(struct use *use, int ret)
{
	if (ret < 0)
		use->broken = true;
}

static int attach(struct use *use, int *id)
{
	*id = importer_attach(use->importer, use->fd, use->port);
	return *id;
}

static int run_attach(void *of)
{
	struct use *use = of;

	return attach(use, &use->id);
}

static void undo_attach(void *of)
{
	struct use *use = of;

	must(use, importer_detach(use->importer, use->id));
}

TEST_F_TIMEOUT(buffer, attach, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "attach"),
		.run = run_attach,
		.undo = undo_attach,
		.errors = { ENOMEM },
	};

	self->use.port = IMPORTER_DEVICE_64;
	SWEEP(&operation, &self->use, self->use.importer);
}

/* So many entries that they are in several pages. */
TEST_F_TIMEOUT(buffer, attach_with_a_long_table, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "attach-1280-entries"),
		.run = run_attach,
		.undo = undo_attach,
		.errors = { ENOMEM },
	};

	self->use.port = IMPORTER_DEVICE_64;
	ASSERT_EQ(0, importer_limit(self->use.importer, self->use.port, PAGE));
	SWEEP(&operation, &self->use, self->use.importer);
}

static int map_in(struct use *use, int id, uint32_t direction)
{
	static struct importer_map map;

	return importer_map(use->importer, id, direction, &map);
}

/*
 * An IOMMU keeps the tables that it made. So what it was asked for last time is
 * taken by another mapping, and there are none where the next one will be.
 */
static int use_up(struct use *use)
{
	int id, ret;

	ret = attach(use, &id);
	if (ret >= 0)
		ret = map_in(use, id, IMPORTER_TO_DEVICE);
	return ret;
}

static int prepare_attached(void *of)
{
	struct use *use = of;
	int ret;

	ret = use_up(use);
	return ret < 0 ? ret : attach(use, &use->id);
}

/* The core may fail after us: it was no refusal of ours then. */
static void note_refusal(struct use *use)
{
	uint32_t reason;

	if (buffer_refusals(use->device, use->fd, &reason) > 0)
		use->told |= 1U << reason;
}

static int run_map(void *of)
{
	struct use *use = of;
	int ret;

	ret = map_in(use, use->id, use->direction);
	if (ret)
		note_refusal(use);
	return ret;
}

static void undo_map(void *of)
{
	struct use *use = of;

	must(use, importer_unmap(use->importer, use->id));
}

/* The attachment is as good as before, however its last mapping ended. */
static void finish_map(void *of)
{
	struct use *use = of;

	must(use, map_in(use, use->id, IMPORTER_TO_DEVICE));
	undo_map(use);
	undo_attach(use);
}

static const char *const directions[] = {
	[IMPORTER_BIDIRECTIONAL] = "both-ways",
	[IMPORTER_TO_DEVICE] = "to-device",
	[IMPORTER_FROM_DEVICE] = "from-device",
};

/* Our platform device, and one of QEMU's: some IOMMUs translate only for that. */
static uint32_t next_port(int importer, uint32_t port)
{
	struct importer_facts facts;

	if (port == IMPORTER_DEVICE_64 &&
	    !importer_facts(importer, IMPORTER_DEVICE_EDU_0, &facts))
		return IMPORTER_DEVICE_EDU_0;
	return IMPORTER_DEVICES;
}

static const char *port_name(uint32_t port)
{
	return port == IMPORTER_DEVICE_64 ? "platform" : "edu";
}

TEST_F_TIMEOUT(buffer, map_for_a_device, PATIENCE)
{
	struct operation operation = {
		.prepare = prepare_attached,
		.run = run_map,
		.undo = undo_map,
		.finish = finish_map,
		.errors = { ENOMEM },
	};
	char what[32];

	for (self->use.port = IMPORTER_DEVICE_64; self->use.port < IMPORTER_DEVICES;
	     self->use.port = next_port(self->use.importer, self->use.port)) {
		for (self->use.direction = 0;
		     self->use.direction < ARRAY_SIZE(directions);
		     self->use.direction++) {
			snprintf(what, sizeof(what), "map-%s-%s",
				 port_name(self->use.port),
				 directions[self->use.direction]);
			operation.name = named(&self->use, what);
			SWEEP(&operation, &self->use, self->use.importer);
		}
	}
	EXPECT_EQ(0, self->use.told & ~(1U << BUFALLOC_REASON_MAPPING));
	/* Its tables take memory, but it keeps them for who comes later. */
	if (!strcmp(machine(), "iommu") &&
	    variant->caching == BUFALLOC_CACHING_WC)
		EXPECT_NE(0, self->use.told);
}

/* Mapped, and kept though nobody uses it: the next direction has to widen it. */
static int prepare_kept(void *of)
{
	struct use *use = of;
	int ret;

	ret = prepare_attached(of);
	if (ret < 0)
		return ret;
	ret = map_in(use, use->id, IMPORTER_TO_DEVICE);
	if (!ret)
		undo_map(of);
	return ret;
}

TEST_F_TIMEOUT(buffer, widen, PATIENCE)
{
	struct operation operation = {
		.prepare = prepare_kept,
		.run = run_map,
		.undo = undo_map,
		.finish = finish_map,
		.errors = { ENOMEM },
	};
	char what[32];

	self->use.direction = IMPORTER_FROM_DEVICE;
	for (self->use.port = IMPORTER_DEVICE_64; self->use.port < IMPORTER_DEVICES;
	     self->use.port = next_port(self->use.importer, self->use.port)) {
		snprintf(what, sizeof(what), "widen-%s", port_name(self->use.port));
		operation.name = named(&self->use, what);
		SWEEP(&operation, &self->use, self->use.importer);
	}
}

static int run_vmap(void *of)
{
	struct use *use = of;

	return importer_vmap_bare(use->importer, use->fd);
}

TEST_F_TIMEOUT(buffer, vmap, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "vmap"),
		.run = run_vmap,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

/* A list of pages that fits into one has no other place to come from. */
TEST_F_TIMEOUT(buffer, vmap_of_a_few_pages, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "vmap-64K"),
		.run = run_vmap,
		.errors = { ENOMEM },
	};

	close(self->use.fd);
	self->use.fd = buffer_open(self->use.device, 64 * KIB,
				   variant->caching);
	ASSERT_LE(0, self->use.fd);
	SWEEP(&operation, &self->use, self->use.importer);
}

static int map_part(struct use *use, size_t offset, size_t length)
{
	void *bytes = mmap(NULL, length, RW, MAP_SHARED, use->fd, offset);

	if (bytes == MAP_FAILED)
		return -errno;
	use->mapping.bytes = bytes;
	use->mapping.length = length;
	return 0;
}

static int run_mmap_whole(void *of)
{
	return map_part(of, 0, LENGTH);
}

static int run_mmap_part(void *of)
{
	return map_part(of, MIB, 3 * MIB);
}

static void undo_mmap(void *of)
{
	struct use *use = of;

	buffer_unmap(&use->mapping);
}

TEST_F_TIMEOUT(buffer, mmap_whole, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "mmap-whole"),
		.run = run_mmap_whole,
		.undo = undo_mmap,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

TEST_F_TIMEOUT(buffer, mmap_part, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "mmap-part"),
		.run = run_mmap_part,
		.undo = undo_mmap,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

/* A page in the middle, so that two mappings remain of one. */
static int run_munmap(void *of)
{
	struct use *use = of;

	if (!munmap(use->mapping.bytes + MIB, PAGE))
		return 0;
	/* It is still there. */
	use->mapping.bytes[MIB] = 1;
	return -errno;
}

TEST_F_TIMEOUT(buffer, munmap, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "munmap"),
		.prepare = run_mmap_whole,
		.run = run_munmap,
		.finish = undo_mmap,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

/* A mapping with nothing in it, and a place for it to go to. */
static int prepare_zapped(void *of)
{
	struct use *use = of;
	int ret;

	use->target = mmap(NULL, LENGTH, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (use->target == MAP_FAILED)
		return -errno;
	ret = map_part(use, 0, LENGTH);
	if (!ret)
		ret = importer_zap(use->importer, use->fd);
	return ret;
}

static int run_move(void *of)
{
	struct use *use = of;
	unsigned char *at;
	size_t i;

	at = mremap(use->mapping.bytes, LENGTH, LENGTH,
		    MREMAP_MAYMOVE | MREMAP_FIXED, use->target);
	if (at == MAP_FAILED)
		return -errno;
	for (i = 0; i < LENGTH; i += MIB)
		at[i] = 1;
	return 0;
}

static void finish_zapped(void *of)
{
	struct use *use = of;

	munmap(use->target, LENGTH);
	buffer_unmap(&use->mapping);
}

TEST_F_TIMEOUT(buffer, move_and_fault, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "mremap-and-fault"),
		.prepare = prepare_zapped,
		.run = run_move,
		.finish = finish_zapped,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

static int run_set_name(void *of)
{
	struct use *use = of;

	return bufalloc_set_name(use->fd, "a name");
}

TEST_F_TIMEOUT(buffer, set_name, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "set-name"),
		.run = run_set_name,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

/* Told, not taken: what allocates nothing cannot fail for want of memory. */
static int run_told(void *of)
{
	struct use *use = of;
	struct bufalloc_heap heap;
	struct bufalloc_info info;
	struct bufalloc_query query;
	int ret;

	ret = bufalloc_get_info(use->device, &info);
	if (!ret)
		ret = bufalloc_get_heap(use->device, 0, &heap);
	if (!ret)
		ret = bufalloc_query(use->device, use->fd, &query);
	return ret;
}

TEST_F_TIMEOUT(buffer, info_heap_and_query_allocate_nothing, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "info-heap-query"),
		.run = run_told,
	};

	SWEEP_NOTHING(&operation, &self->use, self->use.importer);
}

/* The same of the calls around accesses by CPU, whoever is attached. */
static int run_sync(void *of)
{
	struct use *use = of;
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START,
	};

	if (ioctl(use->fd, DMA_BUF_IOCTL_SYNC, &sync))
		return -errno;
	sync.flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END;
	return ioctl(use->fd, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

TEST_F_TIMEOUT(buffer, sync_allocates_nothing, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "sync"),
		.prepare = prepare_kept,
		.run = run_sync,
		.finish = undo_attach,
	};

	self->use.port = IMPORTER_DEVICE_64;
	SWEEP_NOTHING(&operation, &self->use, self->use.importer);
}

static int run_open(void *of)
{
	struct use *use = of;

	use->other = bufalloc_open(NULL);
	return use->other;
}

static void undo_open(void *of)
{
	struct use *use = of;

	close(use->other);
}

TEST_F_TIMEOUT(buffer, open_of_the_device, PATIENCE)
{
	struct operation operation = {
		.name = named(&self->use, "open"),
		.run = run_open,
		.undo = undo_open,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->use, self->use.importer);
}

/* Fences: of a timeline that does not move, and goes with its file. */
#define SW_SYNC "/sys/kernel/debug/sync/sw_sync"

struct sw_sync_fence {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_fence)

struct fences {
	int device;
	int importer;
	int fd;
	int timeline;
	int fence;
	int out;
};

FIXTURE(fence)
{
	struct fences fences;
};

FIXTURE_SETUP(fence)
{
	if (!faults_exist())
		SKIP(return, "no fail-nth in this kernel");
	ASSERT_EQ(0, access(SW_SYNC, F_OK));
	ASSERT_EQ(0, faults_open());
	self->fences.device = bufalloc_open(NULL);
	ASSERT_LE(0, self->fences.device);
}

FIXTURE_TEARDOWN(fence)
{
	bufalloc_close(self->fences.device);
	faults_close();
}

/* A buffer of its own, since a list of fences only ever grows. */
static int prepare_fence(void *of)
{
	struct sw_sync_fence request = { .value = 1, .name = "test" };
	struct fences *fences = of;

	fences->fd = buffer_open(fences->device, 4 * KIB,
				 BUFALLOC_CACHING_COHERENT);
	fences->timeline = open(SW_SYNC, O_RDWR | O_CLOEXEC);
	if (fences->fd < 0 || fences->timeline < 0)
		return -EIO;
	if (ioctl(fences->timeline, SW_SYNC_CREATE_FENCE, &request))
		return -errno;
	fences->fence = request.fence;
	return 0;
}

static void finish_fence(void *of)
{
	struct fences *fences = of;

	close(fences->timeline);
	close(fences->fence);
	close(fences->fd);
}

static int run_import(void *of)
{
	struct fences *fences = of;
	struct dma_buf_import_sync_file import = {
		.flags = DMA_BUF_SYNC_WRITE,
		.fd = fences->fence,
	};

	return ioctl(fences->fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import) ?
		       -errno :
		       0;
}

TEST_F_TIMEOUT(fence, import_of_a_sync_file, PATIENCE)
{
	static const struct operation operation = {
		.name = "import-sync-file",
		.prepare = prepare_fence,
		.run = run_import,
		.finish = finish_fence,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->fences, -1);
}

static int prepare_fenced(void *of)
{
	int ret = prepare_fence(of);

	return ret ? ret : run_import(of);
}

static int run_export(void *of)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	struct fences *fences = of;

	if (ioctl(fences->fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export))
		return -errno;
	fences->out = export.fd;
	return 0;
}

static void undo_export(void *of)
{
	struct fences *fences = of;

	close(fences->out);
}

TEST_F_TIMEOUT(fence, export_of_a_sync_file, PATIENCE)
{
	static const struct operation operation = {
		.name = "export-sync-file",
		.prepare = prepare_fenced,
		.run = run_export,
		.undo = undo_export,
		.finish = finish_fence,
		.errors = { ENOMEM },
	};

	SWEEP(&operation, &self->fences, -1);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/*
 * S18: whatever goes first, and at whatever point of a device's work, the memory
 * stays until that work has ended, what the device wrote arrives, nothing else is
 * written to, and then all of it goes. A table: each event at each point of one
 * transfer of QEMU's "edu", which takes a tenth of a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/patience.h"
#include "lib/passing.h"

#define LENGTH (2 * MIB)
#define PAGE 4096UL
/* What the device writes, odd at both ends, and what is all around. */
#define CHUNK 4001UL
#define TARGET (LENGTH - PAGE + 64)
#define AROUND 0x6b

#define EDU_DRIVER "/sys/bus/pci/drivers/bufalloc-importer-edu/"

/* The event comes after this has been done. */
enum point {
	ATTACHED,
	MAPPED,
	STARTED,
	HALFWAY,
	ENDED,
	UNMAPPED,
	POINTS,
};

/**
 * struct flight - a buffer, and who has it
 * @device: the client, or -1.
 * @fd: the buffer, or -1.
 * @map: of the CPU; length 0 where it is gone.
 * @importer: who does DMA, or -1.
 * @id: of its attachment.
 * @edu: the device that does it.
 * @holder: a process that has what was ours, or 0.
 * @socket: with a message in it that has the buffer, or -1.
 * @kept: by one of these two.
 * @bytes: live before there was a buffer.
 * @wrong: what was not as it must be, or NULL.
 */
struct flight {
	int device;
	int fd;
	struct mapping map;
	int importer;
	int id;
	struct importer_facts edu;
	pid_t holder;
	int socket;
	bool kept;
	long bytes;
	const char *wrong;
};

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void drop_map(struct flight *flight)
{
	if (flight->map.length)
		munmap(flight->map.bytes, flight->map.length);
	flight->map.length = 0;
}

static void drop_ours(struct flight *flight)
{
	drop_map(flight);
	drop(&flight->fd);
	drop(&flight->device);
}

static void drop_holder(struct flight *flight)
{
	if (!flight->holder)
		return;
	kill(flight->holder, SIGKILL);
	waitpid(flight->holder, NULL, 0);
	flight->holder = 0;
}

/* Events on the side of userspace. */
static int event_close(struct flight *flight)
{
	return close(flight->fd) ? -errno : (flight->fd = -1, 0);
}

static int event_close_client(struct flight *flight)
{
	drop(&flight->device);
	return 0;
}

static int event_munmap(struct flight *flight)
{
	drop_map(flight);
	return 0;
}

static int event_munmap_half(struct flight *flight)
{
	size_t half = LENGTH / 2;

	if (munmap(flight->map.bytes, half))
		return -errno;
	/* The device's half is left. */
	flight->map.bytes += half;
	flight->map.length = half;
	return 0;
}

static int event_close_all(struct flight *flight)
{
	drop_ours(flight);
	return 0;
}

/* Another file takes the place of the buffer's. */
static int event_dup2(struct flight *flight)
{
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);

	drop_map(flight);
	drop(&flight->device);
	if (dup2(other, flight->fd) != flight->fd)
		return -errno;
	close(other);
	drop(&flight->fd);
	return 0;
}

static int event_mremap(struct flight *flight)
{
	void *room = mmap(NULL, flight->map.length, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *moved = mremap(flight->map.bytes, flight->map.length,
			     flight->map.length, MREMAP_MAYMOVE | MREMAP_FIXED,
			     room);

	if (moved == MAP_FAILED)
		return -errno;
	flight->map.bytes = moved;
	drop(&flight->fd);
	return 0;
}

/* The entries go, and come back by faults. */
static int event_zap(struct flight *flight)
{
	return importer_zap(flight->importer, flight->fd);
}

/* Whether that process runs that program, and waits: it has let go of the old one. */
static bool runs(pid_t process, const char *program)
{
	char link[64], stat[64], path[64] = {}, state = 0;
	FILE *file;

	snprintf(link, sizeof(link), "/proc/%d/exe", process);
	if (readlink(link, path, sizeof(path) - 1) < 0 || strcmp(path, program))
		return false;

	snprintf(stat, sizeof(stat), "/proc/%d/stat", process);
	file = fopen(stat, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'S';
}

/* What is closed at exec is so before the program begins, but not all at once. */
static int await_program(pid_t process, const char *program)
{
	int tries;

	for (tries = 0; tries < 5000; tries++) {
		if (runs(process, program))
			return 0;
		usleep(1000);
	}
	return -ENOEXEC;
}

/*
 * A process that has all of ours but the importer, and tells when it has begun:
 * by a byte, or by a new program that has not what is closed at exec.
 */
static int give_to_child(struct flight *flight, char *const program[])
{
	int ready[2];
	char byte = 0;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	flight->holder = fork();
	if (flight->holder < 0)
		return -errno;
	if (!flight->holder) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(flight->importer);
		if (program) {
			execv(program[0], program);
			_exit(1);
		}
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	drop_ours(flight);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != !program)
		return -EPIPE;
	close(ready[0]);
	return program ? await_program(flight->holder, program[0]) : 0;
}

static int event_fork(struct flight *flight)
{
	flight->kept = true;
	return give_to_child(flight, NULL);
}

static int event_kill(struct flight *flight)
{
	int ret = give_to_child(flight, NULL);

	drop_holder(flight);
	return ret;
}

static int event_exec(struct flight *flight)
{
	static char *const program[] = { "/bin/busybox", "sleep", "100", NULL };

	return give_to_child(flight, program);
}

/* The new program has the buffer, and nothing else. */
static int event_exec_keeps(struct flight *flight)
{
	flight->kept = true;
	return fcntl(flight->fd, F_SETFD, 0) ? -errno : event_exec(flight);
}

static int event_send(struct flight *flight)
{
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ret = fd_send(ends[0], flight->fd);
	drop_ours(flight);
	/* The message stays in the other end. */
	close(ends[0]);
	flight->socket = ends[1];
	flight->kept = true;
	return ret;
}

static int event_send_and_receive(struct flight *flight)
{
	int ret = event_send(flight);

	if (ret)
		return ret;
	flight->fd = fd_receive(flight->socket);
	drop(&flight->socket);
	flight->kept = false;
	return flight->fd < 0 ? flight->fd : 0;
}

static int event_others_take_memory(struct flight *flight)
{
	int device = bufalloc_open(NULL);
	int ret;

	drop_ours(flight);
	ret = memory_dirty(device, BUFALLOC_CACHING_CACHED, LENGTH, 32 * MIB,
			   0xee);
	if (!ret)
		ret = memory_dirty(device, BUFALLOC_CACHING_COHERENT, 64 * KIB,
				   4 * MIB, 0xdd);
	bufalloc_close(device);
	return ret;
}

static int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

/* Neither who made the memory nor who does the DMA can go. */
static int event_unload(struct flight *flight)
{
	drop_ours(flight);
	if (unload("bufalloc") != -EWOULDBLOCK)
		return -EBUSY;
	return unload("bufalloc_importer") == -EWOULDBLOCK ? 0 : -EBUSY;
}

/* Root cannot take a heap's device from its driver, or its driver from it. */
static int event_unbind_heap(struct flight *flight)
{
	static const char driver[] = "/sys/bus/platform/drivers/bufalloc-heap/";
	static const char *const files[] = { "unbind", "bind" };
	char path[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s%s", driver, files[i]);
		if (write_string(path, "bufalloc-heap.0") != -ENOENT)
			return -EEXIST;
	}
	drop_ours(flight);
	return 0;
}

/* Events on the side of the importer, which is a good one: it waits for its device. */
static int event_unmap(struct flight *flight)
{
	int ret = importer_unmap(flight->importer, flight->id);

	drop(&flight->importer);
	/* There was nothing to unmap, or nothing any more. */
	return ret == -ENOENT ? 0 : ret;
}

static int event_detach(struct flight *flight)
{
	int ret = importer_detach(flight->importer, flight->id);

	drop(&flight->importer);
	return ret;
}

static int event_close_importer(struct flight *flight)
{
	drop(&flight->importer);
	return 0;
}

/* Only the process that is killed has it. */
static int event_kill_importer(struct flight *flight)
{
	int importer = flight->importer, ret;

	flight->holder = fork();
	if (flight->holder < 0)
		return -errno;
	if (!flight->holder) {
		pause();
		_exit(1);
	}
	ret = close(importer) ? -errno : 0;
	flight->importer = -1;
	drop_holder(flight);
	return ret;
}

static int event_unbind_importer(struct flight *flight)
{
	int ret = write_string(EDU_DRIVER "unbind", flight->edu.out_name);

	if (ret)
		return ret;
	drop(&flight->importer);
	return write_string(EDU_DRIVER "bind", flight->edu.out_name);
}

/* The file that has the buffer is closed while the device has no driver. */
static int event_unbind_and_close(struct flight *flight)
{
	int ret = write_string(EDU_DRIVER "unbind", flight->edu.out_name);

	if (ret)
		return ret;
	drop(&flight->fd);
	drop(&flight->device);
	drop(&flight->importer);
	return write_string(EDU_DRIVER "bind", flight->edu.out_name);
}

FIXTURE(flight)
{
	struct flight flight;
	uint32_t dma_bits;
};

/**
 * struct event - what happens
 * @happens: returns 0, or a negative errno where it could not happen.
 * @leaves: a driver leaves its device, whatever it has mapped.
 */
struct event {
	int (*happens)(struct flight *flight);
	bool leaves;
};

FIXTURE_VARIANT(flight)
{
	struct event event;
};

FIXTURE_VARIANT_ADD(flight, close) {
	.event = { .happens = event_close },
};

FIXTURE_VARIANT_ADD(flight, close_client) {
	.event = { .happens = event_close_client },
};

FIXTURE_VARIANT_ADD(flight, munmap) {
	.event = { .happens = event_munmap },
};

FIXTURE_VARIANT_ADD(flight, munmap_half) {
	.event = { .happens = event_munmap_half },
};

FIXTURE_VARIANT_ADD(flight, close_all) {
	.event = { .happens = event_close_all },
};

FIXTURE_VARIANT_ADD(flight, dup2) {
	.event = { .happens = event_dup2 },
};

FIXTURE_VARIANT_ADD(flight, mremap) {
	.event = { .happens = event_mremap },
};

FIXTURE_VARIANT_ADD(flight, zap) {
	.event = { .happens = event_zap },
};

FIXTURE_VARIANT_ADD(flight, fork) {
	.event = { .happens = event_fork },
};

FIXTURE_VARIANT_ADD(flight, kill) {
	.event = { .happens = event_kill },
};

FIXTURE_VARIANT_ADD(flight, exec) {
	.event = { .happens = event_exec },
};

FIXTURE_VARIANT_ADD(flight, exec_keeps) {
	.event = { .happens = event_exec_keeps },
};

FIXTURE_VARIANT_ADD(flight, send) {
	.event = { .happens = event_send },
};

FIXTURE_VARIANT_ADD(flight, send_and_receive) {
	.event = { .happens = event_send_and_receive },
};

FIXTURE_VARIANT_ADD(flight, others_take_memory) {
	.event = { .happens = event_others_take_memory },
};

FIXTURE_VARIANT_ADD(flight, unload) {
	.event = { .happens = event_unload },
};

FIXTURE_VARIANT_ADD(flight, unbind_heap) {
	.event = { .happens = event_unbind_heap },
};

FIXTURE_VARIANT_ADD(flight, unmap) {
	.event = { .happens = event_unmap },
};

FIXTURE_VARIANT_ADD(flight, detach) {
	.event = { .happens = event_detach },
};

FIXTURE_VARIANT_ADD(flight, close_importer) {
	.event = { .happens = event_close_importer },
};

FIXTURE_VARIANT_ADD(flight, kill_importer) {
	.event = { .happens = event_kill_importer },
};

FIXTURE_VARIANT_ADD(flight, unbind_importer) {
	.event = { .happens = event_unbind_importer, .leaves = true },
};

FIXTURE_VARIANT_ADD(flight, unbind_and_close) {
	.event = { .happens = event_unbind_and_close, .leaves = true },
};

static unsigned char pattern_at(size_t i)
{
	return i * 11 ^ i >> 7;
}

static int fill(int fd, struct mapping *map, bool with_pattern)
{
	size_t i;
	int ret;

	ret = bufalloc_begin_cpu_access(fd, DMA_BUF_SYNC_RW);
	if (ret)
		return ret;
	memset(map->bytes, AROUND, map->length);
	for (i = 0; with_pattern && i < CHUNK; i++)
		map->bytes[i] = pattern_at(i);
	return bufalloc_end_cpu_access(fd, DMA_BUF_SYNC_RW);
}

static int open_flight(struct flight *flight, uint32_t caching,
		       uint32_t dma_bits)
{
	struct bufalloc_request request = request_of(LENGTH, caching);
	struct bufalloc_result result;
	int ret;

	request.dma_bits = dma_bits;
	flight->bytes = live_bytes();
	flight->device = bufalloc_open(NULL);
	flight->importer = importer_open();
	flight->holder = 0;
	flight->socket = -1;
	flight->kept = false;
	if (flight->device < 0 || flight->importer < 0)
		return -ENODEV;
	ret = bufalloc_alloc(flight->device, &request, &result, NULL);
	if (ret)
		return ret;
	flight->fd = result.fd;
	ret = buffer_map(flight->fd, &flight->map);
	if (ret)
		return ret;
	flight->id = importer_attach(flight->importer, flight->fd,
				     flight->edu.device);
	return flight->id < 0 ? flight->id : 0;
}

/* Who is left lets go. Returns whether nothing is left of the buffer. */
static bool close_flight(struct flight *flight)
{
	drop(&flight->importer);
	drop_holder(flight);
	drop(&flight->socket);
	drop_ours(flight);
	return live_bytes() == flight->bytes;
}

/* The device's own memory has the pattern from here on. */
static int load_device(struct flight *flight)
{
	static struct importer_map map;
	int ret;

	ret = fill(flight->fd, &flight->map, true);
	if (!ret)
		ret = importer_map(flight->importer, flight->id,
				   IMPORTER_TO_DEVICE, &map);
	if (!ret)
		ret = importer_dma(flight->importer, flight->id,
				   IMPORTER_TO_DEVICE, 0, CHUNK);
	return ret;
}

FIXTURE_SETUP(flight)
{
	int importer = importer_open();
	struct edus edus;

	ASSERT_LE(0, importer);
	edus_find(importer, &edus);
	self->dma_bits = edus_reaching(&edus);
	ASSERT_LE(1, edus.count);
	close(importer);
	self->flight.edu = edus.facts[0];
	ASSERT_EQ(0, open_flight(&self->flight, BUFALLOC_CACHING_COHERENT,
				 self->dma_bits));
	ASSERT_EQ(0, load_device(&self->flight));
	ASSERT_TRUE(close_flight(&self->flight));
}

FIXTURE_TEARDOWN(flight)
{
}

static bool is_alive(const struct flight *flight)
{
	return live_bytes() == flight->bytes + (long)LENGTH;
}

/* What there must be at a place after the transfer, and before it. */
static unsigned char expected_at(size_t offset, bool written)
{
	if (written && offset >= TARGET && offset - TARGET < CHUNK)
		return pattern_at(offset - TARGET);
	return AROUND;
}

/* As the memory is, without any process that has it: a word of each page, all of the last. */
static bool peek_matches(const struct flight *flight, bool written)
{
	unsigned char word[8];
	uint64_t value;
	size_t at, i;

	for (at = 0; at < LENGTH; at += at < LENGTH - PAGE ? PAGE : 8) {
		if (importer_peek(flight->importer, flight->id, at, &value))
			return false;
		for (i = 0; i < sizeof(word); i++)
			word[i] = expected_at(at + i, written);
		if (memcmp(word, &value, sizeof(word)))
			return false;
	}
	return true;
}

/* As the CPU sees it, of as much as is mapped: the end of it is the buffer's. */
static bool map_matches(const struct flight *flight, bool written)
{
	size_t start = LENGTH - flight->map.length;
	struct mapping before = {
		.bytes = flight->map.bytes,
		.length = flight->map.length - PAGE,
	};
	size_t i;

	if (!mapping_is(&before, AROUND))
		return false;
	for (i = before.length; i < flight->map.length; i++)
		if (flight->map.bytes[i] != expected_at(start + i, written))
			return false;
	return true;
}

/* Whoever still has it looks; somebody always does until the end. */
static bool data_matches(struct flight *flight, bool written, bool mapped)
{
	if (flight->importer >= 0 && mapped &&
	    !peek_matches(flight, written))
		return false;
	if (!flight->map.length)
		return true;
	if (flight->fd >= 0 &&
	    bufalloc_begin_cpu_access(flight->fd, DMA_BUF_SYNC_READ))
		return false;
	if (!map_matches(flight, written))
		return false;
	return flight->fd < 0 ||
	       !bufalloc_end_cpu_access(flight->fd, DMA_BUF_SYNC_READ);
}

/* What the importer does to get to a point from the one before. */
static int advance(struct flight *flight, enum point point)
{
	static struct importer_map map;
	int importer = flight->importer;

	switch (point) {
	case MAPPED:
		return importer_map(importer, flight->id, IMPORTER_FROM_DEVICE,
				    &map);
	case STARTED:
		return importer_dma_start(importer, flight->id,
					  IMPORTER_FROM_DEVICE, TARGET, CHUNK);
	case HALFWAY:
		usleep(30000);
		return 0;
	case ENDED:
		return importer_dma_wait(importer, flight->id);
	case UNMAPPED:
		return importer_unmap(importer, flight->id);
	default:
		return 0;
	}
}

/*
 * Whether the device is at work is what makes it that point: 0 where it was faster, or
 * a negative errno.
 */
static int is_at(const struct flight *flight, enum point point)
{
	int pending = importer_dma_pending(flight->importer, flight->id);

	if (pending < 0)
		return pending;
	return pending == (point == STARTED || point == HALFWAY);
}

/* Looks only where the device does not write: an event that ends its work waits. */
static bool is_right(struct flight *flight, enum point point)
{
	bool at_work = flight->importer >= 0 &&
		       (point == STARTED || point == HALFWAY);

	if (!is_alive(flight)) {
		flight->wrong = "the bytes that live";
		return false;
	}
	if (!at_work && !data_matches(flight, point >= STARTED,
				      point >= MAPPED && point < UNMAPPED)) {
		flight->wrong = "the data";
		return false;
	}
	return true;
}

/* The importer goes, and who has the buffer then decides. */
static bool ends_right(struct flight *flight)
{
	bool held = flight->fd >= 0 || flight->map.length || flight->kept;

	drop(&flight->importer);
	flight->wrong = "the bytes that live at the end";
	return held ? is_alive(flight) : live_bytes() == flight->bytes;
}

enum outcome {
	RIGHT,
	WRONG,
	LATE, /* the device was faster than we */
};

/* One transfer with one event at one point. @point is the last that was reached. */
static enum outcome fly(struct flight *flight,
			const struct event *event,
			enum point event_at, enum point *point)
{
	int there;

	flight->wrong = "the buffer could not be filled";
	if (fill(flight->fd, &flight->map, false))
		return WRONG;
	for (*point = ATTACHED; *point < POINTS; ++*point) {
		flight->wrong = "the importer";
		if (advance(flight, *point))
			return WRONG;
		if (*point == event_at) {
			flight->wrong = "whether the device is at work";
			there = is_at(flight, *point);
			if (there <= 0)
				return there ? WRONG : LATE;
			flight->wrong = "the event";
			if (event->happens(flight))
				return WRONG;
		}
		if (!is_right(flight, *point))
			return WRONG;
		if (flight->importer < 0)
			break;
	}
	return ends_right(flight) ? RIGHT : WRONG;
}

static bool is_bad_manners(const struct event *event, enum point point)
{
	return event->leaves && point >= MAPPED && point < UNMAPPED &&
	       !edus_may_leave_mapped();
}

static void fly_at_each_point(struct __test_metadata *_metadata,
			      FIXTURE_DATA(flight) * self,
			      const struct event *event,
			      uint32_t caching)
{
	enum point event_at, point;
	enum outcome outcome;

	for (event_at = ATTACHED; event_at < POINTS; event_at++) {
		if (is_bad_manners(event, event_at))
			continue;
		do {
			ASSERT_EQ(0, open_flight(&self->flight, caching,
						 self->dma_bits));
			outcome = fly(&self->flight, event, event_at, &point);
			ASSERT_TRUE(close_flight(&self->flight));
		} while (outcome == LATE);
		EXPECT_EQ(RIGHT, outcome)
		{
			TH_LOG("event at point %d, wrong at point %d: %s",
			       event_at, point, self->flight.wrong);
		}
	}
}

TEST_F_TIMEOUT(flight, uncached, PATIENCE)
{
	fly_at_each_point(_metadata, self, &variant->event,
			  machine_has_wc() ? BUFALLOC_CACHING_WC :
					     BUFALLOC_CACHING_COHERENT);
}

TEST_F_TIMEOUT(flight, cached, PATIENCE)
{
	fly_at_each_point(_metadata, self, &variant->event,
			  BUFALLOC_CACHING_CACHED);
}

TEST_HARNESS_MAIN

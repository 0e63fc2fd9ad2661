// SPDX-License-Identifier: MIT
/*
 * S18: a buffer lives as long as anybody has it, whatever is closed first, and
 * not a moment longer. Live bytes are told by the module's counter beside the
 * calls that allocate and free, and held against what the kernel has free.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/buffers.h"
#include "lib/groups.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/passing.h"
#include "lib/quotas.h"

#define LENGTH (8 * MIB)
#define WORD 0x6b6b6b6b6b6b6b6bULL

FIXTURE(lifetime)
{
	uint32_t caching;
	int device;
	int fd;
	long bytes;
	long buffers;
	struct mapping map;
	struct quotas quotas;
};

/* What some take is more than a small machine lets one user have. */
FIXTURE_SETUP(lifetime)
{
	ASSERT_EQ(0, quotas_lift(&self->quotas));
	self->caching = machine_has_wc() ? BUFALLOC_CACHING_WC :
					   BUFALLOC_CACHING_COHERENT;
	self->bytes = live_bytes();
	self->buffers = live_buffers();
	self->device = bufalloc_open(NULL);
	ASSERT_LE(0, self->device);
	self->fd = buffer_open(self->device, LENGTH, self->caching);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(self->bytes + (long)LENGTH, live_bytes());
	ASSERT_EQ(self->buffers + 1, live_buffers());
}

FIXTURE_TEARDOWN(lifetime)
{
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
	EXPECT_EQ(0, quotas_write(&self->quotas));
}

#define EXPECT_ALIVE() \
	do { \
		EXPECT_EQ(self->bytes + (long)LENGTH, live_bytes()); \
		EXPECT_EQ(self->buffers + 1, live_buffers()); \
	} while (0)

TEST_F(lifetime, ends_with_close)
{
	close(self->fd);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_EQ(self->buffers, live_buffers());
	bufalloc_close(self->device);
}

TEST_F(lifetime, outlives_the_device_file)
{
	bufalloc_close(self->device);
	EXPECT_ALIVE();
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	memset(self->map.bytes, 1, LENGTH);
	buffer_unmap(&self->map);
	close(self->fd);
}

TEST_F(lifetime, mapping_keeps_it)
{
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_ALIVE();
	memset(self->map.bytes, 1, LENGTH);
	EXPECT_TRUE(mapping_is(&self->map, 1));
	/* Half a mapping keeps all of it. */
	ASSERT_EQ(0, munmap(self->map.bytes, LENGTH / 2));
	EXPECT_ALIVE();
	ASSERT_EQ(0, munmap(self->map.bytes + LENGTH / 2, LENGTH / 2));
}

TEST_F(lifetime, dup_keeps_it)
{
	int other = dup(self->fd);

	ASSERT_LE(0, other);
	close(self->fd);
	EXPECT_ALIVE();
	close(other);
	bufalloc_close(self->device);
}

TEST_F(lifetime, child_keeps_it)
{
	int status, go[2];
	char byte;
	pid_t child;

	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		_exit(read(go[0], &byte, 1));
	}
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_ALIVE();
	close(go[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* Nobody has a file descriptor: only the message on its way does. */
TEST_F(lifetime, message_in_flight_keeps_it)
{
	int ends[2], received;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(0, fd_send(ends[0], self->fd));
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_ALIVE();

	received = fd_receive(ends[1]);
	ASSERT_LE(0, received);
	ASSERT_EQ(0, buffer_map(received, &self->map));
	memset(self->map.bytes, 2, LENGTH);
	buffer_unmap(&self->map);
	EXPECT_ALIVE();
	close(received);
}

/* It goes with both ends of the socket, and nobody has ever received it. */
TEST_F(lifetime, message_that_nobody_reads_ends_it)
{
	int ends[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(0, fd_send(ends[0], self->fd));
	close(self->fd);
	bufalloc_close(self->device);
	close(ends[0]);
	EXPECT_ALIVE();
	close(ends[1]);
}

/* Who allocated, by a client of his own, and passed it on. */
static int allocate_for(int socket, uint32_t caching)
{
	int device = bufalloc_open(NULL);
	int fd = buffer_open(device, LENGTH, caching);
	struct mapping map;

	if (fd < 0 || buffer_map(fd, &map))
		return 1;
	memset(map.bytes, 0x77, map.length);
	return fd_send(socket, fd) ? 2 : 0;
}

/* His process is gone, his mapping and his client file: the buffer is not. */
TEST_F(lifetime, outlives_the_process_that_allocated_it)
{
	int status, fd, ends[2];
	pid_t child;

	close(self->fd);
	bufalloc_close(self->device);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (!allocate_for(ends[0], self->caching))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	fd = fd_receive(ends[1]);
	ASSERT_LE(0, fd);
	EXPECT_ALIVE();
	ASSERT_EQ(0, buffer_map(fd, &self->map));
	EXPECT_TRUE(mapping_is(&self->map, 0x77));
	buffer_unmap(&self->map);
	close(fd);
}

#define OUTER "/run/cgroup/lifetime"
#define INNER OUTER "/inner"

static int groups_make(void)
{
	int ret;

	group_remove(INNER);
	group_controls("+memory");
	ret = group_make(OUTER);
	if (ret)
		return ret;
	write_string(OUTER "/cgroup.subtree_control", "+memory");
	return group_make(INNER);
}

/* A group gives back what was its own by and by. */
static bool group_settles_below(long bytes)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (read_number(OUTER "/memory.current") < bytes)
			return true;
		usleep(50000);
	}
	return false;
}

/* The group that was charged is removed: its parent has the charge until the end. */
TEST_F(lifetime, outlives_its_cgroup)
{
	int status, fd, ends[2];
	pid_t child;

	close(self->fd);
	bufalloc_close(self->device);
	ASSERT_EQ(0, groups_make());
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (write_string(INNER "/cgroup.procs", "0"))
			_exit(3);
		_exit(allocate_for(ends[0], self->caching));
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, group_remove(INNER));
	fd = fd_receive(ends[1]);
	ASSERT_LE(0, fd);
	EXPECT_ALIVE();
	EXPECT_LE((long)LENGTH, read_number(OUTER "/memory.current"));
	ASSERT_EQ(0, buffer_map(fd, &self->map));
	EXPECT_TRUE(mapping_is(&self->map, 0x77));
	memset(self->map.bytes, 1, LENGTH);
	buffer_unmap(&self->map);
	close(fd);
	EXPECT_EQ(self->bytes, live_bytes());
	EXPECT_TRUE(group_settles_below(LENGTH / 2));
	EXPECT_EQ(0, group_remove(OUTER));
}

/*
 * A device has it mapped while userspace has closed everything and others take
 * and fill memory: what the device reads is still the buffer.
 */
TEST_F(lifetime, device_keeps_it)
{
	static struct importer_map map;
	int importer = importer_open();
	uint64_t value, offset;
	int device, id;

	ASSERT_LE(0, importer);
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	memset(self->map.bytes, (int)(WORD & 0xff), LENGTH);
	buffer_unmap(&self->map);
	id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64);
	ASSERT_LE(0, id);
	ASSERT_EQ(0, importer_map(importer, id, IMPORTER_TO_DEVICE, &map));
	close(self->fd);
	bufalloc_close(self->device);
	EXPECT_ALIVE();

	device = bufalloc_open(NULL);
	ASSERT_LE(0, device);
	EXPECT_EQ(0, memory_dirty(device, self->caching, LENGTH, 512 * MIB,
				  0xee));
	bufalloc_close(device);
	for (offset = 0; offset < LENGTH; offset += 4096) {
		ASSERT_EQ(0, importer_peek(importer, id, offset, &value));
		ASSERT_EQ(WORD, value);
	}
	EXPECT_ALIVE();
	EXPECT_EQ(0, importer_unmap(importer, id));
	EXPECT_ALIVE();
	EXPECT_EQ(0, importer_detach(importer, id));
	EXPECT_EQ(self->bytes, live_bytes());
	close(importer);
}

/* The importer's process dies with everything in its hands. */
TEST_F(lifetime, death_of_the_importer_ends_it)
{
	static struct importer_map map;
	int status, id, importer;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		importer = importer_open();
		id = importer_attach(importer, self->fd, IMPORTER_DEVICE_64);
		if (importer_map(importer, id, IMPORTER_TO_DEVICE, &map))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_ALIVE();
	close(self->fd);
	bufalloc_close(self->device);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "bufalloc", O_NONBLOCK) ? -errno : 0;
}

TEST_F(lifetime, module_cannot_go_while_a_buffer_lives)
{
	bufalloc_close(self->device);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, buffer_map(self->fd, &self->map));
	close(self->fd);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_ALIVE();
	buffer_unmap(&self->map);
}

TEST_F(lifetime, module_cannot_go_while_a_file_is_open)
{
	close(self->fd);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	bufalloc_close(self->device);
}

/* Sysfs has no way to take a heap's device from under its buffers, or to give one. */
TEST_F(lifetime, heaps_cannot_be_unbound)
{
	static const char driver[] = "/sys/bus/platform/drivers/bufalloc-heap";
	static const char *const heaps[] = {
		"bufalloc-heap.0",
		"bufalloc-heap.1",
	};
	struct stat entry;
	unsigned int i;

	ASSERT_EQ(0, chdir(driver));
	EXPECT_EQ(0, stat(heaps[0], &entry));
	for (i = 0; i < ARRAY_SIZE(heaps); i++) {
		EXPECT_EQ(-ENOENT, write_string("unbind", heaps[i]));
		EXPECT_EQ(-ENOENT, write_string("bind", heaps[i]));
	}
	close(self->fd);
	bufalloc_close(self->device);
}

/*
 * Nor does an override, which any driver can be given, make one of a device that was
 * not made for us.
 */
TEST_F(lifetime, other_devices_become_no_heaps)
{
	static const char device[] = "bufalloc-importer.0";
	static const char *const drivers[] = { "bufalloc-heap",
					       "bufalloc-node" };
	struct bufalloc_info before, after;
	struct stat entry;
	unsigned int i;

	ASSERT_EQ(0, bufalloc_get_info(self->device, &before));
	ASSERT_EQ(0, chdir("/sys/bus/platform/devices"));
	ASSERT_EQ(0, chdir(device));
	for (i = 0; i < ARRAY_SIZE(drivers); i++) {
		EXPECT_EQ(0, write_string("driver_override", drivers[i]));
		/* What comes of it is no matter of the writer's. */
		write_string("/sys/bus/platform/drivers_probe", device);
		EXPECT_EQ(-1, stat("driver", &entry));
		EXPECT_EQ(ENOENT, errno);
	}
	EXPECT_EQ(0, write_string("driver_override", "\n"));
	ASSERT_EQ(0, bufalloc_get_info(self->device, &after));
	EXPECT_EQ(before.out_heaps, after.out_heaps);
	close(self->fd);
	bufalloc_close(self->device);
}

/* Bytes that nobody has: what is free, and what each processor keeps for itself. */
static long unused_bytes(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	long pages, kept = 0;
	char line[256];

	write_string("/proc/sys/vm/stat_refresh", "1");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %ld", &pages) == 1)
			kept += pages;
	if (file)
		fclose(file);
	return (kept + vmstat("nr_free_pages")) * 4096;
}

/* What the counter says is gone is what the kernel has less. */
TEST_F(lifetime, counter_agrees_with_free_memory)
{
	long counted, before, taken;
	int fd;

	before = unused_bytes();
	counted = live_bytes();
	fd = buffer_open(self->device, 512 * MIB, self->caching);
	ASSERT_LE(0, fd);
	taken = before - unused_bytes();
	counted = live_bytes() - counted;
	EXPECT_LE(512L * (long)MIB, counted);
	EXPECT_GT(32L * (long)MIB, labs(taken - counted));
	close(fd);
	EXPECT_GT(32L * (long)MIB, labs(before - unused_bytes()));
	close(self->fd);
	bufalloc_close(self->device);
}

/* Counters are there for everyone, without the device. */
TEST_F(lifetime, counters_are_readable_by_anyone)
{
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(live_bytes() < (long)LENGTH || live_buffers() < 1);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	close(self->fd);
	bufalloc_close(self->device);
}

/* Each client is told what it holds, and all are told what all hold. */
TEST_F(lifetime, clients_are_told_apart)
{
	int other = bufalloc_open(NULL);
	struct bufalloc_info info;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, bufalloc_get_info(other, &info));
	EXPECT_EQ(0, info.out_client_bytes);
	EXPECT_EQ(0, info.out_client_buffers);
	EXPECT_EQ(live_bytes(), info.out_system_bytes);
	ASSERT_EQ(0, bufalloc_get_info(self->device, &info));
	EXPECT_EQ(LENGTH, info.out_client_bytes);
	EXPECT_EQ(1, info.out_client_buffers);
	bufalloc_close(other);
	close(self->fd);
	bufalloc_close(self->device);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT
/* Operations of a process on the file descriptor of a buffer, and on other files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bufalloc.h>
#include <linux/dma-heap.h>

#include "fuzz/calls.h"
#include "fuzz/memory.h"

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

long run_close(const uint64_t *args)
{
	return result(close(slot_take(POOL_BUFFER, args[0])));
}

long run_dup(const uint64_t *args)
{
	return slot_put(POOL_BUFFER, args[1], dup(slot_get(POOL_BUFFER, args[0])));
}

long run_seek(const uint64_t *args)
{
	return result(lseek(slot_get(POOL_BUFFER, args[0]),
			    args[2] & 8 ? (off_t)args[1] : 0, args[2] % 6));
}

long run_sync(const uint64_t *args)
{
	struct dma_buf_sync sync = { .flags = args[1] };
	uint64_t address = place_put(ROLE_CALL, args[2], &sync, sizeof(sync));

	return result(ioctl(slot_get(POOL_BUFFER, args[0]),
			    DMA_BUF_IOCTL_SYNC, address));
}

long run_name(const uint64_t *args)
{
	static const char text[] = "a name that is longer than names may be at all";
	uint64_t address = place_put(ROLE_CALL, args[2],
				     text + sizeof(text) - 1 - args[1] % 40,
				     args[1] % 40 + 1);

	return result(ioctl(slot_get(POOL_BUFFER, args[0]),
			    args[1] & 1 ? DMA_BUF_SET_NAME_A : DMA_BUF_SET_NAME_B,
			    address));
}

long run_export_fence(const uint64_t *args)
{
	struct dma_buf_export_sync_file arg = { .flags = args[1], .fd = -1 };
	uint64_t address = place_put(ROLE_CALL, args[3], &arg, sizeof(arg));
	int ret;

	ret = ioctl(slot_get(POOL_BUFFER, args[0]),
		    DMA_BUF_IOCTL_EXPORT_SYNC_FILE, address);
	if (!ret && memory_copy(&arg, (void *)(uintptr_t)address, sizeof(arg)))
		slot_put(POOL_FENCE, args[2], arg.fd);
	return result(ret);
}

long run_import_fence(const uint64_t *args)
{
	struct dma_buf_import_sync_file arg = {
		.flags = args[1],
		.fd = slot_get(POOL_FENCE, args[2]),
	};
	uint64_t address = place_put(ROLE_CALL, args[3], &arg, sizeof(arg));

	return result(ioctl(slot_get(POOL_BUFFER, args[0]),
			    DMA_BUF_IOCTL_IMPORT_SYNC_FILE, address));
}

long run_poll(const uint64_t *args)
{
	static const short events[] = { POLLIN, POLLOUT, POLLIN | POLLOUT, 0 };
	struct pollfd fds = {
		.fd = slot_get(POOL_BUFFER, args[0]),
		.events = events[args[1] % 4],
	};

	return result(poll(&fds, 1, 0));
}

long run_buffer_command(const uint64_t *args)
{
	uint64_t zeros[4] = { 0 };
	uint64_t address = place_put(ROLE_CALL, args[2], zeros, sizeof(zeros));

	return result(ioctl(slot_get(POOL_BUFFER, args[0]), args[1], address));
}

/* Keep O_NONBLOCK set: without the flag a call could wait for ever. */
static long file_set_flags(int fd)
{
	return fcntl(fd, F_SETFL, (fcntl(fd, F_GETFL) ^ O_APPEND) | O_NONBLOCK);
}

/* Operations of a program that does not know that the file is a buffer. */
long run_file(const uint64_t *args)
{
	int fd = slot_get(args[0] % POOL_FDS, args[1]);
	struct stat status;
	char bytes[64];

	switch (args[2] % 16) {
	case 0:
		return result(ftruncate(fd, args[3]));
	case 1:
		return result(fstat(fd, &status));
	case 2:
		return result(fsync(fd));
	case 3:
		return result(fallocate(fd, args[3] & 3, 0, PAGE));
	case 4:
		return result(pread(fd, bytes, sizeof(bytes), args[3]));
	case 5:
		return result(pwrite(fd, bytes, 1, args[3]));
	case 6:
		return result(flock(fd, LOCK_EX | LOCK_NB));
	case 7:
		return result(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	case 8:
		return result(fcntl(fd, F_SETLEASE, F_RDLCK));
	case 9:
		return result(readahead(fd, 0, PAGE));
	case 10:
		return result(posix_fadvise(fd, 0, PAGE, POSIX_FADV_WILLNEED));
	case 11:
		return result(file_set_flags(fd));
	case 12:
		return result(fchmod(fd, 0777));
	case 13:
		return result(fcntl(fd, F_SETOWN, getpid()));
	default:
		return result(fcntl(fd, F_GETFL));
	}
}

long run_reopen(const uint64_t *args)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_PATH, O_RDWR | O_TRUNC };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		 slot_get(POOL_BUFFER, args[0]));
	return slot_put(POOL_BUFFER, args[1],
			open(path, modes[args[2] % 4] | O_CLOEXEC | O_NONBLOCK));
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static int message_send(int socket, int fd)
{
	union control control = { 0 };
	struct iovec byte = { "", 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_DONTWAIT);
}

static int message_receive(int socket, int flags)
{
	union control control = { 0 };
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Pass a buffer through a socket; or only send it, and close the socket without a receiver. */
long run_pass(const uint64_t *args)
{
	int sockets[2], fd;
	long ret;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	fd = args[2] & 1 ? slot_take(POOL_BUFFER, args[0]) :
			   slot_get(POOL_BUFFER, args[0]);
	ret = result(message_send(sockets[0], fd));
	if (args[2] & 1)
		close(fd);
	if (ret >= 0 && !(args[2] & 2))
		ret = slot_put(POOL_BUFFER, args[1], message_receive(sockets[1], MSG_DONTWAIT));
	close(sockets[0]);
	close(sockets[1]);
	return ret;
}

static void child(const uint64_t *args)
{
	unsigned char byte = 1;

	if (args[2] & 1)
		memory_copy(window(args[0]), &byte, 1);
	if (args[2] & 2)
		munmap(window(args[0]), WINDOW);
	if (args[2] & 4)
		close(slot_get(POOL_BUFFER, args[1]));
	_exit(0);
}

long run_fork(const uint64_t *args)
{
	pid_t pid;
	long ret;

	/* The child has the files of importers as well: no device may change meanwhile. */
	importers_hold();
	pid = fork();
	if (!pid)
		child(args);
	ret = result(pid < 0 ? pid : waitpid(pid, NULL, 0));
	importers_release();
	return ret;
}

/* A socket to a process in its own user namespace; -1: there is no such process. */
static int container = -1;
static pthread_mutex_t container_lock = PTHREAD_MUTEX_INITIALIZER;

/* Open the device for each request, until the other end of the socket is closed. */
static void contain(int socket)
{
	char byte;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER))
		_exit(1);
	while (read(socket, &byte, 1) == 1) {
		fd = open(BUFALLOC_DEVICE, O_RDWR | O_CLOEXEC);
		/* Send an answer without a file: the other process waits. */
		if (fd < 0 || message_send(socket, fd) < 0)
			send(socket, "", 1, MSG_NOSIGNAL);
		close(fd);
	}
	_exit(0);
}

/* Call once in each process, while the process is small. A fork for each call takes long. */
void container_create(void)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return;
	pid = fork();
	if (!pid) {
		close(sockets[0]);
		contain(sockets[1]);
	}
	close(sockets[1]);
	container = sockets[0];
}

/* Let the process in the container open the device, and receive the file descriptor. */
long run_open_contained(const uint64_t *args)
{
	int fd = -1;

	pthread_mutex_lock(&container_lock);
	if (send(container, "", 1, MSG_NOSIGNAL) == 1)
		fd = message_receive(container, 0);
	pthread_mutex_unlock(&container_lock);
	return slot_put(POOL_DEVICE, args[0], fd);
}

static int open_dma_heap(void)
{
	struct dma_heap_allocation_data data = {
		.len = 16 * PAGE,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	int ret;

	if (heap < 0)
		return -1;
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	close(heap);
	return ret ? -1 : (int)data.fd;
}

static int open_pipe(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -1;
	close(fds[1]);
	return fds[0];
}

long run_open_other(const uint64_t *args)
{
	int fd;

	switch (args[1] % 5) {
	case 0:
		fd = memfd_create("other", MFD_CLOEXEC);
		break;
	case 1:
		fd = open_pipe();
		break;
	case 2:
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		break;
	case 3:
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		break;
	default:
		fd = open_dma_heap();
	}
	return slot_put(POOL_OTHER, args[0], fd);
}

long run_close_other(const uint64_t *args)
{
	return result(close(slot_take(POOL_OTHER, args[0])));
}

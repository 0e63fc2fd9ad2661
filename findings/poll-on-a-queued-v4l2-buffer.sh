#!/bin/bash
# poll(2) says that a dma-buf is ready to read while a capture device still has it.
#
# Version: Debian's Linux 6.12.117-1 (trixie), vivid, system heap.
# Expected: Documentation/driver-api/dma-buf.rst, "Implicit Fence Poll Support": EPOLLIN and EPOLLOUT
#   tell whether the devices' accesses have ended. So neither comes before the camera has filled the buffer.
#   (A comment for drivers, in include/linux/dma-buf.h, names v4l as one that sets no fences.)
# Seen, with the buffer queued (VIDIOC_QBUF) and the stream off, so that no frame can have come:
#     poll of a queued buffer: POLLIN POLLOUT
#     DMA_BUF_IOCTL_EXPORT_SYNC_FILE: signalled
#     VIDIOC_QUERYBUF: queued
# Why it matters: a consumer that got only the dma-buf reads the frame before it is there, and no call fails.
#   V4L2 puts no fence into a dma-buf, and a buffer without fences is always ready.
# Instead: pass a buffer on only after VIDIOC_DQBUF, and tell the consumer's end of use by a message of your own.
set -eu -o pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "could not run: $*" >&2; exit 2; }

for tool in apt-get dpkg gcc objcopy xz qemu-system-x86_64; do
	command -v "$tool" > /dev/null || cannot "no $tool"
done

# fetch TREE SUITE PACKAGE=VERSION...: unpacks Debian's packages into $work/TREE.
fetch()
{
	local tree=$work/$1 apt=$work/apt-$2 suite=$2 here uri deb
	shift 2
	here=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	uri=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | sed -n "s/^$here //p" | head -n 1)
	[ "$uri" ] || cannot "apt has no source of this Debian"
	mkdir -p "$tree" "$apt"/{lists,archives}/partial "$apt/deb"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" > "$apt/list"
	cat > "$apt/conf" <<- END
		Dir::Etc::SourceList "$apt/list"; Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$apt/lists"; Dir::State::Status "/dev/null"; Dir::Cache "$apt";
		APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Sandbox::User "root";
		Acquire::Languages "none";
	END
	apt-get -qq -c "$apt/conf" update || cannot "no package lists of $suite"
	(cd "$apt/deb" && apt-get -qq -c "$apt/conf" download "$@") || cannot "$suite no longer has $*"
	for deb in "$apt/deb"/*; do dpkg -x "$deb" "$tree"; done
	rm -r "$apt"
}

# take_modules TREE NAME...: those that a module needs come first in the guest.
take_modules()
{
	local tree=$work/$1 name file
	shift
	for name; do
		[ ! -e "$work/ko/$name" ] || continue
		file=$(find "$tree" -regex ".*/${name//[-_]/[-_]}\.ko\.xz" -print -quit)
		[ "$file" ] || continue # Built in.
		xz -dc "$file" > "$work/ko/$name"
		# shellcheck disable=SC2046 # Words.
		take_modules "${tree##*/}" $(objcopy -O binary -j .modinfo "$work/ko/$name" /dev/stdout |
			tr '\0' '\n' | sed -n 's/^depends=//p' | tr , ' ')
		cp "$work/ko/$name" "$work/guest/modules/$(printf %02d "$(find "$work/guest/modules" -type f | wc -l)")"
	done
}

# Pads what has so many bytes to a multiple of 4, as an initramfs has it.
pad() { head -c $(((4 - $1 % 4) % 4)) /dev/zero; }

# entry NAME MODE [FILE]: one of an initramfs.
entry()
{
	local size=0
	[ ! "${3-}" ] || size=$(stat -c %s "$3")
	printf '070701%08x%08x%016x%08x%08x%08x%032x%08x%08x%s\0' $((++inode)) "$2" 0 1 0 "$size" 0 $((${#1} + 1)) 0 "$1"
	pad $((111 + ${#1}))
	[ ! "${3-}" ] || { cat "$3"; pad "$size"; }
}

initramfs()
{
	local inode=0 file
	entry modules $((040755))
	for file in init modules/*; do
		[ ! -e "$file" ] || entry "$file" $((0100755)) "$file"
	done
	entry 'TRAILER!!!' 0
}

# boot TREE OPTIONS [MODULE...]: runs $work/guest.c as a kernel's first program and
# prints what it saw.
boot()
{
	local tree=$1 options=$2 kernel
	shift 2
	rm -rf "$work/ko" "$work/guest" "$work/console"
	mkdir -p "$work/ko" "$work/guest/modules"
	take_modules "$tree" "$@"
	gcc -static -O1 -Wall -Werror -o "$work/guest/init" "$work/guest.c" >&2 || cannot "gcc failed"
	(cd "$work/guest" && initramfs) > "$work/initramfs"
	kernel=$(find "$work/$tree" -name 'vmlinuz*' -print -quit)
	[ "$kernel" ] || cannot "no kernel in the packages"
	timeout 120 qemu-system-x86_64 -accel tcg -cpu max,la57=off -smp 2 -m 2G -nodefaults \
		-display none -no-reboot -serial "file:$work/console" -kernel "$kernel" \
		-initrd "$work/initramfs" -append "console=ttyS0 quiet panic=-1 oops=panic no_timer_check $options" \
		${disk:+-drive "file=$disk,format=raw,if=virtio"} >&2 < /dev/null || cannot "the guest did not end"
	tr -d '\r' < "$work/console" | sed -n 's/^.*SEEN //p' > "$work/seen"
	cat "$work/seen" >&2
	grep -q '^end$' "$work/seen" || cannot "the guest did not come to its end"
	sed -e '/^end$/d' -e '/^(/d' "$work/seen"
}

fetch old trixie linux-image-6.12.117+deb13-amd64=6.12.117-1

cat > "$work/guest.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <poll.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/videodev2.h>

/* The host takes these lines from the console; it compares no line that begins with "(". */
static void say(const char *format, ...)
{
	char line[512];
	va_list values;

	va_start(values, format);
	vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	dprintf(1, "SEEN %s\n", line);
}

/* What a call gave, by name. */
static const char *outcome(long result)
{
	return result < 0 ? strerrorname_np(errno) : "success";
}

/* Without such a call nothing can be said of the rest. */
static long need(long result, const char *what)
{
	if (result < 0) {
		say("(could not: %s: %s)", what, outcome(result));
		reboot(RB_AUTOBOOT);
	}
	return result;
}

static void start(void)
{
	char path[32];
	int i, fd;

	mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0), dup2(fd, 1), dup2(fd, 2);
	for (i = 0; sprintf(path, "/modules/%02d", i), (fd = open(path, O_RDONLY)) >= 0; i++) {
		need(syscall(SYS_finit_module, fd, "", 0), path);
		close(fd);
	}
}

static int heap_buffer(size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = need(open("/dev/dma_heap/system", O_RDONLY), "open the system heap");

	need(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	return data.fd;
}

int main(void)
{
	struct v4l2_requestbuffers request = { .count = 1, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF };
	struct v4l2_buffer buffer = { .type = request.type, .memory = request.memory };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	struct pollfd poll_fence = { .events = POLLIN };
	struct pollfd poll_buffer = { .events = POLLIN | POLLOUT };
	int video;

	start();
	video = need(open("/dev/video0", O_RDWR | O_NONBLOCK), "open /dev/video0");
	need(ioctl(video, VIDIOC_REQBUFS, &request), "VIDIOC_REQBUFS");
	poll_buffer.fd = buffer.m.fd = heap_buffer(4 << 20);
	need(ioctl(video, VIDIOC_QBUF, &buffer), "VIDIOC_QBUF");

	poll(&poll_buffer, 1, 0);
	say("poll of a queued buffer:%s%s", poll_buffer.revents & POLLIN ? " POLLIN" : "",
	    poll_buffer.revents & POLLOUT ? " POLLOUT" : "");
	need(ioctl(poll_buffer.fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export), "DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	poll_fence.fd = export.fd;
	say("DMA_BUF_IOCTL_EXPORT_SYNC_FILE: %s", poll(&poll_fence, 1, 0) == 1 ? "signalled" : "pending");
	need(ioctl(video, VIDIOC_QUERYBUF, &buffer), "VIDIOC_QUERYBUF");
	say("VIDIOC_QUERYBUF: %s", buffer.flags & V4L2_BUF_FLAG_QUEUED ? "queued" : "not queued");
	say("end");
	tcdrain(1);
	reboot(RB_AUTOBOOT);
}
END

stated="poll of a queued buffer: POLLIN POLLOUT
DMA_BUF_IOCTL_EXPORT_SYNC_FILE: signalled
VIDIOC_QUERYBUF: queued"
seen=$(boot old "" vivid)
[ "$seen" = "$stated" ] || { diff <(echo "$stated") <(echo "$seen") || true; echo "changed"; exit 1; }
echo "as stated"

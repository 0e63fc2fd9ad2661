#!/bin/bash
# Memory of the system dma-heap is in no line of /proc/meminfo and in no Rss; a memory cgroup does not count it.
#
# Version: Debian's Linux 7.3.4-1~bpo13+1 (trixie-backports), system heap.
# Expected: Documentation/filesystems/proc.rst (meminfo, VmRSS) and Documentation/admin-guide/cgroup-v2.rst
#   (memory.current: all memory used by the cgroup). 256 MiB that a program allocated, mapped and
#   wrote are found as used memory of some kind, of that program, of its cgroup.
# Seen: 256 MiB allocated, mapped and written by a program in a cgroup with memory.max = 32 MiB:
#     MemFree: fell by 256 MiB
#     lines of /proc/meminfo that grew by 128 MiB or more: none
#     VmRSS: under 32 MiB
#     memory.current: under 32 MiB
#     memory.events, max: 0
# Why it matters: a leak of shared buffers looks like memory that is lost: no tool that reads meminfo, Rss or a
#   cgroup says who has it, and the OOM killer chooses a program that has none of it.
# Instead: sum up the sizes in /proc/PID/fdinfo and /proc/PID/maps of "/dmabuf:" (each inode once), or read
#   /sys/kernel/debug/dma_buf/bufinfo. Limit buffers by their own count.
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

fetch new trixie-backports linux-binary-7.3.4+deb13-amd64=7.3.4-1~bpo13+1

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
#include <linux/dma-heap.h>

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

/* The number after NAME in a file of /proc or debugfs. */
static long number_in(const char *path, const char *name)
{
	char line[256];
	long value = -1;
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static int heap_buffer(size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = need(open("/dev/dma_heap/system", O_RDONLY), "open the system heap");

	need(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	return data.fd;
}

#define SIZE (256L << 20)

struct line {
	char name[32];
	long value;
};

static int read_meminfo(struct line *lines, int max)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char text[256];
	int n = 0;

	while (file && n < max && fgets(text, sizeof(text), file))
		if (sscanf(text, "%31s %ld", lines[n].name, &lines[n].value) == 2)
			n++;
	need(file ? fclose(file) : -1, "/proc/meminfo");
	return n;
}

static void write_to(const char *path, const char *text)
{
	int fd = need(open(path, O_WRONLY), path);

	need(write(fd, text, strlen(text)), path);
	close(fd);
}

static void join_cgroup(void)
{
	mkdir("/cgroup", 0755);
	need(mount("cgroup", "/cgroup", "cgroup2", 0, NULL), "mount cgroup2");
	write_to("/cgroup/cgroup.subtree_control", "+memory");
	need(mkdir("/cgroup/limited", 0755), "mkdir cgroup");
	write_to("/cgroup/limited/memory.max", "33554432");
	write_to("/cgroup/limited/cgroup.procs", "0");
}

int main(void)
{
	struct line before[99], after[99];
	char *bytes;
	int i, n, grew = 0;

	start();
	join_cgroup();
	n = read_meminfo(before, 99);
	bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, heap_buffer(SIZE), 0);
	need(bytes == MAP_FAILED ? -1 : 0, "mmap");
	memset(bytes, 1, SIZE);
	read_meminfo(after, 99);
	for (i = 0; i < n; i++) {
		long growth = after[i].value - before[i].value;

		if (!strcmp(before[i].name, "MemFree:"))
			say("MemFree: %s", growth <= -(SIZE >> 10) + 8192 ? "fell by 256 MiB" : "fell by less");
		if (growth >= SIZE >> 11 && ++grew)
			say("grew: %s", before[i].name);
	}
	say("lines of /proc/meminfo that grew by 128 MiB or more: %s", grew ? "some" : "none");
	say("VmRSS: %s", number_in("/proc/self/status", "VmRSS:") < 32 << 10 ? "under 32 MiB" : "more");
	say("memory.current: %s", number_in("/cgroup/limited/memory.current", "") < 32 << 20 ? "under 32 MiB" : "more");
	say("memory.events, max: %ld", number_in("/cgroup/limited/memory.events", "max "));
	say("end");
	tcdrain(1);
	reboot(RB_AUTOBOOT);
}
END

stated="MemFree: fell by 256 MiB
lines of /proc/meminfo that grew by 128 MiB or more: none
VmRSS: under 32 MiB
memory.current: under 32 MiB
memory.events, max: 0"
seen=$(boot new "")
[ "$seen" = "$stated" ] || { diff <(echo "$stated") <(echo "$seen") || true; echo "changed"; exit 1; }
echo "as stated"

#!/bin/bash
# With dma_heap.mem_accounting=1 an allocation beyond memory.max kills the program; without it nothing is counted.
#
# Version: Debian's Linux 7.3.4-1~bpo13+1 (trixie-backports), system heap, cgroup v2.
# Expected: DMA_HEAP_IOCTL_ALLOC fails with ENOMEM when the cgroup's limit is reached: it is one call for a
#   named size that has an error for just that. (Documentation/admin-guide/cgroup-v2.rst, memory.max: some kinds of
#   allocations do not call the OOM killer and may come back as ENOMEM.)
# Seen, of a child in a cgroup with memory.max = 32 MiB that allocates 64 MiB:
#     mem_accounting=0: DMA_HEAP_IOCTL_ALLOC: success; child exited; oom_kill 0
#     mem_accounting=1: child killed by signal 9; oom_kill 1
# Why it matters: a compositor or camera service that asks for one frame too many is killed with all its clients'
#   frames, where it would have shown a smaller one; the OOM killer may take another program of the cgroup.
# Instead: ask for no more than memory.max - memory.current, or allocate in a helper process of a cgroup of its own.
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
#include <sys/wait.h>
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

static void write_to(const char *path, const char *text)
{
	int fd = need(open(path, O_WRONLY), path);

	need(write(fd, text, strlen(text)), path);
	close(fd);
}

static void allocate(void)
{
	struct dma_heap_allocation_data data = { .len = 64 << 20, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = need(open("/dev/dma_heap/system", O_RDONLY), "open the system heap");

	write_to("/cgroup/limited/cgroup.procs", "0");
	say("DMA_HEAP_IOCTL_ALLOC: %s", outcome(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data)));
	_exit(0);
}

int main(void)
{
	int child, status;

	start();
	mkdir("/cgroup", 0755);
	need(mount("cgroup", "/cgroup", "cgroup2", 0, NULL), "mount cgroup2");
	write_to("/cgroup/cgroup.subtree_control", "+memory");
	need(mkdir("/cgroup/limited", 0755), "mkdir cgroup");
	write_to("/cgroup/limited/memory.max", "33554432");
	child = need(fork(), "fork");
	if (!child)
		allocate();
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		say("child killed by signal %d", WTERMSIG(status));
	else
		say("child exited");
	say("oom_kill %ld", number_in("/cgroup/limited/memory.events", "oom_kill "));
	say("end");
	tcdrain(1);
	reboot(RB_AUTOBOOT);
}
END

stated="DMA_HEAP_IOCTL_ALLOC: success
child exited
oom_kill 0
child killed by signal 9
oom_kill 1"
seen=$(boot new dma_heap.mem_accounting=0; boot new dma_heap.mem_accounting=1)
[ "$seen" = "$stated" ] || { diff <(echo "$stated") <(echo "$seen") || true; echo "changed"; exit 1; }
echo "as stated"

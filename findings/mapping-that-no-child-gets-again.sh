#!/bin/bash
# MADV_DONTFORK on a mapped dma-buf succeeds, and MADV_DOFORK, which takes it back, is EINVAL.
#
# Version: Debian's Linux 7.3.4-1~bpo13+1 (trixie-backports), system heap, udmabuf.
# Expected: madvise(2), MADV_DOFORK: undoes MADV_DONTFORK. So either MADV_DONTFORK is refused, or it can be taken back.
# Seen, of a buffer of the system heap and of a udmabuf alike:
#     MADV_DONTFORK: success
#     MADV_DOFORK: EINVAL
# Why it matters: a library that keeps a mapping from one fork only (DONTFORK, fork, DOFORK, as RDMA libraries do)
#   keeps it from all later ones: a child that uses the pointer then dies of SIGSEGV.
# Instead: leave the advice out, or map the buffer a second time for the child.
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
#include <linux/udmabuf.h>

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

static int sealed_memfd(size_t size)
{
	int fd = need(memfd_create("memory", MFD_ALLOW_SEALING), "memfd_create");

	need(ftruncate(fd, size), "ftruncate");
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), "F_SEAL_SHRINK");
	return fd;
}

static long create_udmabuf(int memory, size_t size)
{
	struct udmabuf_create create = { .memfd = memory, .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	int device = need(open("/dev/udmabuf", O_RDWR), "open /dev/udmabuf");
	long result = ioctl(device, UDMABUF_CREATE, &create);
	int error = errno;

	close(device);
	errno = error;
	return result;
}

static void advise(const char *name, int fd)
{
	char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	need(bytes == MAP_FAILED ? -1 : 0, "mmap");
	say("%s, MADV_DONTFORK: %s", name, outcome(madvise(bytes, 4096, MADV_DONTFORK)));
	say("%s, MADV_DOFORK: %s", name, outcome(madvise(bytes, 4096, MADV_DOFORK)));
}

int main(void)
{
	start();
	advise("heap", heap_buffer(4096));
	advise("udmabuf", need(create_udmabuf(sealed_memfd(4096), 4096), "UDMABUF_CREATE"));
	say("end");
	tcdrain(1);
	reboot(RB_AUTOBOOT);
}
END

stated="MADV_DONTFORK: success
MADV_DOFORK: EINVAL"
# Each line gets the word.
# shellcheck disable=SC2001
stated=$(sed 's/^/heap, /' <<< "$stated"; sed 's/^/udmabuf, /' <<< "$stated")
seen=$(boot new "")
[ "$seen" = "$stated" ] || { diff <(echo "$stated") <(echo "$seen") || true; echo "changed"; exit 1; }
echo "as stated"

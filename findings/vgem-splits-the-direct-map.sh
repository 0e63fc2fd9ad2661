#!/bin/bash
# One mapped dumb buffer of vgem splits the kernel's large pages, and they stay split when it is gone.
#
# Version: Debian's Linux 6.12.117-1 (trixie), vgem.
# Expected: the memory of a closed buffer is as before: DirectMap4k of /proc/meminfo
#   (Documentation/filesystems/proc.rst: how the kernel maps RAM) is what it was before the buffer was made.
# Seen, after a dumb buffer of 32 MiB was mapped, written, unmapped, destroyed and the device closed:
#     DirectMap4k, buffer mapped: grew by 32 MiB or more
#     DirectMap4k, device closed: grew by 32 MiB or more
#   (30580 kB before, 65396 kB with the buffer and 65396 kB for good after the close.)
# Why it matters: vgem gives write-combined memory and changes the kernel's own mapping page by page.
#   A test suite that makes buffers of vgem turns 2 MiB pages of all the kernel's memory into 4 KiB pages:
#   later measurements in the same boot have more TLB misses than those before.
# Instead: measure in a boot where no vgem buffer was mapped, or compare DirectMap4k before and after.
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
#include <linux/types.h>

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

struct drm_mode_create_dumb { __u32 height, width, bpp, flags, handle, pitch; __u64 size; };
struct drm_mode_map_dumb { __u32 handle, pad; __u64 offset; };
struct drm_mode_destroy_dumb { __u32 handle; };
#define DRM_IOCTL_MODE_CREATE_DUMB _IOWR('d', 0xb2, struct drm_mode_create_dumb)
#define DRM_IOCTL_MODE_MAP_DUMB _IOWR('d', 0xb3, struct drm_mode_map_dumb)
#define DRM_IOCTL_MODE_DESTROY_DUMB _IOWR('d', 0xb4, struct drm_mode_destroy_dumb)

static void say_growth(const char *when, long before)
{
	long now = number_in("/proc/meminfo", "DirectMap4k:");

	say("(DirectMap4k: %ld kB, then %ld kB)", before, now);
	say("DirectMap4k, %s: %s", when, now - before >= 32 << 10 ? "grew by 32 MiB or more" : "grew by less");
}

int main(void)
{
	struct drm_mode_create_dumb create = { .width = 1024, .height = 8192, .bpp = 32 };
	struct drm_mode_map_dumb map = {};
	struct drm_mode_destroy_dumb destroy = {};
	long before;
	int device;
	char *bytes;

	start();
	device = need(open("/dev/dri/card0", O_RDWR), "open /dev/dri/card0");
	before = number_in("/proc/meminfo", "DirectMap4k:");
	need(ioctl(device, DRM_IOCTL_MODE_CREATE_DUMB, &create), "CREATE_DUMB");
	map.handle = destroy.handle = create.handle;
	need(ioctl(device, DRM_IOCTL_MODE_MAP_DUMB, &map), "MAP_DUMB");
	bytes = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, map.offset);
	need(bytes == MAP_FAILED ? -1 : 0, "mmap");
	memset(bytes, 1, create.size);
	say_growth("buffer mapped", before);
	munmap(bytes, create.size);
	need(ioctl(device, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy), "DESTROY_DUMB");
	close(device);
	sleep(1);
	say_growth("device closed", before);
	say("end");
	tcdrain(1);
	reboot(RB_AUTOBOOT);
}
END

stated="DirectMap4k, buffer mapped: grew by 32 MiB or more
DirectMap4k, device closed: grew by 32 MiB or more"
seen=$(boot old "" vgem)
[ "$seen" = "$stated" ] || { diff <(echo "$stated") <(echo "$seen") || true; echo "changed"; exit 1; }
echo "as stated"

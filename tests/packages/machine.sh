# shellcheck shell=bash
# A Debian that packages are installed in and that is booted: a copy of a root,
# which itself stays as it is.

machine_dir() { echo "$cache_dir/machines/$1"; }

# machine_make NAME ROOT
machine_make()
{
	local dir
	dir=$(machine_dir "$1")
	machine_remove "$1"
	mkdir -p "$dir"
	as_root cp -a --reflink=auto "$(root_path "$2")" "$dir/root"
	# What is installed starts no service: there is no system running in it yet.
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$dir/root/usr/sbin/policy-rc.d" > /dev/null
	as_root chmod 755 "$dir/root/usr/sbin/policy-rc.d"
}

machine_remove() { as_root rm -rf --one-file-system "$(machine_dir "$1")"; }

# Runs as root in namespaces of its own.
machine_enter_mounted()
{
	local root=$1 source=$2 kernels=$3 node
	shift 3

	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/run"
	mount -t tmpfs tmpfs "$root/dev"
	for node in null zero full random urandom tty; do
		: > "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	ln -s /proc/self/fd "$root/dev/fd"
	mkdir "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	mount --bind "$source" "$root/src"
	mount -o remount,bind,ro "$root/src"
	mount --bind "$kernels" "$root/kernels"
	mount --bind "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
	# Whatever a maintainer script tries, no module gets into the running kernel.
	exec chroot "$root" setpriv --bounding-set -sys_module,-sys_boot,-sys_time \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# in_machine NAME COMMAND...: as root of the machine, with the source tree at
# /src. It sees no process, no device and no mount of the machine around it.
in_machine()
{
	local root
	root=$(machine_dir "$1")/root
	shift
	as_root unshare --mount --pid --ipc --uts --kill-child --propagation private \
		bash -ec "$(declare -f machine_enter_mounted); machine_enter_mounted \"\$@\"" bash \
		"$root" "$source_dir" "$cache_dir/kernels" "$@"
}

# machine_apt NAME ROOT COMMAND...: with the lists and packages that the cache
# has of ROOT.
machine_apt()
{
	local name=$1 root=$2
	shift 2
	in_machine "$name" apt-get -y --no-install-recommends -o "Dir::State::Lists=/kernels/apt/$root/lists" \
		-o "Dir::Cache=/kernels/apt/$root" -o APT::Sandbox::User= -o APT::Keep-Downloaded-Packages=true \
		-o Dpkg::Options::=--force-unsafe-io "$@"
}

# Every path of it, and what is in the files of /etc.
machine_files()
{
	as_root sh -euc '
		cd "$1"
		find . -xdev \( -path ./check -prune \) -o -printf "%P %y\n"
		find etc -xdev -type f ! -name ld.so.cache -exec sha256sum {} +
	' sh "$(machine_dir "$1")/root" | LC_ALL=C sort
}

# What is installed: a directory in /lib/modules could be anybody's.
machine_kernels() { (cd "$(machine_dir "$1")/root/boot" && printf '%s\n' vmlinuz-* | sed 's/^vmlinuz-//'); }

# machine_boot NAME RELEASE COMMAND OUT: its own kernel with its own initrd and
# its own systemd, which runs COMMAND. Leaves OUT/console.log and OUT/results,
# which is the second serial line.
machine_boot()
{
	local dir release=$2 command=$3 out=$4
	dir=$(machine_dir "$1")
	mkdir -p "$out"
	: > "$out/results"
	rm -f "$dir/disk"
	truncate -s 3G "$dir/disk"
	as_root /usr/sbin/mke2fs -q -t ext4 -d "$dir/root" "$dir/disk"
	timeout --foreground -s KILL "${GUEST_TIMEOUT:-300}" qemu-system-x86_64 \
		-M q35 -cpu "max,la57=off,-erms,-fsrm" -accel tcg,thread=single -smp 2 -m 2G \
		-display none -no-reboot -nodefaults \
		-kernel "$dir/root/boot/vmlinuz-$release" -initrd "$dir/root/boot/initrd.img-$release" \
		-append "console=ttyS0 panic=-1 oops=panic root=/dev/vda rw systemd.run=$command" \
		-drive "file=$dir/disk,if=virtio,format=raw,cache=unsafe" \
		-serial "file:$out/console.log" -serial "file:$out/results" \
		> "$out/qemu.log" 2>&1 < /dev/null
}

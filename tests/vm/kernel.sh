# shellcheck shell=bash
# Stock Debian kernels with their headers, unpacked from their packages into the
# cache. Nothing of them is installed, and which one is the newest of a series
# is looked up, never written down here.

# kernel_apt ROOT COMMAND...: apt of a root, with lists outside of it: a root is
# read-only.
kernel_apt()
{
	local root=$1 command=$2
	shift 2
	in_root "$root" "$command" -o "Dir::State::Lists=/kernels/apt/$root/lists" \
		-o "Dir::Cache=/kernels/apt/$root" -o APT::Sandbox::User= \
		-o Acquire::Languages=none "$@"
}

# kernel_lists ROOT: once a day. Without a network the lists of yesterday do.
kernel_lists()
{
	local root=$1 dir=$cache_dir/kernels/apt/$1

	[ -z "$(find "$dir/stamp" -mtime -1 2> /dev/null)" ] || return 0
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	say "looking for new kernels (root '$root')"
	if logged "$build_dir/log/kernel-lists-$root" \
		kernel_apt "$root" apt-get -o APT::Update::Error-Mode=any update; then
		touch "$dir/stamp"
	elif [ ! -e "$dir/stamp" ]; then
		return 1
	fi
}

series_root() { table "$vm/cells" "series ${1//./\\.}"; }

arch_field() { table "$vm/cells" "arch $1" | awk -v n="$2" '{ print $n }'; }

# kernel_newest SERIES ARCH ROOT: its newest release, e.g. 6.1.0-9-amd64.
kernel_newest()
{
	local series=${1//./\\.} flavour
	flavour=$(arch_field "$2" 1)
	kernel_apt "$3" apt-cache pkgnames "linux-image-$1." |
		sed -n -E "s/^linux-image-($series\.[^-]+(-[0-9]+)?-$flavour)$/\1/p" |
		sort -V | tail -n 1
}

# kernel_packages RELEASE ROOT: what makes one kernel and its headers.
kernel_packages()
{
	kernel_apt "$2" apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "linux-image-$1" "linux-headers-$1" |
		sed -n -E 's/^  Depends: (linux-(headers|kbuild|binary|modules|base)-.*[0-9].*)/\1/p'
	printf '%s\n' "linux-image-$1" "linux-headers-$1"
}

# kernel_unpack ARCH RELEASE ROOT PACKAGES: all of them look alike afterwards.
kernel_unpack()
{
	local arch=$1 release=$2 root=$3 packages=$4
	in_root "$root" sh -exc '
		dir=/kernels/$1/$2.part
		rm -rf "$dir"
		mkdir -p "$dir/deb"
		cd "$dir/deb"
		apt-get -o "Dir::State::Lists=/kernels/apt/$3/lists" -o "Dir::Cache=/kernels/apt/$3" \
			-o APT::Sandbox::User= download $4
		for deb in *.deb; do dpkg -x "$deb" ..; done
		cd ..
		rm -rf deb usr/share
		# Newer packages have no /lib and no /boot of their own.
		[ -d lib/modules ] || ln -s usr/lib lib
		[ -d boot ] || { mkdir boot; ln -s "../lib/modules/$2/vmlinuz" "boot/vmlinuz-$2"; }
		# The headers name each other by where they would be installed.
		sed -i "s,/usr/src/,/kernels/$1/$2/usr/src/," usr/src/*/Makefile
		depmod -b . "$2"
		mv "$dir" "/kernels/$1/$2"
	' sh "$arch" "$release" "$root" "$packages"
}

# kernel_fetch SERIES ARCH: sets kernel_release. Needs the series' root.
kernel_fetch()
{
	local packages root

	root=$(series_root "$1")
	kernel_lists "$root" || return
	kernel_release=$(kernel_newest "$1" "$2" "$root")
	[ "$kernel_release" ] || die "No kernel $1 for $2 in the package lists."
	[ ! -d "$cache_dir/kernels/$2/$kernel_release" ] || return 0
	say "kernel $kernel_release: download and unpack"
	packages=$(kernel_packages "$kernel_release" "$root" | sort -u | xargs)
	logged "$build_dir/log/kernel-$kernel_release" \
		kernel_unpack "$2" "$kernel_release" "$root" "$packages"
}

# Of the source only what our tests and lint use: it is a gigabyte and a half.
kernel_source_unpack()
{
	in_root build sh -exc '
		dir=/kernels/source/$2.part
		rm -rf "$dir"
		mkdir -p "$dir"
		cd "$dir"
		apt-get -o Dir::State::Lists=/kernels/apt/build/lists -o Dir::Cache=/kernels/apt/build \
			-o APT::Sandbox::User= download "$1"
		dpkg --fsys-tarfile *.deb | tar -xO "./usr/src/$1.tar.xz" |
			tar -xJ --strip-components=1 --wildcards \
				"*/scripts/checkpatch.pl" "*/scripts/spelling.txt" \
				"*/scripts/const_structs.checkpatch" "*/scripts/kernel-doc" \
				"*/tools/testing/selftests/kselftest*.h"
		rm *.deb
		mv "$dir" "/kernels/source/$2"
	' sh "$1" "$2"
}

# kernel_source: sets kernel_source to where the pieces are, as seen in a root.
kernel_source()
{
	local package version
	kernel_lists build || return
	package=linux-source-$(table "$vm/cells" tests)
	version=$(kernel_apt build apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')
	[ "$version" ] || die "No $package in the package lists."
	kernel_source=/kernels/source/$version
	[ ! -d "$cache_dir$kernel_source" ] || return 0
	say "$package: kselftest_harness.h, checkpatch, kernel-doc"
	logged "$build_dir/log/$package" kernel_source_unpack "$package" "$version"
}

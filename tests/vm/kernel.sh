# shellcheck shell=bash
# Stock Debian kernels with their headers, unpacked from their packages into the
# cache. Nothing of them is installed, and which one is the newest of a series
# is looked up, never written down here.
. "$vm/source.sh"

# kernel_facts WHAT RELEASE: the words that the table says of the kernels with such
# a name.
kernel_facts()
{
	local pattern words
	while read -r pattern words; do
		# shellcheck disable=SC2053 # A pattern.
		[[ $2 != $pattern ]] || echo "$words"
	done < <(table "$vm/cells" "$1") | xargs
}

# How code of an architecture is compiled on this one: the kernel's name for it,
# the prefix of its tools, that of tools for its programs of 32 bits.
cross_line() { [ "$1" = "$host_arch" ] || table "$vm/cells" "cross $1"; }

# kernel_line SERIES ARCH: its root, prefix, flavour and how many lines before.
kernel_line() { table "$vm/cells" "kernel ${1//./\\.} $2"; }

# The root whose compiler builds modules for a series on an architecture.
series_root() { { kernel_line "$1" "$2"; source_line "$1" "$2"; } | awk '{ print $1 }'; }

arch_field() { table "$vm/cells" "arch $1" | awk -v n="$2" '{ print $n }'; }

# The name of what is kept outside of a root, which is read-only.
kernel_lists_name() { if [ "$2" = "$host_arch" ]; then echo "$1"; else echo "$1-$2"; fi; }

# kernel_apt ROOT ARCH COMMAND...: apt of a root as a machine of that
# architecture has it, on which nothing is installed.
kernel_apt()
{
	local root=$1 arch=$2 command=$3 dir
	shift 3
	dir=/kernels/apt/$(kernel_lists_name "$root" "$arch")
	mkdir -p "$cache_dir$dir/deb"
	in_root "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$dir/deb" "$command" \
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir" -o Dir::State::Status=/dev/null \
		-o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o APT::Sandbox::User= \
		-o Acquire::Languages=none "$@"
}

# kernel_lists ROOT ARCH: once a day. Without a network the lists of yesterday do.
kernel_lists()
{
	local name dir

	name=$(kernel_lists_name "$1" "$2")
	dir=$cache_dir/kernels/apt/$name
	[ -z "$(find "$dir/stamp" -mtime -1 2> /dev/null)" ] || return 0
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	say "looking for new kernels (root '$1', $2)"
	if logged "$build_dir/log/kernel-lists-$name" \
		kernel_apt "$1" "$2" apt-get -o APT::Update::Error-Mode=any update; then
		touch "$dir/stamp"
	elif [ ! -e "$dir/stamp" ]; then
		return 1
	fi
}

# kernel_download ROOT ARCH PACKAGE...: sets kernel_debs to where they are.
kernel_download()
{
	kernel_debs=/kernels/apt/$(kernel_lists_name "$1" "$2")/deb
	rm -rf "$cache_dir$kernel_debs"
	kernel_apt "$1" "$2" apt-get download "${@:3}"
}

# kernel_newest SERIES ARCH: its newest release, e.g. 6.1.0-9-amd64; of the minor
# line that is so many before the newest, where the table says so.
kernel_newest()
{
	local root prefix flavour before
	read -r root prefix flavour before < <(kernel_line "$1" "$2")
	kernel_apt "$root" "$2" apt-cache pkgnames "linux-image-$prefix." |
		sed -n -E "s/^linux-image-(${prefix//./\\.}\.[^-]+(-[0-9]+)?-$flavour)$/\1/p" |
		sort -V -r | awk -F . -v before="${before:-0}" '
			$1 "." $2 != line { line = $1 "." $2; n++ }
			n > before { print; exit }'
}

# kernel_packages RELEASE ROOT ARCH: what makes one kernel and its headers.
kernel_packages()
{
	kernel_apt "$2" "$3" apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "linux-image-$1" "linux-headers-$1" |
		sed -n -E 's/^  Depends: (linux-(headers|kbuild|binary|modules|base)-.*[0-9].*)/\1/p'
	printf '%s\n' "linux-image-$1" "linux-headers-$1"
}

# kernel_unpack ARCH RELEASE ROOT DIR...: all of them look alike afterwards.
kernel_unpack()
{
	local root=$3
	in_root "$root" sh -exc '
		arch=$1 release=$2
		shift 3
		dir=/kernels/$arch/$release.part
		rm -rf "$dir"
		mkdir -p "$dir"
		cd "$dir"
		for deb in $(printf "%s/*.deb " "$@"); do dpkg -x "$deb" .; done
		rm -rf usr/share
		# Newer packages have no /lib and no /boot of their own.
		[ -d lib/modules ] || ln -s usr/lib lib
		[ -d boot ] || { mkdir boot; ln -s "../lib/modules/$release/vmlinuz" "boot/vmlinuz-$release"; }
		# The headers name each other by where they would be installed.
		sed -i "s,/usr/src/,/kernels/$arch/$release/usr/src/," usr/src/*/Makefile
		depmod -b . "$release"
		mv "$dir" "/kernels/$arch/$release"
	' sh "$1" "$2" "$root" "${@:4}"
}

# kernel_get SERIES ARCH: kernel_release into the cache. The programs that build
# modules (linux-kbuild) run here, whatever they build for.
kernel_get()
{
	local series=$1 arch=$2 root host_root packages programs dirs

	root=$(series_root "$series" "$arch")
	mapfile -t packages < <(kernel_packages "$kernel_release" "$root" "$arch" | sort -u)
	if [ "$arch" = "$host_arch" ]; then
		kernel_download "$root" "$arch" "${packages[@]}" || return
		dirs=("$kernel_debs")
	else
		host_root=$(series_root "$series" "$host_arch")
		mapfile -t programs < <(printf '%s\n' "${packages[@]}" | grep linux-kbuild)
		mapfile -t packages < <(printf '%s\n' "${packages[@]}" | grep -v linux-kbuild)
		kernel_download "$host_root" "$host_arch" "${programs[@]}" || return
		dirs=("$kernel_debs")
		kernel_download "$root" "$arch" "${packages[@]}" || return
		dirs+=("$kernel_debs")
	fi
	kernel_unpack "$arch" "$kernel_release" "$root" "${dirs[@]}" || return
	rm -rf "${dirs[@]/#/$cache_dir}"
}

# kernel_of_lists SERIES ARCH: sets kernel_release, of the lists that there are.
kernel_of_lists()
{
	kernel_lists "$(series_root "$1" "$2")" "$2" || return
	kernel_lists "$(series_root "$1" "$host_arch")" "$host_arch" || return
	kernel_release=$(kernel_newest "$1" "$2")
	[ "$kernel_release" ] || die "No kernel $1 for $2 in the package lists."
	[ ! -d "$cache_dir/kernels/$2/$kernel_release" ] || return 0
	say "kernel $kernel_release: download and unpack"
	logged "$build_dir/log/kernel-$kernel_release" kernel_get "$1" "$2"
}

# kernel_fetch SERIES ARCH: sets kernel_release. Needs the series' roots.
kernel_fetch()
{
	if is_from_source "$1" "$2"; then
		kernel_lists "$(series_root "$1" "$2")" "$2" || return
		source_fetch "$1" "$2"
		return
	fi
	kernel_of_lists "$1" "$2" && return
	# What lists of yesterday name a mirror may have dropped today: make them older.
	touch -c -d @0 "$cache_dir"/kernels/apt/*/stamp
	kernel_of_lists "$1" "$2"
}

# Of the source only what our tests and lint use: it is a gigabyte and a half.
kernel_source_get()
{
	kernel_download build "$host_arch" "$1" || return
	in_root build sh -exc '
		dir=/kernels/source/$2.part
		rm -rf "$dir"
		mkdir -p "$dir"
		cd "$dir"
		dpkg --fsys-tarfile "$3"/*.deb | tar -xO "./usr/src/$1.tar.xz" |
			tar -xJ --strip-components=1 --wildcards \
				"*/scripts/checkpatch.pl" "*/scripts/spelling.txt" \
				"*/scripts/const_structs.checkpatch" "*/scripts/kernel-doc" \
				"*/tools/testing/selftests/kselftest*.h"
		mv "$dir" "/kernels/source/$2"
	' sh "$1" "$2" "$kernel_debs"
	rm -rf "$cache_dir$kernel_debs"
}

# kernel_source: sets kernel_source to where the pieces are, as seen in a root.
kernel_source()
{
	local package version
	kernel_lists build "$host_arch" || return
	package=linux-source-$(table "$vm/cells" tests)
	version=$(kernel_apt build "$host_arch" apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')
	[ "$version" ] || die "No $package in the package lists."
	kernel_source=/kernels/source/$version
	[ ! -d "$cache_dir$kernel_source" ] || return 0
	say "$package: kselftest_harness.h, checkpatch, kernel-doc"
	logged "$build_dir/log/$package" kernel_source_get "$package" "$version"
}

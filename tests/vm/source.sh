# shellcheck shell=bash
# Kernels that Debian does not build, from its source: what they have is in
# kernels/. Made once for each version and configuration, and kept whole, in the
# places where a stock kernel has the same things.

# source_line SERIES ARCH: its root, prefix and fragments, where it is such a kernel.
source_line() { table "$vm/cells" "source ${1//./\\.} $2"; }

is_from_source() { [ "$(source_line "$1" "$2")" ]; }

# source_package SERIES ARCH: the newest that there is.
source_package()
{
	local root prefix
	read -r root prefix _ < <(source_line "$1" "$2")
	kernel_apt "$root" "$2" apt-cache pkgnames "linux-source-$prefix" |
		grep -E "^linux-source-${prefix//./\\.}(\.[0-9]+)?$" | sort -V | tail -n 1
}

source_version()
{
	kernel_apt "$1" "$2" apt-cache show --no-all-versions "$3" | sed -n 's/^Version: //p'
}

# What make is told: nothing that differs between two builds of the same, and
# undefined behaviour of our modules alone is of interest.
source_make_words()
{
	echo UBSAN_SANITIZE=n KBUILD_BUILD_TIMESTAMP=@0 \
		KBUILD_BUILD_USER=bufalloc KBUILD_BUILD_HOST=bufalloc
}

# source_name ARCH ROOT VERSION FRAGMENT...: what follows the version in its release.
source_name()
{
	local root=$2 version=$3 fragment triplet
	read -r _ triplet _ < <(cross_line "$1") || true
	shift 3
	for fragment; do printf -- '-%s' "$fragment"; done
	{
		echo "$version"
		in_root "$root" "${triplet:+$triplet-}gcc" --version
		source_make_words
		for fragment in base "$@"; do cat "$vm/kernels/$fragment.config"; done
	} | sha256sum | sed 's/^/-/' | cut -c 1-9
}

# source_release SERIES ARCH: what uname -r will say.
source_release()
{
	local root fragments version
	read -r root _ fragments < <(source_line "$1" "$2")
	version=$(source_version "$root" "$2" "$(source_package "$1" "$2")")
	[ "$version" ] || return
	# Fragments are words.
	# shellcheck disable=SC2086
	echo "${version%%-*}$(source_name "$2" "$root" "$version" $fragments)"
}

# The functions below run inside of a root, where they are given these:
#   dir=where the kernel is made  release=its name  fragments=files
# and, for another architecture, what make has to know of it.

# Without what is big and never compiled here.
source_unpack()
{
	mkdir -p "$dir/source"
	dpkg --fsys-tarfile "$1"/*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		xz -dc | tar -x -C "$dir/source" --strip-components=1 --exclude='*/asic_reg/*' \
			--exclude='*/Documentation/*/*' --exclude='*/tools/testing/*'
}

# A fragment that asks for what the kernel does not have is wrong; the last that names
# an option counts.
source_configure()
{
	# Files are words.
	# shellcheck disable=SC2086
	scripts/kconfig/merge_config.sh -n $fragments
	# shellcheck disable=SC2086
	awk -F = '
		FILENAME == ".config" { has[$1] = $2; next }
		/^CONFIG_/ { wanted[$1] = $2 == "n" ? "" : $2 }
		END {
			for (name in wanted)
				if (has[name] != wanted[name]) {
					print name " is \"" has[name] "\", not \"" wanted[name] "\""
					wrong = 1
				}
			exit wrong
		}' .config $fragments
}

source_compile()
{
	# Words.
	# shellcheck disable=SC2086
	nice make LOCALVERSION="${release#"$(make -s kernelversion)"}" $words "$(basename "$(make -s image_name)")" modules
	[ "$(cat include/config/kernel.release)" = "$release" ]
}

# The headers keep the programs that build modules as they are, which run here.
source_install()
{
	local headers=$dir/usr/src/linux-headers-$release
	mkdir -p "$dir/boot"
	cp "$(make -s image_name)" "$dir/boot/vmlinuz-$release"
	cp .config "$dir/boot/config-$release"
	cp System.map "$dir/boot/System.map-$release"
	make -s modules_install INSTALL_MOD_PATH="$dir" INSTALL_MOD_STRIP=1
	rm -f "$dir/lib/modules/$release/build"
	make -s run-command KBUILD_RUN_COMMAND="HOSTCC='\$(CC)' scripts/package/install-extmod-build $headers"
}

# source_make ARCH RELEASE ROOT DEBS FRAGMENT...: appears when it is complete.
source_make()
{
	local arch=$1 release=$2 root=$3 debs=$4 name triplet
	shift 4
	read -r name triplet _ < <(cross_line "$arch") || true
	in_root "$root" bash -c "set -exuo pipefail
		${name:+export ARCH=$name CROSS_COMPILE=$triplet-}
		$(declare -f source_unpack source_configure source_compile source_install)
		release=$release fragments='$(printf '/src/tests/vm/kernels/%s.config ' base "$@")'
		words='$(source_make_words)' dir=/kernels/$arch/$release.part debs=$debs"'
		rm -rf "$dir"
		source_unpack "$debs"
		rm -rf "$debs"
		cd "$dir/source"
		source_configure
		source_compile
		source_install
		cd /
		rm -rf "$dir/source"
		mv "$dir" "${dir%.part}"'
}

# source_get SERIES ARCH: kernel_release into the cache.
source_get()
{
	local series=$1 arch=$2 root fragments
	read -r root _ fragments < <(source_line "$series" "$arch")
	kernel_download "$root" "$arch" "$(source_package "$series" "$arch")" || return
	# Fragments are words.
	# shellcheck disable=SC2086
	source_make "$arch" "$kernel_release" "$root" "$kernel_debs" $fragments
}

# source_progress LOG: for as long as it lives.
source_progress()
{
	while sleep 60 && kill -0 $$; do
		say "  $(grep -c '^  CC' "$1" || true) files compiled"
	done
}

# source_prune ARCH: what interruptions left, and what nobody has booted in a month.
# Under the lock: nobody else makes one.
source_prune()
{
	local fragments
	table "$vm/cells" source | while read -r _ _ _ _ fragments; do
		find "$cache_dir/kernels/$1" -maxdepth 1 -name "*-${fragments// /-}-*" \
			\( -name '*.part' -o -mtime +30 \) -exec rm -rf {} +
	done
}

# source_fetch SERIES ARCH: sets kernel_release. Needs the series' root, and its lists.
source_fetch()
{
	local log lock watch status=0
	kernel_release=$(source_release "$1" "$2")
	[ "$kernel_release" ] || die "No source of kernel $1 in the package lists."
	if [ -d "$cache_dir/kernels/$2/$kernel_release" ]; then
		touch "$cache_dir/kernels/$2/$kernel_release"
		return
	fi
	exec {lock}> "$cache_dir/kernels/source.lock"
	flock "$lock"
	if [ ! -d "$cache_dir/kernels/$2/$kernel_release" ]; then
		log=$build_dir/log/kernel-$kernel_release
		say "kernel $kernel_release: compile (once, a quarter of an hour or more)"
		mkdir -p "$cache_dir/kernels/$2" "$build_dir/log"
		source_prune "$2"
		: > "$log"
		source_progress "$log" {lock}>&- &
		watch=$!
		logged "$log" source_get "$1" "$2" || status=$?
		kill "$watch"
	fi
	exec {lock}>&-
	return "$status"
}

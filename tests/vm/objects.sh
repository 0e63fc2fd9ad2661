# shellcheck shell=bash
# Everything that runs in a guest, compiled inside a root into build/ARCH/.

# userspace_build OUT [ARCH [MAKE ARGUMENT...]]: into build/OUT. The demo runs on this
# architecture.
userspace_build()
{
	local out=/src/build/$1 arch=${2:-$host_arch} triplet bits32 tools=()

	read -r _ triplet bits32 < <(cross_line "$arch") || true
	[ -z "$triplet" ] || tools=(CC="$triplet-gcc" AR="$triplet-ar" CC32="${bits32:+$bits32-gcc}"
		PKG_CONFIG="env PKG_CONFIG_LIBDIR=/usr/lib/$triplet/pkgconfig pkg-config")
	in_root "$(arch_field "$arch" 1)" sh -exc '
		out=$1 kselftest=$2 triplet=$3
		shift 3
		make -s -C lib O="$out/lib" "$@"
		make -s -C tools O="$out/tools" LIB_O="$out/lib" "$@"
		make -s -C tests O="$out/tests" LIB_O="$out/lib" KSELFTEST="$kselftest" "$@"
		[ "$triplet" ] || make -s -C demo O="$out/demo" LIB_O="$out/lib" "$@"
	' sh "$out" "$kernel_source/tools/testing/selftests" "$triplet" "${tools[@]}" "${@:3}"
}

# copy_changes NEW OLD WORK: what differs between both, into WORK, with the time of now:
# make compiles that again, and nothing else.
copy_changes()
{
	local new=$1 old=$2 work=$3 file
	(cd "$old" && find . -type f) | while read -r file; do
		[ -e "$new/$file" ] || rm -f "$work/$file"
	done
	(cd "$new" && find . -type f) | while read -r file; do
		! cmp -s "$new/$file" "$old/$file" || continue
		mkdir -p "$(dirname "$work/$file")"
		cp "$new/$file" "$work/$file"
	done
}

# Each kernel gets a copy of the sources, since kbuild writes beside them. Objects stay
# where their sources did not change, so that a second build is short.
module_copy()
{
	local work=$1 new=$1.new
	rm -rf "$new"
	mkdir -p "$new/tests" "$work/pristine"
	cp -a "$source_dir/Kbuild" "$source_dir/module" "$source_dir/uapi" "$new/"
	[ ! -d "$source_dir/tests/importer" ] || cp -a "$source_dir/tests/importer" "$new/tests/"
	copy_changes "$new" "$work/pristine" "$work"
	rm -rf "$work/pristine"
	mv "$new" "$work/pristine"
}

# Where in build/ that is; lint has one of its own.
module_work() { echo "$1"; }

# module_build ROOT ARCH RELEASE [MAKE ARGUMENT...]
module_build()
{
	local root=$1 arch=$2 release=$3 work name triplet cross=()
	shift 3
	read -r name triplet _ < <(cross_line "$arch") || true
	[ -z "$name" ] || cross=(ARCH="$name" CROSS_COMPILE="$triplet-")
	work=$(module_work "$arch/$release")
	module_copy "$build_dir/$work"
	# BTF is made from a vmlinux, which no header package has.
	in_root "$root" sh -exc '
		headers=$1 work=$2 instrument=$3
		shift 3
		make -C "$headers" M="$work" W=1 $instrument "$@" modules
		importer=$work/tests/importer
		[ ! -d "$importer" ] || make -C "$headers" M="$importer" W=1 "$@" modules
	' sh "/kernels/$arch/$release/usr/src/linux-headers-$release" "/src/build/$work" \
		"$(kernel_facts instrument "$release")" CONFIG_DEBUG_INFO_BTF_MODULES= "${cross[@]}" "$@"
}

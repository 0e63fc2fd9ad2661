# shellcheck shell=bash
# Everything that runs in a guest, compiled inside a root into build/ARCH/.

userspace_build()
{
	local arch=$1 out=/src/build/$1
	in_root build sh -exc '
		make -s -C lib O="$1/lib"
		make -s -C tools O="$1/tools" LIB_O="$1/lib"
		make -s -C tests O="$1/tests" LIB_O="$1/lib" KSELFTEST="$2"
		[ ! -e demo/Makefile ] || make -s -C demo O="$1/demo" LIB_O="$1/lib"
	' sh "$out" "$kernel_source/tools/testing/selftests"
}

# Each kernel gets a copy of the sources, since kbuild writes beside them. It is
# only made anew when a source changed, so that a second build is short.
module_copy()
{
	local work=$1 new=$1.new
	rm -rf "$new"
	mkdir -p "$new/tests"
	cp -a "$source_dir/Kbuild" "$source_dir/module" "$source_dir/uapi" "$new/"
	[ ! -d "$source_dir/tests/importer" ] || cp -a "$source_dir/tests/importer" "$new/tests/"
	if ! diff -r "$new" "$work/pristine" > /dev/null 2>&1; then
		rm -rf "$work"
		cp -a "$new" "$work"
		cp -a "$new" "$work/pristine"
	fi
	rm -rf "$new"
}

# Where in build/ that is; lint has one of its own.
module_work() { echo "$1"; }

# module_build ROOT ARCH RELEASE [MAKE ARGUMENT...]
module_build()
{
	local root=$1 arch=$2 release=$3 work
	shift 3
	work=$(module_work "$arch/$release")
	module_copy "$build_dir/$work"
	# BTF is made from a vmlinux, which no header package has.
	in_root "$root" sh -exc '
		headers=$1 work=$2
		shift 2
		make -C "$headers" M="$work" W=1 "$@" modules
		importer=$work/tests/importer
		[ ! -d "$importer" ] || make -C "$headers" M="$importer" W=1 "$@" modules
	' sh "/kernels/$arch/$release/usr/src/linux-headers-$release" "/src/build/$work" \
		CONFIG_DEBUG_INFO_BTF_MODULES= "$@"
}

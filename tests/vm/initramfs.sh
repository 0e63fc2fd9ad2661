# shellcheck shell=bash
# A guest's first file system: busybox, the modules and the test programs with
# the libraries that they need. Packed inside the root that compiles for it.

# initramfs_pack ARCH RELEASE INIT OUTPUT: tests and our modules when INIT runs them.
initramfs_pack()
{
	local triplet
	read -r _ triplet _ < <(cross_line "$1") || true
	in_root "$(arch_field "$1" 1)" bash -c "set -euo pipefail
		$(declare -f initramfs_busybox initramfs_depends initramfs_modules initramfs_programs initramfs_libraries)
		arch=$1 release=$2 init=$3 out=$4 tools=${triplet:+$triplet-}
		absent=' $(kernel_facts absent "$2") ' lacks=' $(kernel_facts lacks "$2") '
		"'tree=/tmp/tree
		initramfs_busybox
		initramfs_modules
		initramfs_programs
		initramfs_libraries
		cd "$tree"
		find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 > "$out"'  bash
}

initramfs_busybox()
{
	mkdir -p "$tree/bin" "$tree/modules" "$tree/tests"
	cp "${tools:+/foreign/$arch}/bin/busybox" "$tree/bin/"
	cp "/src/tests/vm/guest/$init" "$tree/init"
}

# initramfs_depends A|B...: modprobe's lines for the first that the kernel has.
initramfs_depends()
{
	local base=/kernels/$arch/$release first=${1%%|*} name
	for name in ${1//|/ }; do
		/sbin/modprobe -d "$base" -S "$release" --show-depends "$name" 2> /dev/null || continue
		[[ $lacks == *" $first "* ]] || return 0
		echo "$release has $name, which the table denies" >&2
		return 1
	done
	[[ $1 == *'|' || $lacks == *" $first "* ]] || { echo "$release has no module $1" >&2; return 1; }
}

# Stock modules in loading order, unpacked, with their options; then ours.
initramfs_modules()
{
	local names options name path

	sed 's/#.*//' "/src/tests/vm/guest/modules" | while read -r names options; do
		[ "$names" ] || continue
		initramfs_depends "$names" > /tmp/depends || exit
		# The last line is the module itself.
		sed -n 's/^insmod //p' /tmp/depends | sed "\$s/\$/ $options/"
	done | awk '!seen[$1]++' > /tmp/stock

	while read -r path options; do
		name=$(basename "$path" | sed 's/\.ko.*//')
		case $path in
		*.xz) xz -dc "$path" > "$tree/modules/$name.ko" ;;
		*.zst) zstd -qdc "$path" > "$tree/modules/$name.ko" ;;
		*) cp "$path" "$tree/modules/$name.ko" ;;
		esac
		echo "/modules/$name.ko $options"
	done < /tmp/stock > "$tree/modules/stock"

	for path in "/src/build/$arch/$release/bufalloc.ko" \
		"/src/build/$arch/$release/tests/importer/bufalloc_importer.ko"; do
		[ ! -e "$path" ] || cp "$path" "$tree/modules/"
	done
	# Debug information is for the host: a guest has 2 GB.
	"${tools}strip" --strip-debug "$tree"/modules/*.ko
}

initramfs_programs()
{
	local path name
	# By their sources: what is left of a test that was removed is no test.
	for path in /src/tests/*.c; do
		name=$(basename "$path" .c)
		[[ $absent == *" $name "* ]] || cp "/src/build/$arch/tests/$name" "$tree/tests/"
	done
	[ ! -x "/src/build/$arch/tools/bufalloc" ] || cp "/src/build/$arch/tools/bufalloc" "$tree/bin/"
}

# The closure of what the programs need, found by reading them, since programs
# of another architecture cannot be asked.
initramfs_libraries()
{
	local queue=("$tree"/tests/* "$tree"/bin/bufalloc) file name path
	local triplet dirs
	triplet=$("${tools}gcc" -print-multiarch)
	dirs="/src/build/$arch/lib /lib/$triplet /usr/lib/$triplet"

	mkdir -p "$tree/lib"
	while [ ${#queue[@]} -gt 0 ]; do
		file=${queue[0]}
		queue=("${queue[@]:1}")
		[ -e "$file" ] || continue
		path=$("${tools}readelf" -l "$file" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
		if [ "$path" ] && [ ! -e "$tree$path" ]; then
			mkdir -p "$tree$(dirname "$path")"
			cp -L "$path" "$tree$path"
		fi
		for name in $("${tools}readelf" -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[ ! -e "$tree/lib/$name" ] || continue
			for path in $dirs; do
				[ ! -e "$path/$name" ] || break
			done
			[ -e "$path/$name" ] || { echo "$file needs $name, which is nowhere"; exit 1; }
			cp -L "$path/$name" "$tree/lib/"
			queue+=("$tree/lib/$name")
		done
	done
}

# shellcheck shell=bash
# Device trees: what QEMU makes for a machine, with nodes of trees/ added.

# tree_make ARCH MACHINE QEMU...: prints the tree's file. It has to be made by the
# very command that boots with it, since it describes that machine's memory.
tree_make()
{
	local out=build/$1/tree-$2 nodes=tests/vm/trees/$2.dts
	shift 2

	"$@" -M "dumpdtb=$source_dir/$out.own" > /dev/null 2>&1 || return
	in_root arm sh -ec '
		dtc -q -I dtb -O dts "$1.own" > "$1.dts"
		cat "$2" >> "$1.dts"
		dtc -q -I dts -O dtb -o "$1.dtb" "$1.dts"
	' sh "$out" "$nodes" || return
	echo "$source_dir/$out.dtb"
}

# shellcheck shell=bash
# A guest that runs one program for a long time, which no other guest runs: the fuzzer,
# or the soak. Whoever sources this sets $program, $cell and $out, a directory in
# $build_dir, and defines initramfs_programs, which packs that program alone.

# Ends the run as any other failure ends it: with counts, in the last line.
give_up()
{
	echo "make $program could not $1."
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

# The words of a cell's name; a series may have a hyphen itself.
cell_words()
{
	machine=${cell##*-}
	series=${cell%-*}
	arch=${series##*-}
	series=${series%-*}
	[ "$(series_root "$series" "$arch")" ] || give_up "find a kernel for the cell '$cell'"
}

# program_build [MAKE ARGUMENT...]: instead of all tests.
program_build()
{
	userspace_build "$arch" "$arch"
	in_root "$(arch_field "$arch" 1)" make -s -C tests O="/src/build/$arch/tests" \
		LIB_O="/src/build/$arch/lib" KSELFTEST="$kernel_source/tools/testing/selftests" \
		"$@" "/src/build/$arch/tests/$program"
}

# program_prepare [MAKE ARGUMENT...]: the kernel, the module and $out/initramfs.
program_prepare()
{
	local root
	emulated=$arch
	host_install host_needs emulator_needs || give_up "install what it needs"
	root_make build || give_up "make the build root"
	root_make "$(arch_field "$arch" 1)" || give_up "make a root for $arch"
	kernel_source || give_up "get the kernel's test harness"
	say "the program '$program'"
	logged "$build_dir/log/$program" program_build "$@" || give_up "build the program"
	root=$(series_root "$series" "$arch")
	root_make "$root" || give_up "make the root '$root'"
	kernel_fetch "$series" "$arch" || give_up "get kernel $series"
	say "bufalloc.ko for $kernel_release"
	logged "$build_dir/log/module-$kernel_release" \
		module_build "$root" "$arch" "$kernel_release" KCFLAGS=-g || give_up "build the module"
	logged "$build_dir/log/initramfs-$program" initramfs_pack "$arch" "$kernel_release" \
		init "/src/${out#"$source_dir/"}/initramfs" || give_up "pack the initramfs"
}

# program_failures HOW DIR...: what failed in these guests, and how to run them again.
program_failures()
{
	local how=$1 dir
	shift
	[ "$(report_count "$out/tests" fail)" -gt 0 ] || return 0
	echo "Failed (all that a guest said is in results, its console in console.log):"
	report_list "$out/tests" fail
	for dir; do
		echo "In ${dir#"$source_dir/"}:"
		grep -m 1 -A 60 -E 'WARNING:|BUG:|Oops|Kernel panic' "$dir/console.log" || true
	done
	echo "The same once more: make $program $how"
}

# shellcheck shell=bash
# A test program that failed is booted once more, alone. A bug fails twice; a program
# that passes alone is unstable: it is counted, named and mended later. What a guest
# says of its kernel (log, leaks, unload, a missing verdict) is never excused.

unstable_max=2

# programs_failed TESTS: the programs that failed, a line each; none where anything else
# failed as well.
programs_failed()
{
	local program programs=()
	while read -r program; do
		[ -e "$source_dir/tests/$program.c" ] || return 0
		programs+=("$program")
	done < <(awk -F '\t' '$1 == "fail" { sub(/\..*/, "", $3); print $3 }' "$1" | sort -u)
	printf '%s\n' "${programs[@]}"
}

# suspects: of all cells that ran, each failed program that may be excused.
suspects()
{
	local name rest program
	while read -r name rest; do
		while read -r program; do
			[ -z "$program" ] || echo "$name $rest $program"
		done < <(programs_failed "$results/$name/tests")
	done < "$results/cells"
}

# replace_program TESTS PROGRAM OTHER: TESTS with the lines of PROGRAM from OTHER.
replace_program()
{
	awk -F '\t' -v program="$2" '
		{ name = $3; sub(/\..*/, "", name) }
		NR == FNR { if (name == program) lines = lines $0 "\n"; next }
		name != program { print; next }
		!done++ { printf "%s", lines }' "$3" "$1"
}

# failed_names TESTS PROGRAM: the tests of it that failed, on one line.
failed_names()
{
	awk -F '\t' -v program="$2" '
		$1 == "fail" && ($3 == program || index($3, program ".") == 1) { print $3 }' "$1" | xargs
}

# excuse CELL PROGRAM: the second boot passed; what it said counts.
excuse()
{
	local dir=$results/$1
	printf '%s\t%s\t%s\n' "$1" "$2" "$(failed_names "$dir/tests" "$2")" >> "$results/unstable"
	replace_program "$dir/tests" "$2" "$dir/again/$2/tests" > "$dir/tests.new"
	mv "$dir/tests.new" "$dir/tests"
	report_tap "$dir/tests" > "$results/$1.tap"
}

# boot_again CELL SERIES ARCH MACHINE PROGRAM
boot_again()
{
	local name=$1 arch=$3 machine=$4 program=$5 release=${releases[$2-$3]}
	local again=$results/$1/again/$5
	say "boot $name again, with $program alone"
	guest_boot "$arch" "$release" "$build_dir/$arch/$release/initramfs" "$machine" \
		"BUFALLOC_TESTS=$program" "$again" || true
	report_read "$name" "$again/results" > "$again/tests"
	if [ "$(report_count "$again/tests" fail)" -eq 0 ]; then
		say "$name: $program passes alone: unstable"
		excuse "$name" "$program"
	else
		say "$name: $program fails alone, too"
	fi
}

# run_again: after all cells. Where more failed than may be unstable, the run has failed.
run_again()
{
	local name series arch machine program
	: > "$results/unstable"
	[ "${AGAIN-}" != no ] || return 0
	suspects > "$results/suspects"
	if [ "$(wc -l < "$results/suspects")" -gt "$unstable_max" ]; then
		echo "More than $unstable_max programs failed: none is booted again."
		return 0
	fi
	while read -r name series arch machine program; do
		boot_again "$name" "$series" "$arch" "$machine" "$program" < /dev/null
	done < "$results/suspects"
}

# tell_unstable: a line for each, which .ci/run repeats.
tell_unstable()
{
	awk -F '\t' '{ print "Unstable: " $2 " on " $1 " failed once and passed alone: " $3 }' "$results/unstable"
}

# shellcheck shell=bash
# What the guests said, for people and for machines.

# The lines of one cell, from what its guest wrote.
report_read() { awk -v cell="$1" -v skips="$vm/skips" -f "$vm/patterns.awk" -f "$vm/report.awk" "$2"; }

report_count() { awk -F '\t' -v o="$2" '$1 == o { n++ } END { print n + 0 }' "$1"; }

# report_tap TESTS [WITH_CELL]
report_tap()
{
	awk -F '\t' -v with_cell="${2-}" '
		BEGIN { print "TAP version 13" }
		{ print ($1 == "fail" ? "not ok " : "ok ") NR " - " (with_cell ? $2 ": " : "") $3 \
			($1 == "skip" ? " # SKIP " $4 : "") }
		$1 == "fail" && $4 != "" { print "# " $4 }
		END { print "1.." NR }' "$1"
}

# report_json TESTS CELLS [UNSTABLE]: an object for each cell, with its tests. A line of
# CELLS is its name, series, architecture, machine, the kernel's release and seconds; one of
# UNSTABLE a cell, a program, and which of its tests failed at the first boot.
report_json()
{
	awk -F '\t' -v unstable="${3-/dev/null}" '
		function quoted(s) { gsub(/[\\"]/, "\\\\&", s); gsub(/[[:cntrl:]]/, " ", s); return "\"" s "\"" }
		function member(name, value) { return quoted(name) ": " value }
		BEGIN {
			while ((getline line < unstable) > 0) {
				split(line, word, "\t")
				again[word[1]] = again[word[1]] (again[word[1]] == "" ? "" : ", ") quoted(word[2])
			}
		}
		NR == FNR {
			count[$2, $1]++
			tests[$2] = tests[$2] (tests[$2] == "" ? "" : ",\n") "\t\t\t{ " member("test", quoted($3)) ", " \
				member("outcome", quoted($1)) ", " member("reason", quoted($4)) " }"
			next
		}
		FNR == 1 { print "[" }
		{
			split($0, word, " ")
			cell = word[1]
			printf "%s\t{\n", (FNR > 1 ? ",\n" : "")
			printf "\t\t%s,\n", member("cell", quoted(cell))
			printf "\t\t%s,\n", member("kernel", quoted(word[5]))
			printf "\t\t%s,\n", member("arch", quoted(word[3]))
			printf "\t\t%s,\n", member("machine", quoted(word[4]))
			printf "\t\t%s,\n", member("seconds", word[6] + 0)
			printf "\t\t%s,\n", member("passed", count[cell, "pass"] + 0)
			printf "\t\t%s,\n", member("failed", count[cell, "fail"] + 0)
			printf "\t\t%s,\n", member("skipped", count[cell, "skip"] + 0)
			printf "\t\t%s,\n", member("unstable", "[" again[cell] "]")
			printf "\t\t%s [\n%s\n\t\t]\n\t}", quoted("tests") ":", tests[cell]
		}
		END { print "\n]" }' "$1" "$2"
}

# report_table TESTS CELLS
report_table()
{
	awk -F '\t' '
		NR == FNR { count[$2, $1]++; next }
		FNR == 1 { printf "%-26s %-24s %7s %7s %7s %5s\n", \
			"cell", "kernel", "passed", "failed", "skipped", "s" }
		{
			split($0, word, " ")
			printf "%-26s %-24s %7d %7d %7d %5d\n", word[1], word[5], count[word[1], "pass"], \
				count[word[1], "fail"], count[word[1], "skip"], word[6]
		}' "$1" "$2"
}

# report_markdown TESTS CELLS: a row for each kernel, a column for each machine.
report_markdown()
{
	awk -F '\t' '
		NR == FNR { count[$2, $1]++; next }
		{
			split($0, word, " ")
			if (!((kernel = word[5]) in seen_kernel)) { seen_kernel[kernel]; kernels[++nr_kernels] = kernel }
			if (!((machine = word[4]) in seen_machine)) { seen_machine[machine]; machines[++nr_machines] = machine }
			text = count[word[1], "pass"] + 0
			if (count[word[1], "fail"])
				text = text ", **" count[word[1], "fail"] " failed**"
			at[kernel, machine] = text
		}
		END {
			printf "| kernel |"
			for (m = 1; m <= nr_machines; m++) printf " %s |", machines[m]
			printf "\n| --- |"
			for (m = 1; m <= nr_machines; m++) printf " --- |"
			for (k = 1; k <= nr_kernels; k++) {
				printf "\n| %s |", kernels[k]
				for (m = 1; m <= nr_machines; m++) printf " %s |", at[kernels[k], machines[m]]
			}
			print ""
		}' "$1" "$2"
}

# report_kernels TESTS CELLS: a row for each kernel, with all of its machines.
report_kernels()
{
	awk -F '\t' '
		NR == FNR { count[$2, $1]++; next }
		{
			split($0, word, " ")
			kernel = word[5]
			if (kernel in arch) {
				machines[kernel] = machines[kernel] ", " word[4]
			} else {
				kernels[++n] = kernel
				arch[kernel] = word[3]
				machines[kernel] = word[4]
			}
			passed[kernel] += count[word[1], "pass"]
			skipped[kernel] += count[word[1], "skip"]
		}
		END {
			print "| Debian kernel | architecture | machines | passed | skipped |"
			print "| --- | --- | --- | --- | --- |"
			for (k = 1; k <= n; k++)
				printf "| %s | %s | %s | %d | %d |\n", kernels[k], arch[kernels[k]], \
					machines[kernels[k]], passed[kernels[k]], skipped[kernels[k]]
		}' "$1" "$2"
}

# report_whole TESTS CELL...: what only the whole matrix can tell, of which those are
# not a part.
report_whole() { awk -v skips="$vm/skips" -v elsewhere="${*:2}" -f "$vm/patterns.awk" -f "$vm/whole.awk" "$1"; }

# Everything of one outcome by name, the cells that share a reason on one line.
report_list()
{
	awk -F '\t' -v o="$2" '
		$1 == o {
			key = $3 ($4 == "" ? "" : ": " $4)
			if (!(key in where)) order[++n] = key
			where[key] = where[key] " " $2
		}
		END { for (i = 1; i <= n; i++) print "  " order[i] "  [" substr(where[order[i]], 2) "]" }' "$1"
}

# What was skipped, by its reason: many tests share one, on the same cells.
report_skips()
{
	awk -F '\t' '
		$1 == "skip" {
			key = $3 FS $4
			if (!(key in where)) order[++n] = key
			where[key] = where[key] " " $2
		}
		END {
			for (i = 1; i <= n; i++) {
				split(order[i], word, FS)
				key = word[2] FS where[order[i]]
				if (!count[key]++) { groups[++nr] = key; first[key] = word[1] }
			}
			for (i = 1; i <= nr; i++) {
				key = groups[i]
				split(key, word, FS)
				more = count[key] > 1 ? " and " count[key] - 1 " more" : ""
				printf "  %s%s: %s  [%s]\n", first[key], more, word[1], substr(word[2], 2)
			}
		}' "$1"
}

# What was said just before each failure, and what was said last.
report_words()
{
	awk '
		/^(begin|end|ok) / { words = $1 == "begin" ? $0 "\n" : ""; next }
		/^not ok / { printf "%s%s\n", words, $0; words = ""; next }
		{ words = words $0 "\n" }
		END { printf "%s", words }' "$1"
}

report_total()
{
	printf '%d passed, %d failed, %d skipped\n' "$(report_count "$1" pass)" \
		"$(report_count "$1" fail)" "$(report_count "$1" skip)"
}

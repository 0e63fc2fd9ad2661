# shellcheck shell=bash
# What the guests said, for people and for machines.

# The lines of one cell, from what its guest wrote.
report_read() { awk -v cell="$1" -f "$vm/report.awk" "$2"; }

report_count() { awk -F '\t' -v o="$2" '$1 == o { n++ } END { print n + 0 }' "$1"; }

report_tap()
{
	awk -F '\t' '
		BEGIN { print "TAP version 13" }
		{ print ($1 == "fail" ? "not ok " : "ok ") NR " - " $3 \
			($1 == "skip" ? " # SKIP " $4 : "") }
		$1 == "fail" && $4 != "" { print "# " $4 }
		END { print "1.." NR }' "$1"
}

report_json()
{
	awk -F '\t' '
		function quoted(s) { gsub(/[\\"]/, "\\\\&", s); gsub(/[[:cntrl:]]/, " ", s); return "\"" s "\"" }
		BEGIN { print "[" }
		{ printf "%s  {\"cell\": %s, \"test\": %s, \"outcome\": %s, \"reason\": %s}", \
			(NR > 1 ? ",\n" : ""), quoted($2), quoted($3), quoted($1), quoted($4) }
		END { print "\n]" }' "$1"
}

report_table()
{
	awk -F '\t' '
		!($2 in seen) { seen[$2] = 1; cells[++n] = $2 }
		{ count[$2, $1]++ }
		END {
			printf "%-28s %8s %8s %8s\n", "cell", "passed", "failed", "skipped"
			for (i = 1; i <= n; i++)
				printf "%-28s %8d %8d %8d\n", cells[i], count[cells[i], "pass"], \
					count[cells[i], "fail"], count[cells[i], "skip"]
		}' "$1"
}

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

# With patterns.awk: what only the whole matrix can tell, as failed tests of it: a
# skip that is expected and does not happen, a test that runs nowhere. Reads the
# list of expected skips (-v skips=FILE) and what report.awk printed of all cells.
# Skips in cells that are not part of it (-v elsewhere="CELL...") are not its matter.

# A pattern of cells that are elsewhere alone.
function is_elsewhere(pattern,    cells, n, i, cell) {
	for (cell in booted)
		if (is_cell(cell, pattern))
			return 0
	n = split(elsewhere, cells, " ")
	for (i = 1; i <= n; i++)
		if (is_cell(cells[i], pattern))
			return 1
	return 0
}

# Skipped everywhere but in cells that are elsewhere alone.
function is_at_home_elsewhere(test,    i) {
	for (i = 1; i <= lines; i++)
		if (matches(test, test_of[i]) && substr(cell_of[i], 1, 1) == "!" &&
		    is_elsewhere(substr(cell_of[i], 2)))
			return 1
	return 0
}

BEGIN {
	FS = OFS = "\t"
	while ((getline line < skips) > 0) {
		split(line, word, " ")
		if (line !~ /^(#|$)/) {
			test_of[++lines] = word[1]
			cell_of[lines] = word[2]
		}
	}
}

{ seen[$3]; booted[$2] }
$1 != "skip" { ran[$3] }

$1 == "skip" {
	for (i = 1; i <= lines; i++)
		if (is_cell($2, cell_of[i]) && matches($3, test_of[i]))
			needed[i]
}

END {
	for (i = 1; i <= lines; i++)
		if (!(i in needed) && !is_elsewhere(cell_of[i]))
			print "fail", "matrix", "tests/vm/skips", "nothing needs: " test_of[i] " " cell_of[i]
	for (test in seen)
		if (!(test in ran) && !is_at_home_elsewhere(test))
			print "fail", "matrix", test, "skipped in every cell"
}

# From what counts.awk prints: for each file and for all, lines reached, lines,
# branches reached, branches, and both in percent.

function add(file) {
	if (!(file in seen)) {
		seen[file]
		order[++n] = file
	}
}

BEGIN { FS = "\t" }

$1 == "line" {
	add($2)
	lines[$2]++
	hit[$2] += $4 > 0
}

$1 == "branches" {
	add($2)
	taken[$2] += $3
	branches[$2] += $4
}

function tell(file) {
	printf "%s\t%d\t%d\t%d\t%d\t%.1f %%\t%.1f %%\n", file, hit[file], lines[file], taken[file], branches[file], \
		lines[file] ? 100 * hit[file] / lines[file] : 100, branches[file] ? 100 * taken[file] / branches[file] : 100
}

END {
	print "file\tlines reached\tof\tbranches taken\tof\tlines\tbranches"
	for (i = 1; i <= n; i++) {
		file = order[i]
		tell(file)
		hit["all"] += hit[file]
		lines["all"] += lines[file]
		taken["all"] += taken[file]
		branches["all"] += branches[file]
	}
	tell("all")
}

# Reads what lcov knows of each source file; prints a line for each of its lines that
# holds code, and one for each line with branches:
#   line TAB file TAB function TAB times TAB number TAB text
#   branches TAB file TAB reached TAB of TAB number
# -v here=where the sources are, which it was told by other names.

function read_source(path,    line, n) {
	delete text
	sub(/^.*\/module\//, here "module/", path)
	while ((getline line < path) > 0) {
		gsub(/^[ \t]+|[ \t]+$/, "", line)
		gsub(/\t/, " ", line)
		text[++n] = line
	}
	close(path)
}

function function_at(number,    start, found) {
	for (start in begins)
		if (start + 0 <= number && start + 0 > found + 0)
			found = start
	return begins[found]
}

{ key = substr($0, 1, index($0, ":") - 1); split(substr($0, index($0, ":") + 1), word, ",") }

key == "SF" {
	path = substr($0, 4)
	file = path
	sub(/.*\//, "", file)
	read_source(path)
	delete begins
	delete times
	delete branches
	delete reached
}

# Older and newer lcov.
key == "FN" { begins[word[1]] = word[length(word)] }
key == "FNL" { start_of[word[1]] = word[2] }
key == "FNA" { begins[start_of[word[1]]] = word[3] }
key == "DA" { times[word[1]] = word[2] }
key == "BRDA" {
	branches[word[1]]++
	reached[word[1]] += word[4] != "-" && word[4] > 0
}

/^end_of_record/ {
	for (number in times)
		printf "line\t%s\t%s\t%d\t%d\t%s\n", file, function_at(number + 0), times[number], number, text[number]
	for (number in branches)
		printf "branches\t%s\t%d\t%d\t%d\n", file, reached[number], branches[number], number
}

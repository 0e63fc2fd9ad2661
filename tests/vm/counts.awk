# Reads what lcov knows of each source file; prints a line for each of its lines that
# holds code, and one for each line with branches:
#   line TAB file TAB function TAB times TAB number TAB text
#   branches TAB file TAB reached TAB of TAB number
# -v here=where the sources are, which it was told by other names.

# A function begins where a line does, with its name before a parenthesis, and ends with
# the next such brace. The compiler only knows of those that it left in one piece.
function read_source(path,    line, n, name) {
	delete text
	delete within
	sub(/^.*\/module\//, here "module/", path)
	while ((getline line < path) > 0) {
		if (line ~ /^[a-z].*\(/ && line !~ /;$/) {
			name = line
			sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name)
		}
		within[++n] = name
		if (line ~ /^}/)
			name = ""
		gsub(/^[ \t]+|[ \t]+$/, "", line)
		gsub(/\t/, " ", line)
		text[n] = line
	}
	close(path)
}

{ key = substr($0, 1, index($0, ":") - 1); split(substr($0, index($0, ":") + 1), word, ",") }

key == "SF" {
	path = substr($0, 4)
	file = path
	sub(/.*\//, "", file)
	read_source(path)
	delete times
	delete branches
	delete reached
}

key == "DA" { times[word[1]] = word[2] }
key == "BRDA" {
	branches[word[1]]++
	reached[word[1]] += word[4] != "-" && word[4] > 0
}

/^end_of_record/ {
	for (number in times)
		printf "line\t%s\t%s\t%d\t%d\t%s\n", file, within[number + 0], times[number], number, text[number]
	for (number in branches)
		printf "branches\t%s\t%d\t%d\t%d\n", file, reached[number], branches[number], number
}

# Patterns of the shell.

function matches(text, pattern) {
	gsub(/[][.^$+(){}|\\]/, "\\\\&", pattern)
	gsub(/\*/, ".*", pattern)
	gsub(/\?/, ".", pattern)
	return text ~ "^" pattern "$"
}

# "!" before a pattern: all other cells.
function is_cell(cell, pattern) {
	if (substr(pattern, 1, 1) == "!")
		return !matches(cell, substr(pattern, 2))
	return matches(cell, pattern)
}

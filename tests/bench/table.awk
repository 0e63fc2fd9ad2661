# Prints the figures of one boot, one JSON object a line, as a table.
function field(name,    pattern, text)
{
	pattern = "\"" name "\": (\"[^\"]*\"|[^,}]*)"
	if (!match($0, pattern))
		return ""
	text = substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4)
	gsub(/"/, "", text)
	return text
}

function amount(bytes)
{
	if (bytes >= 1048576)
		return sprintf("%.1f MiB", bytes / 1048576)
	return sprintf("%d KiB", bytes / 1024)
}

NR == 1 {
	print field("cell") ", " field("kernel") ", in guest instructions where no other unit is named"
	printf "%-7s %-46s %10s %-9s %11s %11s %9s %9s %s\n", "id", "operation", "buffer", "caching",
		"ours", "peer", "ratio", "goal", "met"
}

{
	met = field("met") == "true"
	count += met
	printf "%-7s %-46s %10s %-9s %11s %11s %9s %9s %s\n", field("id"), field("operation"),
		amount(field("bytes")), field("caching"), field("ours"), field("peer"),
		field("ratio"), field("goal") + 0, met ? "yes" : "no"
}

END {
	print count " of " NR " goals met"
}

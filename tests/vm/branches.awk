# Reads what lcov knows of each architecture, all of it twice: file... file...
# Prints it as one, but the branches of a line as one of them alone has counted them:
# what the one calls the second branch may be the first of the other. It is one that has
# run the line, if any has; of these the one whose compiler sees the most, and of two that
# see as many, the one where more were taken. Functions are left out: one name may be two
# of them.

FNR == 1 { file = ++files > (ARGC - 1) / 2 ? files - (ARGC - 1) / 2 : files }
/^SF:/ { source = $0 }

/^BRDA:/ {
	split($0, word, ",")
	line = source FS word[1]
	if (file == files) {
		seen[line, file]++
		ran[line, file] = word[4] != "-"
		taken[line, file] += word[4] != "-" && word[4] > 0
	} else if (file != best(line)) {
		next
	}
}

function is_better(line, a, b) {
	if (ran[line, a] != ran[line, b])
		return ran[line, a] > ran[line, b]
	if (seen[line, a] != seen[line, b])
		return seen[line, a] > seen[line, b]
	return taken[line, a] > taken[line, b]
}

function best(line,    i, found) {
	found = 1
	for (i = 2; i <= (ARGC - 1) / 2; i++)
		if (is_better(line, i, found))
			found = i
	return found
}

file < files && !/^FN/ { print }

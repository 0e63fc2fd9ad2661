# With patterns.awk: reads what a guest said of itself, prints one line for each test:
#   outcome TAB cell TAB test TAB reason
# and holds against it everything that it should have said and did not, and what
# it skipped without being on the list (-v skips=FILE) of those that may.
#
#   begin PROGRAM
#   ...TAP...
#   end PROGRAM STATUS [LIVE-BUFFERS]
#   verdict

function read_skips(    line, word) {
	while ((getline line < skips) > 0) {
		split(line, word)
		if (line !~ /^(#|$)/ && is_cell(cell, word[2]))
			allowed[word[1]]
	}
}

function may_skip(test,    pattern) {
	for (pattern in allowed)
		if (matches(test, pattern))
			return 1
	return 0
}

function record(outcome, test, reason) {
	if (outcome == "skip" && !may_skip(test)) {
		outcome = "fail"
		reason = "skipped, which tests/vm/skips does not expect: " reason
	}
	gsub(/\t/, " ", test)
	gsub(/\t/, " ", reason)
	printf "%s\t%s\t%s\t%s\n", outcome, cell, test, reason
	if (outcome == "fail")
		failures++
}

function point(outcome, line,    reason, at) {
	reason = ""
	at = match(line, /# *(SKIP|XFAIL|skip)/)
	if (at) {
		reason = substr(line, at)
		sub(/^# *(SKIP|XFAIL|skip)[: ]*/, "", reason)
		line = substr(line, 1, at - 1)
		if (outcome == "pass")
			outcome = "skip"
	}
	sub(/^(not )?ok +[0-9]* *(- )?/, "", line)
	sub(/ +$/, "", line)
	points++
	record(outcome, program "." (line == "" ? points : line), reason)
}

BEGIN {
	program = ""
	verdict = live = 0
	read_skips()
}

{ sub(/\r$/, "") }

$1 == "begin" && NF == 2 {
	program = $2
	plan = -1
	points = failures = skipped_whole = 0
	next
}

program != "" && /^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	if (plan == 0 && /# *SKIP/) {
		sub(/.*# *SKIP */, "")
		skipped_whole = 1
		record("skip", program, $0)
	}
	next
}

program != "" && /^ok / { point("pass", $0); next }
program != "" && /^not ok / { point("fail", $0); next }

$1 == "end" && $2 == program {
	if ($3 == 137)
		record("fail", program, "killed: it took too long, or the kernel killed it")
	else if ($3 != 0 && !failures && !skipped_whole)
		record("fail", program, "exit status " $3)
	if (plan < 0)
		record("fail", program, "printed no plan")
	else if (points != plan)
		record("fail", program, points " of " plan " planned tests")
	else if (points == 0 && !skipped_whole)
		record("fail", program, "ran no test")
	if (NF > 3) {
		if ($4 == "unknown" || $4 > live)
			record("fail", program, $4 " buffers live after its end, " live " before")
		live = $4
	}
	program = ""
	programs++
	next
}

$1 == "verdict" { verdict = 1 }

END {
	if (program != "")
		record("fail", program, "the guest ended while it ran")
	if (!verdict)
		record("fail", "guest", "no verdict: it died, hung or never began")
}

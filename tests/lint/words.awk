# Reports words and sentences of C sources that a reader has to read twice.
#
#   awk -f words.awk -v banned=FILE -v allowed=FILE SOURCE...
#
# FILE has one banned word in each line: a pattern for a part of an identifier, a tab,
# and what to write instead. In comments a sentence has at most 30 words, and no comment
# begins with a relative clause.

BEGIN {
	while ((getline line < banned) > 0)
		if (line !~ /^#|^$/) {
			split(line, fields, "\t")
			pattern[++patterns] = "(^|_)(" fields[1] ")(_|$)"
			instead[patterns] = fields[2]
		}
	while ((getline line < allowed) > 0)
		if (line !~ /^#|^$/) {
			sub(/\t.*/, "", line)
			allow[line] = 1
		}
}

FNR == 1 { in_comment = 0 }

{ read_line($0) }

# The code and the comment of a line are told apart here, strings are left out.
function read_line(text,    code, at)
{
	code = ""
	while (text != "") {
		if (in_comment) {
			at = index(text, "*/")
			add_comment(at ? substr(text, 1, at - 1) : text)
			if (!at)
				break
			text = substr(text, at + 2)
			end_comment()
		} else if (match(text, /\/\*|\/\/|"/)) {
			code = code substr(text, 1, RSTART - 1)
			text = skip(substr(text, RSTART))
		} else {
			code = code text
			text = ""
		}
	}
	if (code !~ /^[ \t]*#[ \t]*(include|error|warning)/)
		check_code(code)
}

function skip(text)
{
	if (substr(text, 1, 2) == "/*") {
		in_comment = 1
		comment = ""
		begin = FNR
		return substr(text, 3)
	}
	if (substr(text, 1, 2) == "//")
		return ""
	if (match(text, /^"([^"\\]|\\.)*"/))
		return substr(text, RLENGTH + 1)
	return ""
}

function add_comment(text)
{
	sub(/^[ \t]*\*+[ \t]?/, "", text)
	# A field, an item, a picture or an empty line begins a new paragraph.
	if (text ~ /^[ \t]*$|^[ \t]*@[a-z_0-9.]+:|^Return:|^[ \t]*[-|+]|^\t|^  /)
		end_paragraph()
	sub(/^[ \t]*@[A-Za-z_0-9.]+:/, "", text)
	sub(/^Return:/, "", text)
	comment = comment " " text
}

function end_comment()
{
	end_paragraph()
	in_comment = 0
}

function end_paragraph(    count, i, parts)
{
	gsub(/[ \t]+/, " ", comment)
	sub(/^ /, "", comment)
	count = split(comment, parts, /[.;:?!)] |[.;:?!]$/)
	for (i = 1; i <= count; i++)
		if (split(parts[i], unused, " ") > 30)
			report(begin, "a sentence of more than 30 words: " substr(parts[i], 1, 60) "...")
	if (comment ~ /^(What|Who|Whoever|Whom|Whose|Where|Which|Whatever) / && comment !~ /^[^.]*\?/)
		report(begin, "a comment begins with a relative clause: " substr(comment, 1, 60))
	comment = ""
}

function check_code(code,    i, word)
{
	while (match(code, /[A-Za-z_][A-Za-z_0-9]*/)) {
		word = substr(code, RSTART, RLENGTH)
		code = substr(code, RSTART + RLENGTH)
		if (word in allow)
			continue
		for (i = 1; i <= patterns; i++)
			if (tolower(word) ~ pattern[i])
				report(FNR, word ": write " instead[i])
	}
}

function report(line, text)
{
	print FILENAME ":" line ": " text
	found = 1
}

END { exit found }

# shellcheck shell=bash
# Where things are and how progress is shown. Everything here is sourced.

vm=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
source_dir=$(realpath "$vm/../..")
build_dir=$source_dir/build
cache_dir=$(realpath -m "${BUFALLOC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bufalloc}")
host_arch=$(dpkg --print-architecture)

# A child that ends well after Ctrl-C does not make bash end, so say that it must;
# and what runs in the background, a guest for one, hears nothing of Ctrl-C.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'end_children $$' EXIT

end_children()
{
	local child children=()
	read -r -d '' -a children < <(cat "/proc/$1/task/"*/children 2> /dev/null) || true
	for child in "${children[@]}"; do
		end_children "$child"
		as_root kill "$child" 2> /dev/null || true
	done
}

say() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }

die()
{
	printf '%s\n' "$*" >&2
	exit 1
}

# QEMU and others end a path there.
[[ $source_dir != *[,$'\n']* ]] ||
	die "Nothing can be booted from \"$source_dir\": rename the directory, without commas and line breaks."

# Run a command with its output in a log that is shown only when it fails.
logged()
{
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" > "$log" 2>&1 < /dev/null && return
	printf 'Failed: %s\n' "$*"
	tail -n "${LOG_LINES:-60}" "$log"
	return 1
}

# The words after the first in the lines of a table that begin with given words.
table()
{
	local file=$1 key=${2// /[ \\t]+}
	sed -n -E "s/^${key}[ \t]+//p" "$file"
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

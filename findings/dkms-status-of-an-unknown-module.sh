#!/bin/bash
# dkms status of a module that dkms does not know prints nothing and exits 0.
#
# Version: Debian's dkms 3.2.2-1~deb13u1 (trixie); 3.0.10 of bookworm does the same.
# Expected: dkms(8), status: "the current status of modules". No status can be told of a module that was never added, so
#   the command says so and fails, as dkms build does (exit 2) and dpkg -s does (exit 1).
# Seen, with an empty DKMS tree:
#     dkms status nosuch/1.0: exit 0, 0 bytes printed
#     dkms build nosuch/1.0: exit 2
# Why it matters: "dkms status -m DRIVER || dkms add ..." never adds, and a check after an upgrade that asks for the exit
#   status alone takes a buffer driver for installed whose name it spelt wrong or that is gone.
# Instead: look for the word: dkms status DRIVER/VERSION -k KERNEL | grep -q ': installed'.
set -eu -o pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "could not run: $*" >&2; exit 2; }

for tool in apt-get dpkg; do
	command -v "$tool" > /dev/null || cannot "no $tool"
done

# fetch TREE SUITE PACKAGE=VERSION...: unpacks Debian's packages into $work/TREE.
fetch()
{
	local tree=$work/$1 apt=$work/apt-$2 suite=$2 here uri deb
	shift 2
	here=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	uri=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | sed -n "s/^$here //p" | head -n 1)
	[ "$uri" ] || cannot "apt has no source of this Debian"
	mkdir -p "$tree" "$apt"/{lists,archives}/partial "$apt/deb"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" > "$apt/list"
	cat > "$apt/conf" <<- END
		Dir::Etc::SourceList "$apt/list"; Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$apt/lists"; Dir::State::Status "/dev/null"; Dir::Cache "$apt";
		APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Sandbox::User "root";
		Acquire::Languages "none";
	END
	apt-get -qq -c "$apt/conf" update || cannot "no package lists of $suite"
	(cd "$apt/deb" && apt-get -qq -c "$apt/conf" download "$@") || cannot "$suite no longer has $*"
	for deb in "$apt/deb"/*; do dpkg -x "$deb" "$tree"; done
	rm -r "$apt"
}

fetch tree trixie dkms=3.2.2-1~deb13u1
mkdir "$work/modules" "$work/sources"

# run_dkms ACTION: of a module that is nowhere. Prints the exit status.
run_dkms()
{
	local status=0
	bash "$work/tree/usr/sbin/dkms" "$1" nosuch/1.0 -k 6.12.0/x86_64 --dkmstree "$work/modules" \
		--sourcetree "$work/sources" > "$work/printed" 2>&1 || status=$?
	echo "$status"
}

seen="dkms status nosuch/1.0: exit $(run_dkms status), $(wc -c < "$work/printed") bytes printed
dkms build nosuch/1.0: exit $(run_dkms build)"
stated="dkms status nosuch/1.0: exit 0, 0 bytes printed
dkms build nosuch/1.0: exit 2"
echo "$seen"
[ "$seen" = "$stated" ] || { diff <(echo "$stated") <(echo "$seen") || true; echo "changed"; exit 1; }
echo "as stated"

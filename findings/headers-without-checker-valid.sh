#!/bin/bash
# findings/headers-without-checker-valid.sh
#
# With Debian's kernel headers 7.3.4, "make C=2" does not check a module.
#
# Packages: linux-headers-7.3.4+deb13-amd64 7.3.4-1~bpo13+1 (trixie-backports),
#           sparse 0.6.4-5 and gcc-14 (trixie).
# Input:    a module of ten lines that compiles, and reads through a __user pointer.
# Command:  make -C /usr/src/linux-headers-7.3.4+deb13-amd64 M=/module C=2 modules
# Expected: sparse runs ("CHECK finding.c") and says that the module reads through a
#           __user pointer; where it cannot run, make fails.
# Seen:     exit status 0 and no CHECK line. Two lines before the compiler's, with paths:
#             make[2]: [...]/scripts/checker-valid.sh: No such file or directory
#             [...]/Makefile:1311: C=2 specified, but sparse is not available or not up to date
# Cause:    the kernel's Makefile asks scripts/checker-valid.sh whether the checker is
#           good enough. The packages of the headers do not have that script, and the
#           answer "no" is a warning.
#           The answer of the script would be "no", too: with one in its place that
#           prints 1, sparse runs ("CHECK finding.c"), does not know __typeof_unqual__,
#           ends in the kernel's headers with "too many errors", and the exit status is
#           0 again. So sparse 0.6.4 checks no module for this kernel.
# Effect:   a continuous integration that trusts the exit status checks nothing.
#
# Exit status: 0 while it is so, 1 when it has changed, 2 when it could not be tried.
# Needs root, mmdebstrap, debian-archive-keyring and a Debian mirror; takes one to two
# minutes, and leaves nothing behind.
set -euo pipefail

release=7.3.4+deb13-amd64
include=(make gcc-14 libc6-dev libelf1t64 sparse=0.6.4-5 "linux-headers-$release=7.3.4-1~bpo13+1")
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

# Where this machine gets packages from; where that is no Debian, mmdebstrap knows.
mirror()
{
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2> /dev/null |
		awk '$2 == "Debian" && $3 == "Debian" && $1 ~ /^http/ { print $1; exit }'
}

proxies()
{
	apt-config dump --no-empty Acquire::http::Proxy Acquire::https::Proxy 2> /dev/null |
		sed -n 's/^\(Acquire::https\?::Proxy .*\)$/--aptopt=\1/p'
}

make_root()
{
	local options mirrors
	mapfile -t options < <(proxies)
	mapfile -t mirrors < <(mirror)
	# Backports come from where the rest comes from. Mounts of an interrupted run go
	# with the namespace.
	unshare --mount mmdebstrap --mode=root --variant=minbase --include="$(IFS=,; echo "${include[*]}")" \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--setup-hook='sed -i "s/^\(.*\) trixie main$/&\n\1 trixie-backports main/" "$1"/etc/apt/sources.list' \
		"${options[@]}" trixie "$root" "${mirrors[@]}" > "$work/log" 2>&1
}

make_module()
{
	mkdir "$root/module"
	echo 'obj-m := finding.o' > "$root/module/Kbuild"
	cat > "$root/module/finding.c" <<-'END'
		#include <linux/module.h>
		#include <linux/uaccess.h>

		int finding(const int __user *pointer);
		int finding(const int __user *pointer)
		{
			return *pointer;
		}

		MODULE_DESCRIPTION("finding");
		MODULE_LICENSE("GPL");
	END
}

# What make says, and its exit status in the last line.
build()
{
	rm -f "$root"/module/*.o
	# objtool reads its limit of the stack in /proc.
	unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh \
		"$root" make -C "/usr/src/linux-headers-$release" M=/module C=2 \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules 2>&1 && echo "exit status 0" || echo "exit status $?"
}

is_as_stated()
{
	! grep -q '^ *CHECK' "$work/seen" && grep -q '^exit status 0$' "$work/seen" &&
		grep -q 'C=2 specified, but sparse is not available' "$work/seen" &&
		grep -q '^ *CHECK' "$work/mended" && grep -q '^exit status 0$' "$work/mended" &&
		grep -q 'got __typeof_unqual__' "$work/mended" && grep -q 'too many errors' "$work/mended"
}

if ! make_root; then
	cat "$work/log"
	echo "The packages of this finding could not be installed."
	exit 2
fi
make_module
chroot "$root" sparse --version
echo "== as the packages are"
build | tee "$work/seen"
echo "== with a scripts/checker-valid.sh"
script=$root/usr/src/linux-headers-${release%-amd64}-common/scripts/checker-valid.sh
printf '#!/bin/sh\necho 1\n' > "$script"
chmod +x "$script"
build > "$work/mended"
grep -E '^ *(CC|CHECK|LD) |got __typeof_unqual__|too many errors|^exit' "$work/mended" | uniq | tail -n 12
if is_as_stated; then
	echo "It is as stated: sparse checks nothing, and make succeeds."
else
	echo "It has changed."
	exit 1
fi

# shellcheck shell=bash
# Debian roots, made from the recipes in roots/ and kept in the cache. Once made
# a root is never written to: it stays what its recipe says.

root_options()
{
	local recipe=$vm/roots/$1 word suite packages foreign keep

	suite=$(table "$recipe" suite)
	packages=$(table "$recipe" package | tr -s ' \n' ,)
	foreign=$(table "$recipe" foreign | tr ' ' ,)
	keep=$(table "$recipe" keep)
	printf '%s\n' --variant=minbase --format=directory --include="${packages%,}"
	[ -z "$foreign" ] || printf '%s\n' --architectures="$host_arch,$foreign"
	# Documentation and translations are half of a small root.
	for word in doc man info locale lintian; do
		[[ " $keep " != *" $word "* ]] || continue
		printf '%s\n' --dpkgopt="path-exclude=/usr/share/$word/*"
	done
	printf '%s\n' --aptopt='APT::Install-Recommends "false"' \
		--customize-hook='mkdir "$1/src" "$1/kernels"'
	table "$recipe" extra | while read -r word; do
		printf '%s\n' --setup-hook="$(extra_suite "$suite" "$word")"
	done
	table "$recipe" without | tr ' ' '\n' | while read -r word; do
		printf '%s\n' --setup-hook="$(drop_suite "$suite-$word")"
	done
	table "$recipe" pin | while read -r word packages; do
		printf '%s\n' --setup-hook="printf 'Package: %s\nPin: release n=%s\nPin-Priority: 900\n' \
			'$packages' '$word' > \"\$1/etc/apt/preferences.d/$word\""
	done
	table "$recipe" unpack | while read -r word packages; do
		printf '%s\n' --customize-hook="$(unpack_foreign "$word" "$packages")"
	done
}

# A hook for a package that cannot be installed beside the native one.
unpack_foreign()
{
	local arch=$1 package=$2
	echo "chroot \"\$1\" sh -exc 'mkdir -p /foreign; cd /tmp;" \
		"apt-get -o APT::Sandbox::User= download $package:$arch;" \
		"dpkg -x $package*.deb /foreign/$arch; rm $package*.deb'"
}

# A hook that adds a suite from the mirror that the main one comes from.
extra_suite()
{
	printf 'find "$1/etc/apt" -name "*.list" -exec sed -i %s {} +' \
		"'s/^\\(.*\\) $1 main\$/&\\n\\1 $2 main/'"
}

drop_suite()
{
	printf 'find "$1/etc/apt" -name "*.list" -exec sed -i "/ %s main$/d" {} +' "$1"
}

# Where this machine gets packages with this label from, if it is a Debian.
host_mirror()
{
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2> /dev/null |
		awk -v label="$1" '$2 == "Debian" && $3 == label && $1 ~ /^http/ { print $1; exit }'
}

# Lines for the sources.list, or nothing: then mmdebstrap knows where Debian is.
root_sources()
{
	local suite=$1 key=/usr/share/keyrings/debian-archive-keyring.gpg main security

	main=$(host_mirror Debian)
	security=$(host_mirror Debian-Security)
	[ "$main" ] && [ "$security" ] || return 0
	printf "deb [signed-by=$key] %s %s main\n" \
		"$main" "$suite" "$main" "$suite-updates" "$security" "$suite-security"
}

host_proxies()
{
	apt-config dump --no-empty Acquire::http::Proxy Acquire::https::Proxy 2> /dev/null |
		sed -n 's/^\(Acquire::https\?::Proxy .*\)$/--aptopt=\1/p'
}

root_path()
{
	printf '%s/roots/%s-%s' "$cache_dir" "$1" "$(root_options "$1" | sha256sum | cut -c 1-12)"
}

# What interruptions left, and what no recipe has asked for in a month.
root_prune()
{
	find "$cache_dir/roots" -maxdepth 1 -name "$1-*" \( -name '*.part' -o -mtime +30 \) -print0 |
		as_root xargs -0 -r rm -rf --one-file-system
}

# A root appears under its name only when it is complete. Mounts made on the way
# die with the namespace, so that what an interruption left is safe to remove.
root_make()
{
	local name=$1 path suite options sources

	path=$(root_path "$name")
	[ -d "$path" ] && return
	mkdir -p "$cache_dir/roots"
	exec {lock}> "$cache_dir/roots/$name.lock"
	flock "$lock"
	if [ ! -d "$path" ]; then
		suite=$(table "$vm/roots/$name" suite)
		mapfile -t options < <(root_options "$name"; host_proxies)
		mapfile -t sources < <(root_sources "$suite")
		say "root '$name': mmdebstrap $suite (once, about a minute)"
		root_prune "$name"
		logged "$build_dir/log/root-$name" as_root unshare --mount \
			mmdebstrap --mode=root "${options[@]}" "$suite" "$path.part" "${sources[@]}"
		# Its last hook made this: an interrupted mmdebstrap may not say so.
		[ -d "$path.part/kernels" ] || { echo "The root '$name' is not complete."; return 1; }
		as_root mv "$path.part" "$path"
	fi
	exec {lock}>&-
}

# Runs as root in a mount namespace of its own.
root_enter_mounted()
{
	local root=$1 source=$2 kernels=$3 user=$4
	shift 4

	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/tmp"
	mount --bind "$source" "$root/src"
	mount --bind "$kernels" "$root/kernels"
	mount --bind "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
	mount -o remount,bind,ro "$root"
	exec chroot --userspec="$user" "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/tmp LANG=C.UTF-8 TERM="${TERM:-dumb}" MAKEFLAGS="$MAKEFLAGS" \
		sh -c 'cd /src && exec "$@"' sh "$@"
}

# in_root NAME COMMAND...: with the source tree at /src and the kernels at
# /kernels, as the user who called.
in_root()
{
	local name=$1
	shift
	mkdir -p "$cache_dir/kernels"
	as_root unshare --mount --propagation private env MAKEFLAGS="-j$(nproc)" \
		bash -ec "$(declare -f root_enter_mounted); root_enter_mounted \"\$@\"" bash \
		"$(root_path "$name")" "$source_dir" "$cache_dir/kernels" "$(id -u):$(id -g)" "$@"
}

# shellcheck shell=bash
# What the machine that runs the tests itself must have: little, since all that
# can differ between releases is inside a root.

# Each line: a command or file, the package that has it, why it is needed.
host_needs()
{
	cat <<-END
		mmdebstrap mmdebstrap builds the Debian roots that everything is compiled and run in
		/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring proves that the packages in them are Debian's
	END
}

# The same for the architectures in $emulated.
emulator_needs()
{
	local arch
	for arch in $emulated; do
		case $arch in
		amd64) echo "qemu-system-x86_64 qemu-system-x86 boots the kernels" ;;
		arm64) echo "qemu-system-aarch64 qemu-system-arm boots those of 64-bit ARM" ;;
		armhf) echo "qemu-system-arm qemu-system-arm boots those of 32-bit ARM" ;;
		esac
	done
}

# What the module, the library and the tool need to be built for this machine.
native_needs()
{
	cat <<-END
		gcc gcc compiles
		/usr/include/errno.h libc6-dev the C library's headers
		pkg-config pkg-config finds libdrm
		/usr/include/libdrm/drm_fourcc.h libdrm-dev names image formats and makes framebuffers
		scdoc scdoc makes the man pages
		/usr/sbin/dkms dkms builds the module again for each new kernel
	END
	# A kernel that is not a package brings its headers in its own way.
	apt-cache show "linux-headers-$(uname -r)" > /dev/null 2>&1 || return 0
	echo "/lib/modules/$(uname -r)/build/Makefile linux-headers-$(uname -r) headers of the running kernel"
}

host_has()
{
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" > /dev/null ;;
	esac
}

# Whether roots can be entered: each command runs in a mount namespace of its own.
host_can_mount()
{
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo > /dev/null; then
		echo "Debian roots are mounted here, which needs root or sudo."
		return 1
	fi
	as_root unshare --mount true 2> /dev/null && return
	echo "Debian roots are mounted here, which needs CAP_SYS_ADMIN: this root has not got it."
	echo "In a container: start that with --privileged."
	return 1
}

# host_install LIST...: says what it installs before it does.
host_install()
{
	local probe package why list missing=()

	[[ " $* " != *" host_needs "* ]] || host_can_mount || return

	while read -r probe package why; do
		host_has "$probe" && continue
		[ ${#missing[@]} -gt 0 ] || echo "These packages will be installed on this machine:"
		printf '  %-24s %s\n' "$package" "$why"
		missing+=("$package")
	done < <(for list in "$@"; do "$list"; done)
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo > /dev/null; then
		echo "That needs root or sudo. As root: apt-get install ${missing[*]}"
		return 1
	fi

	say "apt-get update, apt-get install"
	logged "$build_dir/log/apt-update" as_root apt-get update ||
		echo "Going on with the package lists that are there."
	logged "$build_dir/log/apt-install" as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}"
}

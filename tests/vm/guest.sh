# shellcheck shell=bash
# One boot of one kernel, bounded, with a log.

# What a machine has, or the usual.
machine_hardware()
{
	local line
	line=$(table "$vm/cells" "hardware $1")
	[ "$line" ] || line=$(table "$vm/cells" "hardware usual")
	echo "$line"
}

# tests_out ARCH MACHINE: the test programs that have nothing to say there.
tests_out()
{
	local program patterns pattern wanted out=
	while read -r program patterns; do
		wanted=
		for pattern in $patterns; do
			# shellcheck disable=SC2053 # A pattern.
			[[ $1-$2 != $pattern ]] || wanted=y
		done
		[ "$wanted" ] || out+=,$program
	done < <(table "$vm/cells" only)
	echo "${out#,}"
}

# A guest that its host does not run for a while has not stalled.
unhurried="rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60 sysctl.kernel.hung_task_timeout_secs=600"

# guest_boot ARCH RELEASE INITRAMFS MACHINE CMDLINE DIR [QEMU ARGUMENT...]: leaves
# DIR/console.log, DIR/results, which is what the guest says of itself, and
# DIR/files.tar, which is what it had in /run/host.
guest_boot()
{
	local arch=$1 release=$2 initramfs=$3 machine=$4 cmdline=$5 dir=$6 image console qemu
	local guest_seconds program_seconds
	shift 6

	read -r _ image console qemu < <(table "$vm/cells" "arch $arch")
	read -r guest_seconds program_seconds _ <<< "$(kernel_facts patience "$release") 4800 2400"
	mkdir -p "$dir"
	: > "$dir/results"
	# $qemu is a command and its arguments, and so are others.
	# shellcheck disable=SC2046,SC2086
	[[ " $(table "$vm/cells" tree | xargs) " != *" $machine "* ]] ||
		set -- -dtb "$(tree_make "$arch" "$machine" $qemu -smp 2 $(machine_hardware "$machine"))" "$@"
	# $qemu is a command and its arguments, and so are others.
	# shellcheck disable=SC2046,SC2086
	timeout --foreground -s KILL "${GUEST_TIMEOUT:-$guest_seconds}" $qemu \
		-smp 2 -display none -no-reboot -nodefaults \
		$(machine_hardware "$machine") \
		-kernel "$cache_dir/kernels/$arch/$release/boot/$image-$release" \
		-initrd "$initramfs" \
		-append "console=$console panic=-1 oops=panic rdinit=/init \
			$unhurried \
			BUFALLOC_MACHINE=$machine BUFALLOC_TESTS_OUT=$(tests_out "$arch" "$machine") BUFALLOC_TIMEOUT=$program_seconds \
			$(kernel_facts told "$release") $(table "$vm/cells" "machine $machine") $cmdline" \
		-serial "file:$dir/console.log" \
		-device virtio-serial,bus=pcie.0 -chardev "file,id=results,path=$dir/results" \
		-device virtserialport,chardev=results,name=bufalloc.results \
		-chardev "file,id=files,path=$dir/files.tar" \
		-device virtserialport,chardev=files,name=bufalloc.files \
		"$@" > "$dir/qemu.log" 2>&1 < /dev/null
}

# client_boot ARCH RELEASE INITRAMFS CMDLINE DIR COMMAND: boots the client root,
# where COMMAND runs in /share, which is DIR/share. It prints TAP, as a test does.
client_boot()
{
	local arch=$1 release=$2 initramfs=$3 cmdline=$4 dir=$5 command=$6
	mkdir -p "$dir/share"
	rm -f "$dir/qmp.in" "$dir/qmp.out"
	mkfifo "$dir/qmp.in" "$dir/qmp.out"
	guest_boot "$arch" "$release" "$initramfs" plain "$cmdline BUFALLOC_CLIENT=$command" "$dir" \
		-virtfs "local,path=$(root_path client),mount_tag=root,security_model=none,readonly=on,multidevs=remap" \
		-virtfs "local,path=$dir/share,mount_tag=share,security_model=none" \
		-chardev "pipe,id=qmp,path=$dir/qmp" -mon chardev=qmp,mode=control
}

# client_screendump DIR FILE: what the guest's display shows, as a PNG; while
# client_boot runs in the background.
client_screendump()
{
	local dir=$1 file=$2 line in out
	exec {in}> "$dir/qmp.in" {out}< "$dir/qmp.out"
	printf '%s\n' '{"execute": "qmp_capabilities"}' \
		"{\"execute\": \"screendump\", \"id\": \"dump\", \"arguments\": \
		{\"filename\": \"$file\", \"format\": \"png\", \"device\": \"cirrus\"}}" >&"$in"
	while read -r -t 30 line <&"$out"; do
		case $line in
		*'"id": "dump"'*) break ;;
		esac
	done
	exec {in}>&- {out}<&-
	[[ ${line-} == *'"return"'* ]] || { echo "screendump: ${line-no answer}"; return 1; }
}

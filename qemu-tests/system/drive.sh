# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # top, here and build are those of run.sh
# Read by run.sh; it only defines names. A machine of machine.sh is booted over
# a disk of its own, told what to do by a serial port (guest/agent.sh), and what came
# of it is compared. A scenario calls, in this order: media_add, machine_start, ask and
# the checks.

# The NIC under test, as udev names it, and the one that carries the default route.
# shellcheck disable=SC2034  # used by those who read this file
nic=enp0s2 nic_pci=0000:00:02.0 uplink=enp0s3
passed=0 failed=0 asked=0 boots=0 emulator_pid='' drain=''

# scenario_begin NAME SUITE : leaves machine (its folder), run (what this one leaves),
# own and other (its two kernels)
scenario_begin() {
	name=$1 suite=$2
	"$top/qemu-tests/need.sh" system >&2
	machine=$("$here/machine.sh" "$suite")
	# shellcheck disable=SC2034
	{
		read -r own
		read -r other
	} <"$machine/kernels"
	mkdir -p "$build/run"
	run=$(mktemp -d "$build/run/system-$name-$suite.XXXXXX")
	trap scenario_cleanup EXIT
	trap 'exit 130' INT TERM HUP
	accel=$("$top/qemu-tests/accel.sh")
	mkdir "$run/media"
	mkfifo "$run"/{agent,console}.{in,out}
	exec {to}<>"$run/agent.in" {from}<>"$run/agent.out" {keys}<>"$run/console.in" {screen}<>"$run/console.out"
	# What is on the console is read from its log; a full pipe would stop it.
	cat <&"$screen" >/dev/null &
	drain=$!
	qemu-img create -q -f qcow2 -F raw -b "$machine/disk" "$run/disk"
	# Free a moment ago; the guest's port 53 is there.
	dns_port=$(free_port udp $((10000 + $$ % 20000)))
}

scenario_cleanup() {
	kill "$drain" 2>/dev/null || true
	[ -z "$emulator_pid" ] || kill "$emulator_pid" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "${run:?}/media" "$run/media.img" "$run/disk" "$run"/agent.* "$run"/console.in \
		"$run/console.out" "$run"/esp* "$run/vars"
}

# The summary's last line is what a CI reads.
scenario_end() {
	say "logs: $run"
	say "$name on $suite: $boots boots, $SECONDS s"
	say "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}

# free_port udp|tcp FIRST : the first port from there on that nobody has.
free_port() {
	local port=$2
	while grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$port") " "/proc/net/$1"; do
		port=$((port + 1))
	done
	echo "$port"
}

# media_add FILE... : onto the disk that the guest sees at /media, read-only
media_add() { cp -a "$@" "$run/media/"; }

# The source tree as it is committed and changed here, without what was built.
media_add_source() {
	mkdir "$run/media/source"
	(cd "$top" && git ls-files -z | tar -c --null --ignore-failed-read -T -) |
		tar -x -C "$run/media/source"
}

media_make() {
	local size
	size=$(du -sm "$run/media" | cut -f 1)
	mkfs.ext4 -q -F -L media -d "$run/media" "$run/media.img" "$((size * 5 / 4 + 16))M"
}

# ---- the machine ----

# direct_boot_options KERNEL COMMAND-LINE : sets boot, how QEMU comes by the kernel
boot_options=direct_boot_options
direct_boot_options() {
	boot=(-M q35 -kernel "$machine/vmlinuz-$1" -initrd "$machine/initrd-$1"
		-append "root=/dev/vda rw $kernel_line $2")
}
# The console is for a person to read; the rest saves an emulated CPU's time.
kernel_line='console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off no_timer_check tsc=reliable fsck.mode=skip'

# machine_power KERNEL [COMMAND-LINE] : returns at once
machine_power() {
	local boot=()
	power_on=("$@")
	[ -e "$run/media.img" ] || media_make
	boots=$((boots + 1))
	console=$run/console-$boots
	: >"$console"
	"$boot_options" "$1" "${2-}"
	# What a former boot left unread is of no interest.
	while read -r -t 0.1 <&"$from"; do :; done
	# shellcheck disable=SC2054  # QEMU has commas in its arguments
	(cd "$run" && exec qemu-system-x86_64 "${boot[@]}" -accel "$accel" -m 2G -smp 2 \
		-cpu "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+smep,+smap,+rdrand" \
		-nodefaults -no-reboot -display none \
		-chardev "pipe,id=console,path=console,logfile=$console" -serial chardev:console \
		-chardev "pipe,id=agent,path=agent" -serial chardev:agent \
		-netdev "user,id=net0,net=10.0.2.0/24,hostfwd=udp:127.0.0.1:$dns_port-10.0.2.15:53" \
		-device "e1000e,netdev=net0,addr=2,mac=52:54:00:75:72:00,romfile=" \
		-netdev "user,id=net1,net=10.0.3.0/24,ipv6=off" \
		-device "virtio-net-pci,netdev=net1,addr=3,mac=52:54:00:75:72:01,romfile=" \
		-drive "file=disk,if=none,id=root,format=qcow2,cache=unsafe" \
		-device "virtio-blk-pci,drive=root,addr=4" \
		-drive "file=media.img,if=none,id=media,format=raw,readonly=on" \
		-device "virtio-blk-pci,drive=media,addr=5" \
		-device "virtio-rng-pci,addr=6") >>"$run/qemu.err" 2>&1 &
	emulator_pid=$!
	powered=$SECONDS
}

# machine_up KERNEL [UNIT...] : returns when the machine is; only these units failed
machine_up() {
	local what='no unit failed'
	[ -z "${2-}" ] || what="of units only ${*:2} failed"
	if ! answered ready 600; then
		# With two CPUs QEMU may run an instruction of Linux that Linux has just
		# replaced, and Linux ends then. Once is bad luck.
		grep -aq 'Kernel panic' "$console" || hang "$why"
		tail -n 30 "$console" | sed 's/^/# console| /'
		say '# Linux ended before it was up, and is booted once more'
		machine_gone
		machine_power "${power_on[@]}"
		answer ready 600
	fi
	ask root 'mount -r LABEL=media /media; systemctl is-system-running --wait >/run/state; uname -r
		systemctl --failed --no-legend --plain | cut -d " " -f 1 | sort' 300
	say "# boot $boots: up after $((SECONDS - powered)) s"
	expect "boot $boots: Linux $1 runs, $what" "$(printf '%s\n' "$@")" "$out"
}

# machine_start KERNEL [COMMAND-LINE]
machine_start() {
	machine_power "$@"
	machine_up "$1"
}

# machine_stop : by a reboot, as an administrator does it; QEMU ends with it
machine_stop() {
	tell root 'systemctl --no-block reboot'
	machine_gone
}

machine_gone() {
	for _ in $(seq 3000); do
		kill -0 "$emulator_pid" 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 "$emulator_pid" 2>/dev/null || hang 'the machine did not go down within 300 s'
	wait "$emulator_pid" || true
	emulator_pid=''
}

# machine_reboot KERNEL [COMMAND-LINE]
machine_reboot() {
	machine_stop
	machine_start "$@"
}

# ---- what it is told ----

hang() {
	say "not ok $*"
	tail -n 30 "$console" | sed 's/^/# console| /'
	tail -n 5 "$run/qemu.err" | sed 's/^/# qemu| /'
	failed=$((failed + 1))
	scenario_end
	exit 1
}

# tell USER COMMAND [SECONDS]
tell() {
	local code
	code=$(base64 -w 0 <<<"$2")
	# A terminal's buffer in the guest is not larger.
	[ ${#code} -lt 4000 ] || die "this command is too long for the serial port: $2"
	asked=$((asked + 1))
	printf '%s %s %s %s\n' "$asked" "${3:-60}" "$1" "$code" >&"$to"
}

# answered ID SECONDS : leaves out (what was printed) and status, or why there is none
answered() {
	local line part='' deadline=$((SECONDS + $2))
	out='' status=''
	while [ -z "$status" ]; do
		if read -r -t 2 line <&"$from"; then
			line=$part$line part=''
			case $line in
			"|"*) out+=${line#|}$'\n' ;;
			">$1 "*) status=${line#* } ;;
			esac
			continue
		fi
		part+=$line
		if ! kill -0 "$emulator_pid" 2>/dev/null; then
			why="the machine ended, and $1 was not answered"
			return 1
		elif [ "$SECONDS" -ge "$deadline" ]; then
			why="no answer to $1 within $2 s"
			return 1
		fi
	done
	out=${out%$'\n'}
}

answer() { answered "$@" || hang "$why"; }

# ask USER COMMAND [SECONDS] : leaves out and status (124: it did not end in time)
ask() {
	local limit=${3:-60} began=$SECONDS
	tell "$1" "$2" "$limit"
	# The agent gives it up itself; this is for one that cannot.
	answer "$asked" $((limit + 60))
	{
		printf '%s: %s\n' "$1" "$2"
		[ -z "$out" ] || printf '%s\n' "$out"
		printf 'status %s, %s s\n\n' "$status" "$((SECONDS - began))"
	} >>"$run/transcript"
}

# ---- what is right ----

note() { printf '%s\n' "$*" | sed 's/^/# /'; }

ok() {
	passed=$((passed + 1))
	say "ok $*"
}

not_ok() {
	failed=$((failed + 1))
	say "not ok $*"
}

# expect WHAT WANT GOT
expect() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "want: $2"
		note "got:  $3"
	fi
}

# literal TEXT : a pattern for it; versions of kernels have a +
literal() { sed 's/[.+*?^$(){}|[]/\\&/g' <<<"$1"; }

# expect_line WHAT PATTERN TEXT : a line of the text has the extended regular expression
expect_line() {
	if grep -Eq -e "$2" <<<"$3"; then
		ok "$1"
	else
		not_ok "$1"
		note "want: $2"
		note "got:  $3"
	fi
}

# expect_ok WHAT : the last command's status
expect_ok() {
	local was=$out
	if [ "$status" = 0 ]; then
		ok "$1"
	else
		not_ok "$1"
		note "status $status"
		note "$was"
	fi
}

# expect_refused WHAT PATTERN : it failed, and said so
expect_refused() {
	if [ "$status" != 0 ] && grep -Eq -e "$2" <<<"$out"; then
		ok "$1"
	else
		not_ok "$1"
		note "want: a status that is not 0, and $2"
		note "got:  $status, $out"
	fi
}

# driver_is WHAT DRIVER : of the NIC under test
driver_is() {
	ask root "basename \$(readlink /sys/bus/pci/devices/$nic_pci/driver)"
	expect "$1" "$2" "$out"
}

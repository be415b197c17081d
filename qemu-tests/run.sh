#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh : boots a guest with the NIC under test and runs test programs in it.
#   --nic e1000|e1000e|igb|e1000-82545em	(e1000e; igb: see qemu.sh)
#   --nic2 MODEL			a third NIC, on a wire with a link partner of its own;
#					without it "all" leaves t_fwd, t_ids, t_lanes,
#					t_same out
#   --kernel 6.1|6.12|7|dbg|own	(6.1; see kernel.sh)
#   --machine q35|pc			(q35)
#   --iommu on|off			(on; q35 only)
#   --smp N				(1)
#   --icount				the guest's clock counts its instructions
#   --args 'A B'				more for the kernel's command line
#   --tests 'A B'|all			(all: those in build/qemu-tests/guest)
#   --timeout S				(240; for one program; dbg: times three)
#   --allow-skip PROGRAM/TEST		a test that may skip; may be given again
#   --verbose				guest's output as it comes
#
# Needs build/kernels/NAME (kernel.sh) and build/qemu-tests (make); takes
# build/module/NAME/userring.ko, build/lib and build/apps in where they exist.
# What a run leaves is in build/run/<id>: result (a line a test), ktap, dmesg,
# console, and QEMU's and the link partner's stderr.
#
# NIC 0 is on the link partner's wire (farend/), NIC 1 on QEMU's user network; NIC 2
# is on the wire of a second one, in the folder "two".
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=qemu-tests/initramfs.sh
. "$(dirname "$0")/initramfs.sh"

asked=("$@")
nic=e1000e nic2='' kernel=6.1 machine=q35 iommu=on smp=1 args='' tests=all timeout=240 allowed='' verbose='' icount=''
while [ $# -gt 0 ]; do
	case $1 in
	--verbose)
		verbose=y
		shift
		continue
		;;
	--icount)
		icount=y
		shift
		continue
		;;
	--nic | --nic2 | --kernel | --machine | --iommu | --smp | --args | --tests | --timeout | --allow-skip)
		[ $# -ge 2 ] || die "$1 wants a value"
		;;
	*) die "no such option: $1" ;;
	esac
	case $1 in
	--nic) nic=$2 ;;
	--nic2) nic2=$2 ;;
	--kernel) kernel=$2 ;;
	--machine) machine=$2 ;;
	--iommu) iommu=$2 ;;
	--smp) smp=$2 ;;
	--args) args=$2 ;;
	--tests) tests=$2 ;;
	--timeout) timeout=$2 ;;
	--allow-skip) allowed="$allowed $2" ;;
	esac
	shift 2
done
kernel=$(kernel_name "$kernel")
[ "$machine" = q35 ] || [ "$iommu" = off ] || die 'QEMU has an IOMMU on q35 only'

if [ "$tests" = all ]; then
	# t_cost is for a guest that counts instructions, the others need a clock.
	tests=t_cost
	[ -n "$icount" ] || tests=$(cd "$build/qemu-tests/guest" && echo t_* | sed 's/\bt_cost //')
	# A neighbour has another CPU: a guest with two, and a clock of its own.
	tests=${tests/t_victim /}
	if [ -z "$nic2" ]; then
		tests=${tests/t_fwd /}
		tests=${tests/t_ids /}
		tests=${tests/t_lanes /}
		tests=${tests/t_same /}
	fi
	# Older kernels show no list of NAPIs.
	[ "$kernel" = 7 ] || tests=${tests/t_napi /}
	# It has a guest of its own: another driver takes NIC 0.
	tests=${tests/t_vf /}
fi
tests=${tests//,/ }
config="$nic iommu=$iommu kernel $kernel"
[ "$machine" = q35 ] || config="$config machine $machine"
[ -z "$nic2" ] || config="$config nic2 $nic2"
[ "$smp" = 1 ] || config="$config smp $smp"
[ -z "$icount" ] || config="$config icount"
[ -z "$args" ] || config="$config $args"
began=$SECONDS

kdir=$build/kernels/$kernel
version=$(cat "$kdir/version")
mkdir -p "$build/run"
dir=$(mktemp -d "$build/run/$nic-$iommu-$kernel.XXXXXX")
accel=$("$top/qemu-tests/accel.sh")
# A kernel that looks takes its time, and memory for what it remembers.
slow=1 memory=1G
if [ "$kernel" = dbg ]; then
	# It takes three times as long for most, and ten times for what attaches.
	slow=10 memory=2G timeout=$((timeout * 3))
fi
[ -z "$icount" ] || accel=tcg
emulator='qemu-system-x86_64'
[[ " $nic $nic2 " != *' igb '* ]] || emulator=$("$top/qemu-tests/qemu.sh")

children=()
cleanup() {
	for pid in "${children[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	rm -rf "$dir/root" "$dir/initramfs" "$dir"/wire.* "$dir/control" "$dir/monitor" \
		"$dir"/two/wire.* "$dir/two/control" "$dir/two/monitor"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# ---- initramfs ----

make_initramfs() {
	root_begin "$dir/root" "$top/qemu-tests/guest/init.sh"
	for program in ethtool strace tcpdump; do
		root_program "$program"
	done
	root_modules "$kdir" "$version" e1000 e1000e igb 8021q bridge bonding macvlan netconsole
	cp "$build/qemu-tests/out" "$dir/root/bin/"
	mkdir "$dir/root/tests"
	for test in $tests; do
		cp "$build/qemu-tests/guest/$test" "$dir/root/tests/"
	done
	# Found on sim: and pcap: too, by apps/tests/run.sh.
	if [[ " $tests " = *' t_same '* ]]; then
		root_program jq
		root_program "$build/tests/apps/same/sameframes"
		cp -r "$build/tests/apps/same" "$dir/root/"
	fi
	root_userring "$kernel"
	root_end "$dir/initramfs"
}

# ---- the machine ----

# shellcheck disable=SC2054  # QEMU has commas in its arguments
make_machine() {
	qemu=(-accel "$accel" -m "$memory" -smp "$smp" -nodefaults -no-reboot -display none
		-kernel "$kdir/vmlinuz" -initrd initramfs
		-chardev "file,id=console,path=console" -serial chardev:console
		-chardev "socket,id=control,path=control" -serial chardev:control
		-chardev "file,id=ktap,path=ktap" -device isa-debugcon,iobase=0xe9,chardev=ktap
		-chardev "file,id=dmesg,path=dmesg" -device isa-debugcon,iobase=0xea,chardev=dmesg
		-chardev "socket,id=monitor,path=monitor" -mon chardev=monitor,mode=control
		-netdev "dgram,id=net0,local.type=unix,local.path=wire.qemu,remote.type=unix,remote.path=wire.far"
		-netdev "user,id=net1,hostfwd=udp:127.0.0.1:0-:7,hostfwd=tcp:127.0.0.1:0-:7")
	[ -z "$icount" ] || qemu+=(-icount 'shift=0,align=off')
	# What vectorscan is built for; QEMU's usual CPU has none of it.
	local cpu='qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt'
	# SMEP and SMAP catch a kernel that touches user memory directly.
	[ "$accel" = kvm ] || cpu=$cpu,+smep,+smap,+rdrand
	qemu+=(-cpu "$cpu")

	local bus0=pcie.0 bus1=pcie.0 addr0=8 addr1=9
	pci0=0000:00:08.0 pci1=0000:00:09.0
	if [ "$machine" = pc ]; then
		qemu+=(-M pc)
		bus0=pci.0 bus1=pci.0
	else
		qemu+=(-M 'q35,kernel-irqchip=split')
		[ "$iommu" = off ] || qemu+=(-device 'intel-iommu,intremap=on,caching-mode=on')
		# Behind a root port a NIC can be unplugged, also a conventional one: QEMU
		# lets it sit there, and Linux drives the slot.
		qemu+=(-device pcie-root-port,id=rp0,bus=pcie.0,addr=4,chassis=1,slot=1
			-device pcie-root-port,id=rp1,bus=pcie.0,addr=5,chassis=2,slot=2)
		bus0=rp0 bus1=rp1 addr0=0 addr1=0
		pci0=0000:01:00.0 pci1=0000:02:00.0
	fi
	qemu+=(-device "$nic,id=nic0,netdev=net0,bus=$bus0,addr=$addr0,mac=52:54:00:75:72:00,romfile="
		-device "$nic,id=nic1,netdev=net1,bus=$bus1,addr=$addr1,mac=52:54:00:75:72:01,romfile=")
	[ -z "$nic2" ] || make_nic2
}

# shellcheck disable=SC2054
make_nic2() {
	local bus2=pci.0 addr2=0xa
	pci2=0000:00:0a.0
	if [ "$machine" = q35 ]; then
		qemu+=(-device pcie-root-port,id=rp2,bus=pcie.0,addr=6,chassis=3,slot=3)
		bus2=rp2 addr2=0 pci2=0000:03:00.0
	fi
	# An interrupt of its own: QEMU's ISA lines cannot be shared.
	qemu+=(-chardev "socket,id=control2,path=two/control"
		-device isa-serial,chardev=control2,iobase=0x3e8,irq=5,index=2
		-netdev "dgram,id=net2,local.type=unix,local.path=two/wire.qemu,remote.type=unix,remote.path=two/wire.far"
		-device "$nic2,id=nic2,netdev=net2,bus=$bus2,addr=$addr2,mac=52:54:00:75:72:02,romfile=")
}

# start_far_end DIR : leaves tcp_port
start_far_end() {
	# It may be looked for before the shell in the background has made it.
	: >"$1/farend.out"
	(cd "$1" && exec "$build/qemu-tests/farend") >"$1/farend.out" 2>"$1/farend.err" &
	children+=($!)
	for _ in $(seq 100); do
		tcp_port=$(sed -n 's/^tcp_port=//p' "$1/farend.out")
		[ -z "$tcp_port" ] || return 0
		sleep 0.05
	done
	die "the link partner did not start: $(cat "$1/farend.err")"
}

start_guest() {
	local line="console=ttyS0 panic_on_warn=1 oops=panic panic=-1 quiet loglevel=5"
	# A busy host is late with the first timer interrupts: the kernel would give up.
	line="$line no_timer_check net.ifnames=0 mitigations=off ur.nic=$nic ur.nic0=$pci0 ur.nic1=$pci1"
	line="$line ur.iommu=$iommu ur.tcp_port=$tcp_port ur.timeout=$timeout ur.slow=$slow ur.tests=${tests// /,}"
	[ "$iommu" = on ] || line="$line intel_iommu=off"
	# With two CPUs Linux reads QEMU's HPET for the time: a device that they wait for in
	# turn, which no CPU does on a machine with a clock in each.
	[[ " $tests " != *' t_victim '* ]] || line="$line tsc=reliable clocksource=tsc"
	[ -z "$nic2" ] || line="$line ur.nic2=$pci2 ur.nic2_model=$nic2"
	# The guest stops its programs itself; this is for a guest that hangs.
	local limit=$((60 + timeout * $(wc -w <<<"$tests")))
	(cd "$dir" && exec timeout -k 5 "$limit" "$emulator" "${qemu[@]}" -append "$line $args") \
		>"$dir/qemu.err" 2>&1 &
	guest=$!
	children+=("$guest")
}

make_initramfs
make_machine
if [ -n "$nic2" ]; then
	mkdir "$dir/two"
	start_far_end "$dir/two"
fi
start_far_end "$dir"
start_guest
if [ -n "$verbose" ]; then
	tail -q -n +1 -F "$dir/console" "$dir/ktap" 2>/dev/null &
	children+=($!)
fi

# ---- verdict ----

# results AWK-ARGUMENT... : of what the guest said so far
results() { awk -v programs="$tests" -v allowed="$allowed" "$@" -f "$top/qemu-tests/ktap.awk"; }

# show_results : those in the file "result" that were not shown yet
shown=0
show_results() {
	local verdict name seconds reason
	while read -r verdict name seconds reason; do
		shown=$((shown + 1))
		printf '%-4s %6.2f s  %s  [%s]%s\n' "$verdict" "$seconds" "$name" "$config" \
			"${reason:+: $reason}"
	done < <(tail -n +"$((shown + 1))" "$dir/result")
}

# Each as it comes, but for the last line, which may be half of one.
: >"$dir/seen"
while kill -0 "$guest" 2>/dev/null; do
	sleep 0.3
	[ "$dir/ktap" -nt "$dir/seen" ] || continue
	: >"$dir/seen"
	sed '$d' "$dir/ktap" | results -v live=1 >"$dir/result"
	show_results
done
qemu_status=0
wait "$guest" || qemu_status=$?
rm -f "$dir/seen"
touch "$dir/ktap"

# With two CPUs QEMU may run an instruction of Linux that Linux has just replaced: it
# ends then, at times, before there is anything of ours in it. Once is bad luck.
if [ ! -s "$dir/ktap" ] && [ -z "${BOOTED_BEFORE:-}" ] && grep -q 'Kernel panic' "$dir/console"; then
	tail -n 30 "$dir/console" | sed 's/^/console| /'
	say "Linux ended before its first program, and is booted once more"
	cleanup
	BOOTED_BEFORE=y exec "$top/qemu-tests/run.sh" "${asked[@]}"
fi

results <"$dir/ktap" >"$dir/result"
if [ "$qemu_status" != 0 ]; then
	echo "fail (qemu)/(exit) 0.00 QEMU ended with $qemu_status (124: out of time)" >>"$dir/result"
fi
show_results
passed=$(grep -c '^pass ' "$dir/result") || true
failed=$(grep -c '^fail ' "$dir/result") || true
say "config $config: $passed passed, $failed failed, $((SECONDS - began)) s"
if [ "$failed" != 0 ] || [ "$passed" = 0 ]; then
	awk -f "$top/qemu-tests/failed.awk" "$dir/ktap" | tail -n 200
	# Only a guest that stopped on its way has said anything else there.
	grep -q '# userring-tests-done' "$dir/ktap" || tail -n 30 "$dir/console" | sed 's/^/console| /'
	say "logs: $dir"
	exit 1
fi

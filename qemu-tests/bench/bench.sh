#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bench.sh : what a packet costs by userring and by what else there is, in instructions
# of a guest, side by side on one kind of emulated NIC. See docs/performance.md.
#   --nic e1000e|igb		(e1000e)
#   --kernel 6.1|6.12|7		(6.1)
#   --methods 'A B'		of userring queues udp packet tpacket xdp dpdk, and of
#				urdns nsd knot: DNS servers (userring)
#   --ops 'A B'			of rx tx fwd empty poll idle (all)
#   --packets N			a row (20480)
#   --args 'A B'		more for the kernel's command line
#   --fast			no second guest, which counts accesses to registers
#   --gate			compares our own rows with expected.json, or on Debian 13
#			expected-trixie.json: gate.sh
#   --accept			as --gate, and what was measured is expected from now on
# Rows are printed, and left in build/bench/NIC-KERNEL.json.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# It is a folder deeper than those that lib.sh is for.
here=$top/bench top=$(dirname "$top")
build=$top/build
# shellcheck source=qemu-tests/initramfs.sh
. "$top/qemu-tests/initramfs.sh"

# Packets a row of the guest that counts accesses to registers.
mmio_packets=2048

nic=e1000e kernel=6.1 methods=userring ops='rx tx fwd empty poll idle' packets=20480 args=''
fast='' gate='' accept=''
while [ $# -gt 0 ]; do
	case $1 in
	--fast | --gate | --accept)
		fast=y
		if [ "$1" != --fast ]; then
			gate=y packets=40960 ops='rx tx fwd empty' methods='userring urdns queues'
		fi
		[ "$1" != --accept ] || accept=y
		shift
		continue
		;;
	esac
	[ $# -ge 2 ] || die "$1 wants a value, or there is no such option"
	case $1 in
	--nic) nic=$2 ;;
	--kernel) kernel=$2 ;;
	--methods) methods=$2 ;;
	--ops) ops=$2 ;;
	--packets) packets=$2 ;;
	--args) args=$2 ;;
	*) die "no such option: $1" ;;
	esac
	shift 2
done

# shellcheck disable=SC2086  # a list of words
make -s -C "$here" O="$build" plugins $methods
for file in "$build/kernels/$kernel/version" "$build/module/$kernel/userring.ko" "$build/qemu-tests/out"; do
	[ -e "$file" ] || die "there is no $file: make module KERNEL=$kernel tests"
done
kdir=$build/kernels/$kernel
version=$(cat "$kdir/version")
emulator=qemu-system-x86_64 plugin=$build/bench/plugin-1.so
if [ "$nic" = igb ]; then
	emulator=$("$top/qemu-tests/qemu.sh")
fi
# The interface for plugins changed with QEMU 8.2.
major=$("$emulator" --version | sed -n 's/^QEMU.* version \([0-9]*\).*/\1/p')
[ "$major" -lt 9 ] || plugin=$build/bench/plugin-4.so

mkdir -p "$build/run"
dir=$(mktemp -d "$build/run/bench-$nic-$kernel.XXXXXX")
guest=
# shellcheck disable=SC2317  # called by the trap
cleanup() {
	[ -z "$guest" ] || kill "$guest" 2>/dev/null || true
	rm -rf "$dir/root" "$dir/initramfs"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# dns_server METHOD : with a zone of 100,000 records, and names that have one address
dns_server() {
	local knot
	mkdir -p "$dir/root/etc"
	case $1 in
	urdns) root_program "$build/apps/urdns" ;;
	nsd) root_program "$("$top/qemu-tests/nsd.sh")" ;;
	knot)
		knot=$("$top/qemu-tests/knot.sh")
		cp -L "$knot"/usr/lib/*-linux-gnu/*.so.* "$dir/root/lib/"
		LD_LIBRARY_PATH=$dir/root/lib root_program "$knot/usr/sbin/knotd"
		# Copies under the name that the folder has on this machine.
		rm -rf "$dir/root${dir:?}"
		;;
	esac
	cp "$here"/dns/*.conf "$build/bench/dns.zone" "$dir/root/etc/"
	cp "$build/bench/dns_preload.so" "$dir/root/lib/"
	awk '$1 ~ /^h[0-9]/ && $2 == "A" { print $1 ".example.org", $3 }' "$build/bench/dns.zone" \
		>"$dir/root/etc/names"
}

make_initramfs() {
	local modules=$nic
	root_begin "$dir/root" "$here/init.sh"
	for method in $methods; do
		case $method in
		urdns | nsd | knot) dns_server "$method" ;;
		*) root_program "$build/bench/bench-$method" ;;
		esac
	done
	case " $methods " in
	*' dpdk '*) modules="$modules uio_pci_generic" ;;
	esac
	# shellcheck disable=SC2086  # a list of words
	root_modules "$kdir" "$version" $modules
	cp "$build/qemu-tests/out" "$dir/root/bin/"
	cp "$build/module/$kernel/userring.ko" "$dir/root/lib/"
	root_end "$dir/initramfs"
}

# progress NAME : on a terminal, until the guest ends
progress() {
	while [ -t 2 ] && kill -0 "$guest" 2>/dev/null; do
		printf '\r%s: %d rows ' "$1" "$(grep -cs ' row ' "$dir/$1.out")" >&2
		sleep 1
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# run_guest NAME PACKETS PLUGIN-ARGUMENT... : leaves NAME.rows and NAME.counts
run_guest() {
	local name=$1 packets=$2 line status=0
	shift 2
	line="console=ttyS0 panic=-1 oops=panic quiet loglevel=5 no_timer_check net.ifnames=0"
	line="$line intel_iommu=off ipv6.disable=1 hugepages=96 ur.stock=$nic ur.packets=$packets"
	line="$line ur.methods=${methods// /,} ur.ops=${ops// /,} $args"
	# A hub carries a frame within the register write that sends it.
	# shellcheck disable=SC2054  # QEMU has commas in its arguments
	local qemu=(-accel tcg -icount 'shift=0,align=off,sleep=off' -m 1G -smp 1 -M q35
		-cpu 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+smep,+smap,+rdrand'
		-nodefaults -no-reboot -display none -kernel "$kdir/vmlinuz" -initrd initramfs
		-append "$line" -serial "file:$name.console"
		-chardev "file,id=out,path=$name.out" -device isa-debugcon,iobase=0xe9,chardev=out
		-plugin "$plugin,out=$name.counts$(printf ',%s' "$@")"
		-netdev hubport,id=port0,hubid=0 -netdev hubport,id=port1,hubid=1
		-netdev hubport,id=traffic0,hubid=0 -netdev hubport,id=traffic1,hubid=1
		-device pcie-root-port,id=rp0,addr=4,chassis=1,slot=1
		-device pcie-root-port,id=rp1,addr=5,chassis=2,slot=2
		-device "$nic,netdev=port0,bus=rp0,addr=0,mac=52:54:00:75:72:00,romfile="
		-device "$nic,netdev=port1,bus=rp1,addr=0,mac=52:54:00:75:72:01,romfile="
		-device "e1000e,netdev=traffic0,addr=0xa,mac=52:54:00:66:66:00,romfile="
		-device "e1000e,netdev=traffic1,addr=0xb,mac=52:54:00:66:66:01,romfile=")
	(cd "$dir" && exec timeout -k 5 3600 "$emulator" "${qemu[@]}") >"$dir/$name.err" 2>&1 &
	guest=$!
	progress "$name"
	wait "$guest" || status=$?
	guest=
	sed 's/^[0-9.]* //' "$dir/$name.out" >"$dir/$name.rows"
	if [ "$status" != 0 ] || ! grep -q '^# bench done' "$dir/$name.rows" ||
		grep -q '^# .* failed$' "$dir/$name.rows"; then
		cat "$dir/$name.err" "$dir/$name.rows"
		tail -n 30 "$dir/$name.console"
		die "the guest did not come to its end; see $dir"
	fi
	grep '^row ' "$dir/$name.rows" | paste -d ' ' - "$dir/$name.counts" >"$dir/$name.table"
}

say "$nic, kernel $kernel: $methods; $packets packets a row"
make_initramfs
run_guest count "$packets"
table=$dir/count.table
if [ -z "$fast" ]; then
	run_guest mmio "$mmio_packets" mmio=on
	mmio=$dir/mmio.table
else
	mmio=/dev/null
fi
awk -v nic="$nic" -v kernel="$kernel" -f "$here/rows.awk" "$mmio" "$table" >"$dir/rows.json"
# What the gate measures is less, and not for the page.
[ -n "$gate" ] || cp "$dir/rows.json" "$build/bench/$nic-$kernel.json"
if [ -z "$gate" ]; then
	"$here/table.sh" "$dir/rows.json"
	exit 0
fi
# Another compiler makes other code.
expected=$here/expected.json
[ ! -e "$here/expected-$host_suite.json" ] || expected=$here/expected-$host_suite.json
status=0
"$here/gate.sh" "$expected" "$dir/rows.json" || status=$?
if [ -n "$accept" ]; then
	jq '{rows: [.rows[] | {method, variant, op, burst, insn, user, kernel}]}' --compact-output \
		"$dir/rows.json" | sed 's/{"method/\n&/g' >"$expected"
	say "these are expected from now on: ${expected#"$top/"}"
	exit 0
fi
exit $status

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# upstream.sh : the kernel's own selftests of network drivers, those of Linux 7, with
# the stock driver and then with userring on the same NIC. It prints a table and fails
# where userring is poorer: docs/testing.md.
#   --nics 'A B'	('e1000e igb')
#   --tests 'A B'	(those in all_tests; names as in tools/testing/selftests/drivers/net)
#   --timeout S		(300; for one test)
#   --stock DIR		take the stock driver's results from this folder of an earlier run
#
# What a run leaves is in build/run/<id>: NIC-DRIVER.ktap and .dmesg, console, table.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=qemu-tests/initramfs.sh
. "$(dirname "$0")/initramfs.sh"

all_tests='ping stats queues napi_id napi_threaded ring_reconfig hw/csum hw/irq hw/rss_api'
nics='e1000e igb' tests=$all_tests timeout=300 stock=''
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || die "$1 wants a value"
	case $1 in
	--nics) nics=$2 ;;
	--tests) tests=$2 ;;
	--timeout) timeout=$2 ;;
	--stock) stock=$2 ;;
	*) die "no such option: $1" ;;
	esac
	shift 2
done

kernel=7
kdir=$build/kernels/$kernel
"$top/qemu-tests/need.sh" upstream
"$top/qemu-tests/kernel.sh" $kernel
"$top/qemu-tests/build-module.sh" $kernel
make -s -C "$top/qemu-tests" O="$build" "$build/qemu-tests/out"
user_space=$("$top/qemu-tests/upstream-root.sh")
emulator=$("$top/qemu-tests/qemu.sh")
mkdir -p "$build/run"
dir=$(mktemp -d "$build/run/upstream.XXXXXX")

guest=''
cleanup() {
	[ -z "$guest" ] || kill "$guest" 2>/dev/null || true
	rm -rf "$dir/root" "$dir/initramfs"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# Two archives in one file; what the second one has lies in usr, as Debian's lib is a
# link there.
make_initramfs() {
	root=$dir/root/usr
	mkdir -p "$root"
	root_modules "$kdir" "$(cat "$kdir/version")" e1000e igb virtio_pci virtio_net \
		act_skbedit cls_flower cls_matchall sch_fq sch_ingress
	cp "$build/module/$kernel/userring.ko" "$build/qemu-tests/out" "$dir/root/"
	install -m 755 "$top/qemu-tests/upstream-init.sh" "$dir/root/init"
	root=$dir/root
	root_end "$dir/more"
	# shellcheck disable=SC2016  # for the inner shell
	as_root sh -c 'cd "$0" && find . -xdev | cpio --quiet -o -H newc' "$user_space" |
		cat - "$dir/more" >"$dir/initramfs"
	rm "$dir/more"
}

# boot NIC DRIVER TESTS : a guest until it ends, or says nothing for too long. Its clock
# counts instructions and leaps when there is nothing to do: what the tests expect within
# half a second does not depend on what else the host is at. hw/irq wants four CPUs.
boot() {
	local line="console=ttyS0 panic=-1 quiet loglevel=5 no_timer_check net.ifnames=0 mitigations=off"
	(cd "$dir" && exec "$emulator" -accel tcg -icount shift=2,sleep=off,align=off -m 2G -smp 4 \
		-M q35 -cpu qemu64,+rdrand -nodefaults -no-reboot -display none \
		-kernel "$kdir/vmlinuz" -initrd initramfs \
		-append "$line ur.driver=$2 ur.tests=${3// /,} ur.timeout=$timeout" \
		-chardev file,id=console,path=console,append=on -serial chardev:console \
		-chardev file,id=ktap,path=now -device isa-debugcon,iobase=0xe9,chardev=ktap \
		-chardev "file,id=dmesg,path=$1-$2.dmesg,append=on" \
		-device isa-debugcon,iobase=0xea,chardev=dmesg \
		-netdev hubport,id=net0,hubid=0 -device "$1,netdev=net0,addr=8,romfile=" \
		-netdev hubport,id=net1,hubid=0 -device virtio-net-pci,netdev=net1,addr=9,romfile=) \
		>>"$dir/qemu.err" 2>&1 &
	guest=$!
	: >"$dir/now"
	while kill -0 "$guest" 2>/dev/null; do
		sleep 1
		if [ $(($(date +%s) - $(stat -c %Y "$dir/now"))) -gt 600 ]; then
			kill "$guest"
			break
		fi
	done
	wait "$guest" || true
	guest=''
}

# run NIC DRIVER : all tests. A guest that ended with one of them goes on behind it.
run() {
	local left=$tests last
	while [ -n "$left" ]; do
		say "$1, $2: $left ..."
		boot "$1" "$2" "$left"
		cat "$dir/now" >>"$dir/$1-$2.ktap"
		grep -q '# guest-done' "$dir/now" || tail -n 30 "$dir/console" | sed 's/^/console| /'
		last=$(sed -n 's/\r*$//; s/^[0-9.]* # begin //p' "$dir/now" | tail -n 1)
		[ -n "$last" ] || die "the guest did not come up: $dir/console"
		left=${left#*"$last"}
		left=${left# }
	done
}

make_initramfs
poorer=''
for nic in $nics; do
	if [ -n "$stock" ]; then
		cp "$stock/$nic-$nic.ktap" "$dir/"
	else
		run "$nic" "$nic"
	fi
	run "$nic" userring
	awk -v nic="$nic" -v tests="$tests" -f "$top/qemu-tests/upstream.awk" \
		"$top/qemu-tests/upstream.accepted" "$dir/$nic-$nic.ktap" "$dir/$nic-userring.ktap" \
		>>"$dir/table" || poorer=y
done
cat "$dir/table"
say "logs: $dir"
[ -z "$poorer" ]

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# demo.sh : boots a guest with an 82574L, gives its queue to urecho, and talks UDP
# to it from an ordinary socket of this machine, through QEMU's user network. On
# a terminal it goes on until ^C; else it ends after a number of datagrams, and
# its status says whether every answer came back right.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=qemu-tests/initramfs.sh
. "$(dirname "$0")/initramfs.sh"

bounded_count=100000
kernel=6.1
kdir=$build/kernels/$kernel
mkdir -p "$build/run"
dir=$(mktemp -d "$build/run/demo.XXXXXX")

children=()
# shellcheck disable=SC2317  # called by the trap
cleanup() {
	for pid in "${children[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' TERM HUP
# ^C is for the client; the guest is then told to end in an orderly way.
interrupted=
trap 'interrupted=y' INT

# The first UDP port from 7007 on that nobody has.
free_port() {
	local port=7007
	while grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$port") " /proc/net/udp; do
		port=$((port + 1))
	done
	echo "$port"
}

root_begin "$dir/root" "$top/qemu-tests/demo-init.sh"
root_userring "$kernel"
root_end "$dir/initramfs"

port=$(free_port)
mkfifo "$dir/in"
accel=$("$top/qemu-tests/accel.sh")
say "host: booting Linux $(cat "$kdir/version") in QEMU ($accel) with an emulated 82574L;"
say "host: 127.0.0.1 port $port is the guest's 10.0.2.15 port 7"
# In a session of its own: ^C on the terminal is not for the guest.
(cd "$dir" && exec setsid qemu-system-x86_64 -accel "$accel" -M q35 -m 512M \
	-nodefaults -no-reboot -display none -kernel "$kdir/vmlinuz" -initrd initramfs \
	-append 'console=ttyS0 quiet loglevel=3 panic=-1 net.ifnames=0 mitigations=off no_timer_check' \
	-chardev stdio,id=console,signal=off -serial chardev:console \
	-netdev "user,id=net0,hostfwd=udp:127.0.0.1:$port-:7" \
	-device e1000e,netdev=net0,romfile=) <>"$dir/in" >"$dir/out" 2>&1 &
guest=$!
children+=("$guest")
tail -n +1 -f --pid="$guest" "$dir/out" | sed -u 's/\r//g' &
children+=($!)

for _ in $(seq 600); do
	! grep -q '^guest: ready' "$dir/out" || break
	kill -0 "$guest" 2>/dev/null || die "the guest ended: see above"
	[ -z "$interrupted" ] || exit 130
	sleep 0.1
done
grep -q '^guest: ready' "$dir/out" || die 'the guest did not come up within a minute'

count=$bounded_count
if [ -t 1 ]; then
	count=0
	say "host: sending datagrams until ^C. From another terminal:"
	say "host:   bash -c 'exec 3<>/dev/udp/127.0.0.1/$port; echo hello >&3; head -n 1 <&3'"
fi
status=0
"$build/qemu-tests/echoclient" "$port" "$count" || status=$?
echo stop >"$dir/in"
# wait is cut short by a ^C that came a moment ago.
for _ in 1 2; do
	wait "$guest" || true
done
sleep 0.2
if [ "$status" = 0 ]; then
	say 'host: every answer came back, and every byte of it was right'
else
	say 'host: NOT every answer came back right'
fi
exit "$status"

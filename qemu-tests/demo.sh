#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# demo.sh : boots a guest with an 82574L, gives its queue to urdns, and asks it
# from this machine, through QEMU's user network. On a terminal it goes on until
# ^C, ten minutes at most; else it ends after its own queries. Its status says
# whether every answer was right.
#   --nic e1000e|igb	(e1000e)
#   --kernel NAME	(own; see kernel.sh)
#   --build		first installs, fetches and builds what it takes
#   --test		not for a person: also kdig, dnsperf, TCP and ping through the
#			same port, all that by IPv6 from another NIC, and a zone that
#			changes meanwhile
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=qemu-tests/initramfs.sh
. "$(dirname "$0")/initramfs.sh"

nic=e1000e kernel=own steps='' test=''
while [ $# -gt 0 ]; do
	case $1 in
	--nic)
		nic=${2:?}
		shift 2
		;;
	--kernel)
		kernel=${2:?}
		shift 2
		;;
	--build)
		steps=5
		shift
		;;
	--test)
		test=y
		shift
		;;
	*) die "no such option: $1" ;;
	esac
done

# step WHAT : of those of --build
step=0
step() {
	step=$((step + 1))
	[ -z "$steps" ] || say "host: step $step of $steps, after $SECONDS s: $*"
}

kernel=$(kernel_name "$kernel")
if [ -n "$steps" ]; then
	step 'Debian packages'
	"$top/qemu-tests/need.sh" demo
	step "Debian's kernel $kernel"
	"$top/qemu-tests/kernel.sh" "$kernel"
	step 'the module, the library, the apps'
	make -s -j"$(nproc)" -C "$top" KERNEL="$kernel" all
fi

patience=600
kdir=$build/kernels/$kernel
mkdir -p "$build/run"
dir=$(mktemp -d "$build/run/demo.XXXXXX")
emulator=qemu-system-x86_64
[ "$nic" != igb ] || emulator=$("$top/qemu-tests/qemu.sh")

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
# The guest is then told to end in an orderly way.
interrupted=
trap 'interrupted=y' INT

# free_port udp|tcp FIRST : the first port from there on that nobody has.
free_port() {
	local port=$2
	while grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$port") " "/proc/net/$1"; do
		port=$((port + 1))
	done
	echo "$port"
}

# ---- the guest ----

step 'a guest'
root_begin "$dir/root" "$top/qemu-tests/demo-init.sh"
root_userring "$kernel"
mkdir -p "$dir/root/etc" "$dir/root/www"
cp "$top/apps/urdns/example.org.zone" "$dir/root/etc/"
[ -z "$test" ] || root_program kdig
root_end "$dir/initramfs"

# Two of these may look at the same moment.
first=0
[ -z "$test" ] || first=$((10000 + $$ % 20000))
port=$(free_port udp $((5353 + first)))
tcp=$(free_port tcp $((8053 + first)))
mkfifo "$dir/in"
accel=$("$top/qemu-tests/accel.sh")
say "host: booting Linux $(cat "$kdir/version") in QEMU ($accel) with an emulated $nic;"
say "host: 127.0.0.1 port $port is the guest's 10.0.2.15 port 53"
user="user,hostfwd=udp:127.0.0.1:$port-:53,hostfwd=tcp:127.0.0.1:$tcp-:80"
nics=(-netdev "$user,id=net0" -device "$nic,netdev=net0,romfile=")
# QEMU's user network forwards nothing to IPv6: another NIC asks, on the same wire,
# where it would answer for every address.
# shellcheck disable=SC2054  # QEMU has commas in its arguments
[ -z "$test" ] || nics=(-netdev "$user,ipv6=off,id=user" -netdev hubport,id=wire,hubid=0,netdev=user
	-netdev hubport,id=net0,hubid=0 -device "$nic,netdev=net0,romfile="
	-netdev hubport,id=net1,hubid=0 -device e1000e,netdev=net1,romfile=)
# It may be looked for before the shell in the background has made it.
: >"$dir/out"
# In a session of its own: ^C on the terminal is not for the guest.
(cd "$dir" && exec setsid "$emulator" -accel "$accel" -M q35 -m 512M \
	-nodefaults -no-reboot -display none -kernel "$kdir/vmlinuz" -initrd initramfs \
	-append 'console=ttyS0 quiet loglevel=3 panic=-1 net.ifnames=0 mitigations=off no_timer_check' \
	-chardev stdio,id=console,signal=off -serial chardev:console \
	"${nics[@]}") <>"$dir/in" >"$dir/out" 2>&1 &
guest=$!
children+=("$guest")
tail -n +1 -f --pid="$guest" "$dir/out" | sed -u 's/\r//g' &
children+=($!)

# guest_says TEXT SECONDS
guest_says() {
	for _ in $(seq $(($2 * 10))); do
		! grep -q "$1" "$dir/out" || return 0
		kill -0 "$guest" 2>/dev/null || die "the guest ended: see above"
		[ -z "$interrupted" ] || exit 130
		sleep 0.1
	done
	return 1
}
guest_says '^guest: ready' 60 || die 'the guest did not come up within a minute'

# ---- queries ----

right=0 wrong=0
# expect WANT GOT WHAT
expect() {
	if [ "$1" = "$2" ]; then
		right=$((right + 1))
	else
		wrong=$((wrong + 1))
		say "host: $3: got \"$2\", not \"$1\""
	fi
}

# ask PROGRAM WANT NAME TYPE : each line of the answer, in one line
ask() {
	expect "$2" "$("$1" @127.0.0.1 -p "$port" +short +timeout=5 "$3" "$4" | sort | xargs)" "$1 $3 $4"
}

# status_of NAME TYPE
status_of() {
	dig @127.0.0.1 -p "$port" +timeout=5 "$1" "$2" | sed -n 's/.* status: \([A-Z]*\),.*/\1/p'
}

ask_all() {
	ask "$1" 192.0.2.80 www.example.org A
	ask "$1" 2001:db8::80 www.example.org AAAA
	ask "$1" '192.0.2.80 www.example.org.' ftp.example.org A
	ask "$1" '10 mail.example.org.' example.org MX
	ask "$1" '10 5 5060 sip.example.org.' _sip._udp.example.org SRV
	ask "$1" 192.0.2.99 any.thing.dyn.example.org A
	ask "$1" '' example.org PTR
}

step 'queries'
ask_all dig
expect NXDOMAIN "$(status_of nobody.example.org A)" nobody.example.org
expect REFUSED "$(status_of www.example.com A)" www.example.com

# ---- with all else that a port is used for ----

# What Linux serves comes whole through the queue that urdns has.
fetch() {
	exec 3<>"/dev/tcp/127.0.0.1/$tcp"
	printf 'GET /%s HTTP/1.0\r\n\r\n' "$1" >&3
	sed '1,/^\r$/d' <&3
	exec 3>&-
}

# said WHAT : what the guest says of it
said() { sed -n "s/\r//; s/^guest: $1: //p" "$dir/out"; }

by_ipv6() {
	echo ipv6 >"$dir/in"
	guest_says '^guest: sum: ' 60 || true
	expect 2001:db8::80 "$(said 'www.example.org AAAA')" 'by IPv6: www.example.org AAAA'
	expect '192.0.2.81 www.example.org.' "$(said 'ftp.example.org A')" 'by IPv6: ftp.example.org A'
	expect '10 mail.example.org.' "$(said 'example.org MX')" 'by IPv6: example.org MX'
	expect '20 packets transmitted, 20 packets received, 0% packet loss' \
		"$(said ping6 | grep -o '.* packet loss')" 'ping by IPv6'
	expect "$(said sum)" "$(said 'TCP by IPv6')" 'a megabyte by TCP and IPv6'
}

test_all() {
	ask_all kdig
	cat >"$dir/queries" <<-'EOQ'
		www.example.org A
		example.org MX
		nobody.example.org A
		ftp.example.org AAAA
		x.lab.example.org A
		any.dyn.example.org A
	EOQ
	dnsperf -s 127.0.0.1 -p "$port" -d "$dir/queries" -l 6 -q 20 -t 5 >"$dir/perf" 2>&1 &
	local perf=$!
	echo ping >"$dir/in"
	sleep 2
	for _ in 1 2 3; do
		expect "$(fetch sum)" "$(fetch file | md5sum)" 'a megabyte by TCP'
	done
	guest_says '^guest: ping: ' 30 || true
	expect 'guest: ping: 20 packets transmitted, 20 packets received, 0% packet loss' \
		"$(grep -o '^guest: ping: .* packet loss' "$dir/out")" ping
	echo reload >"$dir/in"
	wait "$perf" || true
	grep -E 'Queries (sent|completed|lost|per)|Response codes' "$dir/perf"
	expect 0 "$(sed -n 's/.*Queries lost: *\([0-9]*\).*/\1/p' "$dir/perf")" 'queries that dnsperf lost'
	expect 192.0.2.81 "$(dig @127.0.0.1 -p "$port" +short +timeout=5 www.example.org A)" 'the new zone'
	by_ipv6
}
[ -z "$test" ] || test_all

if [ -t 1 ] && [ -z "$test" ]; then
	SECONDS=0
	say 'host: until ^C, from another terminal:'
	say "host:   dig @127.0.0.1 -p $port www.example.org"
	while [ -z "$interrupted" ] && [ "$SECONDS" -lt "$patience" ]; do
		sleep 0.2 || true
	done
fi
echo stop >"$dir/in"
# wait is cut short by a ^C that came a moment ago.
for _ in 1 2; do
	wait "$guest" || true
done
sleep 0.2
grep -q '^guest: urdns ended with 0' "$dir/out" || wrong=$((wrong + 1))
say "host: $right answers right, $wrong wrong"
[ "$wrong" = 0 ]

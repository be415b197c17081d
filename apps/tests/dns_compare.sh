#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# dns_compare.sh: the answers of urdns beside those of NSD, for a zone of 100,000
# records; and beside those of NSD and Knot DNS, for random small zones.  From the
# Makefile: TEST, where dns_compare is; NSD, the program; KNOT, the folder it is
# unpacked in.  ZONES=N SEED=N: so many random zones, drawn from that seed.  The servers
# run as our children, on a port of 127.0.0.1.
set -eu
cd "$(dirname "$0")"
TEST=$(realpath "${TEST:?}")
NSD=${NSD:?}
KNOT=${KNOT:?}
ZONES=${ZONES:-60}
SEED=${SEED:-$RANDOM}
dir=$(mktemp -d)
server=
stop() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	server=
}
# shellcheck disable=SC2317  # called by the trap
cleanup() {
	stop
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

free_port() {
	port=$((20000 + ($$ + RANDOM) % 10000))
	while grep -qi " [0-9A-F]*:$(printf '%04X' "$port") " /proc/net/udp; do
		port=$((port + 1))
	done
}

# Of the server that was started: until it says so, in a line of its log.
wait_for() {
	for _ in $(seq 300); do
		! grep -q "$1" "$dir/log" || return 0
		kill -0 "$server" || break
		sleep 0.1
	done
	cat "$dir/log"
	exit 1
}

# ORIGIN=FILE...
start_nsd() {
	free_port
	cat <<-EOS >"$dir/nsd.conf"
	server:
		ip-address: 127.0.0.1@$port
		server-count: 1
		username: ""
		chroot: ""
		zonesdir: "$dir"
		xfrdir: "$dir"
		database: ""
		pidfile: "$dir/pid"
		xfrdfile: ""
		zonelistfile: "$dir/list"
		hide-version: yes
		minimal-responses: yes
		rrl-ratelimit: 0
	remote-control:
		control-enable: no
	EOS
	for zone; do
		printf 'zone:\n\tname: %s\n\tzonefile: %s\n' "${zone%%=*}" "${zone#*=}"
	done >>"$dir/nsd.conf"
	"$NSD" -d -c "$dir/nsd.conf" >"$dir/log" 2>&1 &
	server=$!
	wait_for 'nsd started'
}

start_knot() {
	free_port
	cat <<-EOS >"$dir/knot.conf"
	server:
	    listen: 127.0.0.1@$port
	    rundir: "$dir/knot"
	    udp-workers: 1
	database:
	    storage: "$dir/knot"
	log:
	  - target: stdout
	    any: info
	template:
	  - id: default
	    storage: "$dir"
	    zonefile-sync: -1
	zone:
	EOS
	for zone; do
		printf '  - domain: %s\n    file: "%s"\n' "${zone%%=*}" "${zone#*=}"
	done >>"$dir/knot.conf"
	mkdir -p "$dir/knot"
	LD_LIBRARY_PATH=$(echo "$KNOT"/usr/lib/*-linux-gnu) \
		"$KNOT/usr/sbin/knotd" -c "$dir/knot.conf" >"$dir/log" 2>&1 &
	server=$!
	wait_for 'server started'
}

awk -f dns_zone.awk -v what=zone >"$dir/zone"
awk -f dns_zone.awk -v what=queries >"$dir/queries"
start_nsd example.org="$dir/zone"
"$TEST/dns_compare" nsd "$port" "$dir/zone" <"$dir/queries"
stop

# What libzscanner cannot read (urdns/text.c), as NSD reads it; % is a byte above 127.
LC_ALL=C sed 's/%/\xe4/g' <<'EOS' >"$dir/written"
$ORIGIN example.org.
$TTL 60
early 30 CLASS1 A 192.0.2.9
@ SOA a b 1 2 3 4 5
@ NS a
a A 192.0.2.1
b%r CLASS1 A 192.0.2.3
c CNAME b%r
t TXT "a"b c"d"
t TXT "%\%""e"
s SVCB 1 . mandatory=alpn,dohpath alpn="h2" dohpath=/q{?dns}
mb MB a
mb PTR a
mb MR b
x X25 "311"
x ISDN "150" "004"
EOS
for name in early b\\228r c t s mb x; do
	for type in A CNAME TXT SVCB PTR TYPE7 TYPE9 TYPE19 TYPE20; do
		echo "$name $type 1232 -"
	done
done >"$dir/queries"
start_nsd example.org="$dir/written"
"$TEST/dns_compare" nsd "$port" "$dir/written" <"$dir/queries"
stop

echo "random zones: ZONES=$ZONES SEED=$SEED"
awk -f dns_random.awk -v seed="$SEED" -v zones="$ZONES" -v dir="$dir" >"$dir/queries"
zones=()
for i in $(seq 0 $((ZONES - 1))); do
	zones+=("z$i.test.=$dir/z$i.test")
done
for peer in nsd knot; do
	start_$peer "${zones[@]}"
	"$TEST/dns_compare" $peer "$port" "${zones[@]}" <"$dir/queries" || {
		keep=$(mktemp -d)
		cp "$dir"/z*.test "$keep"
		echo "the zones are in $keep"
		exit 1
	}
	stop
done

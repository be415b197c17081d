#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# dns_nsd.sh: the answers of urdns beside those of NSD, for a zone of 100,000
# records.  From the Makefile: TEST, where dns_compare is; NSD, the program.  NSD
# runs as our child, on a port of 127.0.0.1.
set -eu
cd "$(dirname "$0")"
TEST=$(realpath "${TEST:?}")
NSD=${NSD:?}
dir=$(mktemp -d)
nsd=
# shellcheck disable=SC2317  # called by the trap
cleanup() {
	[ -z "$nsd" ] || kill "$nsd" 2>/dev/null || true
	[ -z "$nsd" ] || wait "$nsd" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

port=$((20000 + $$ % 10000))
while grep -qi " [0-9A-F]*:$(printf '%04X' "$port") " /proc/net/udp; do
	port=$((port + 1))
done

awk -f dns_zone.awk -v what=zone >"$dir/zone"
awk -f dns_zone.awk -v what=queries >"$dir/queries"
cat >"$dir/nsd.conf" <<EOS
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
zone:
	name: example.org
	zonefile: $dir/zone
EOS
"$NSD" -d -c "$dir/nsd.conf" >"$dir/log" 2>&1 &
nsd=$!
for _ in $(seq 200); do
	! grep -q 'nsd started' "$dir/log" || break
	sleep 0.1
done
grep -q 'nsd started' "$dir/log" || {
	cat "$dir/log"
	exit 1
}
"$TEST/dns_compare" "$dir/zone" "$port" <"$dir/queries"

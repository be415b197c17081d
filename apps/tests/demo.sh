#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh: what the apps do, on software NICs: no NIC and no root is needed.
# BIN is where they are.
set -eu
BIN=${BIN:?}

show() {
	local name=$1
	shift
	printf '\n$ %s %s\n' "$name" "$*"
	"$BIN/$name" "$@" || true
}

show urdump -c 3 sim:gen=udp,flows=3
show urdump -q --seconds 1 sim:gen=udp
show urgen --both --dst 10.0.0.2 --rate 10k --count 10000 sim:loop
show urecho --ip 10.0.0.2/24 --port 9 --seconds 1 sim:gen=udp,rate=100000
show urctl status sim:
show urctl doctor

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh: what the apps do, on software NICs: no NIC and no root is needed.
# BIN is where they are.  Ends with 1 if one of them failed.
set -eu
PATH=$(realpath "${BIN:?}"):$PATH
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
code=0

# show WHAT COMMAND...: what it is about, the command, what it says.
show() {
	local what=$1
	shift
	printf '\n# %s\n$ %s\n' "$what" "$(printf '%s ' "${@@Q}" | sed "s/'\([^' ]*\)'/\1/g; s/ $//")"
	"$@" || { echo "$1 failed: code $?"; code=1; }
}

# by a symbolic link, so that the commands are short
ln -s "$PWD/demo.pcap" "$tmp/queries.pcap"
ln -s "$(realpath ../urdns/example.org.zone)" "$tmp/"
ln -s "$(realpath ../urids/urids.rules.example)" "$tmp/rules"
cd "$tmp"

show 'three packets of a NIC in software' urdump -nn -c 3 -i sim:gen=udp,flows=3
show 'how many come in a second' urdump -q --seconds 1 sim:gen=udp
show 'queries into a file, and from it' urdump -w dns.pcapng pcap:queries.pcap udp port 53
urdump -r dns.pcapng 2>/dev/null
show 'send, and measure what comes back' urgen --both --dst 10.0.0.2 --rate 10k --count 10000 sim:loop
show 'send UDP back' urecho --ip 10.0.0.2/24 --port 9 sim:gen=udp,rate=100000,count=100000
show 'forward from one NIC to the other, without a copy' urfwd sim:gen=udp,count=1000000 sim:
show 'answer DNS' urdns --show 9 --zone example.org.zone pcap:queries.pcap
show 'drop what a rule forbids' \
	urids --rules rules --var HOME_NET=192.0.2.0/24 pcap:queries.pcap pcap:,left.pcap
show 'start again what has crashed' \
	urkeep -- sh -c '[ -e crashed ] || { touch crashed; kill -9 $$; }; urecho --port 9 sim:gen=udp,count=5'
show 'who has the queues of a NIC' urctl status sim:
printf '\nWith a NIC: urctl doctor says what is still missing.\n'
exit $code

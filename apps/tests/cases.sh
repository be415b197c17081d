#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# cases.sh: files, packets and children that an app once took wrongly, a line each: what
# is done with it, and what must come of it.  From run.sh, with BIN and TEST; the files
# are in cases/.  The last line is "N passed, N failed".
cd "$(dirname "$0")/cases" || exit 1
# shellcheck source=apps/tests/tap.sh
. ../tap.sh

# ------------------------------------------------------------------------
# urdns: zones

# zone_refused FILE LINE WHY: with the line, and nothing else is said.
zone_refused() {
	app 1 urdns --check --zone "example.org=$1" && err_has "urdns: $1:$2: " && err_has "$3" &&
		[ "$(wc -l <"$dir/err")" -eq 1 ] && [ ! -s "$dir/out" ]
}

# says ZONE QUESTION ANSWER: rcode, aa, and TTL, type and data of the answer's records.
says() {
	echo "$2" | awk -f queries.awk | text2pcap -q -F pcap - "$dir/query.pcap" >/dev/null &&
		app 0 urdns --zone "$1" "pcap:$dir/query.pcap,$dir/reply.pcap" || return 1
	local have
	have=$(tshark -n -r "$dir/reply.pcap" -T fields -E occurrence=a -e dns.flags.rcode \
		-e dns.flags.authoritative -e dns.count.answers -e dns.resp.ttl -e dns.resp.type \
		-e dns.a -e dns.cname -e dns.txt 2>"$dir/tshark" | awk -F '\t' '{
			split($4, ttl, ","); split($5, type, ",")
			# newer ones print True for 1
			sub("True", 1, $2)
			sub("False", 0, $2)
			text = $1 " " $2
			for (i = 1; i <= $3; i++)
				text = text " " ttl[i] " " type[i]
			# addresses of the authority are no answer
			if ($3 && type[1] == 1)
				text = text " " $6
			print text ($7 != "" ? " " $7 : "") ($8 != "" ? " " $8 : "")
		}')
	[ "$have" = "$3" ] || { echo "$2: \"$have\", not \"$3\""; return 1; }
}
loads_and_says() { app 0 urdns --check --zone "$1" && says "$@"; }
# RFC 1035, 5.1: the TTL that was stated last.
ttls() {
	says "$1" 'example.org SOA' '0 1 60 6' && says "$1" 'example.org NS' '0 1 60 2' &&
		says "$1" 'ns.example.org A' '0 1 60 1 192.0.2.1' &&
		says "$1" 'www.example.org A' '0 1 30 1 192.0.2.2' &&
		says "$1" 'ftp.example.org A' '0 1 30 1 192.0.2.3'
}
no_origin() {
	app 1 urdns --check --zone no-origin.zone && err_has 'no-origin.zone:2: which zone is it?' &&
		loads_and_says example.org=no-origin.zone 'www.example.org A' '0 1 300 1 192.0.2.2'
}
apex_wildcard() {
	says "$1" 'www.example.org A' '0 1 300 1 192.0.2.1' &&
		says "$1" 'other.example.org A' '0 1 300 1 192.0.2.66' &&
		says "$1" 'foo.www.example.org A' '3 1' && says "$1" 'foo.www.example.org MX' '3 1'
}

# serves COMMAND...: does it while urdns runs with a zone in $dir/zone; it lives on.
serves() {
	local pid code=0
	: >"$dir/err"
	"$BIN/urdns" --zone "example.org=$dir/zone" sim:gen=udp,rate=10 >"$dir/out" 2>"$dir/err" &
	pid=$!
	has_written "$dir/err" 'serves 1 zone' && "$@" "$pid" || code=1
	kill "$pid" || code=1
	wait "$pid" || { echo "urdns ended with $?"; code=1; }
	return $code
}
cp plain.zone "$dir/zone"
wrong_at_sighup() {
	cp raw-ns-600-bytes.zone "$dir/zone.new" && mv "$dir/zone.new" "$dir/zone" &&
		kill -HUP "$1" && has_written "$dir/err" ' as they were' && err_has 'zone:6: '
}
# A file is written over in place, early and late in the time that its reading takes.
written_over() {
	local pause n=1
	for pause in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.5; do
		n=$((n + 1))
		kill -HUP "$1" && sleep $pause && cp "$dir/g" "$dir/zone" || return 1
		settled "$1" $n && cp "$dir/h" "$dir/zone" || return 1
	done
}
# settled PID N: so often zones were taken or refused.
settled() {
	local _
	for _ in $(seq 600); do
		kill -0 "$1" || return 1
		[ "$(grep -cE ': serves | as they were' "$dir/err")" -lt "$2" ] || return 0
		sleep 0.05
	done
	return 1
}
overwritten() {
	local letter
	for letter in h g; do
		{ cat plain.zone && seq 300000 | sed "s/.*/$letter& A 192.0.2.7/"; } >"$dir/$letter"
	done
	cp "$dir/h" "$dir/zone" && serves written_over
}

# zone N WHAT [VARIABLE]: is written into $dir/WHAT.zone.
zone() { awk -f zone.awk -v "n=$1" -v "what=$2" -v "types=${3:-0}" >"$dir/$2.zone"; }
# user COMMAND...: seconds of CPU time are in $seconds.
user() {
	local TIMEFORMAT=%U
	{ time "$@" >>"$dir/t.log" 2>&1 || return 1; } 2>"$dir/time"
	seconds=$(cat "$dir/time")
}
# at_most LIMIT WHAT: that much more, and a tenth of a second.
at_most() {
	echo "$seconds s, for others $2 s"
	awk -v a="$seconds" -v b="$2" -v limit="$1" 'BEGIN { exit !(a < limit * b + 0.1) }'
}
quick_to_load() {
	user app 0 urdns --check --zone "x=$dir/$1.zone" && at_most "$2" "$3"
}
same_hash() {
	zone 30000 same-hash && zone 30000 plain &&
		user app 0 urdns --check --zone "x=$dir/plain.zone" && quick_to_load same-hash 5 "$seconds"
}
# image MB: of the zone that was loaded.
image() {
	sed -n 's/.* records: //p' "$dir/err" | awk -v max="$1" '
		BEGIN { unit["KB"] = 0.001; unit["MB"] = 1 }
		{ exit !($2 in unit && $1 * unit[$2] <= max) }'
}
copies() { zone 1000 copies 250 && app 0 urdns --check --zone "x=$dir/copies.zone" && image 2; }
many_types() { zone 1000 copies 1000 && app 1 urdns --check --zone "x=$dir/copies.zone" && err_has 'at most 256 types'; }
# misses LABELS BYTES: a capture of names that are not there, of labels so long.
misses() {
	awk -v labels="$1" -v bytes="$2" 'BEGIN {
		srand(1)
		for (i = 0; i < 500; i++) {
			name = "x"
			for (k = 0; k < labels; k++) {
				name = "." name
				for (b = 0; b < bytes; b++)
					name = substr("abcdefghijk", 1 + int(11 * rand()), 1) name
			}
			print name, "A"
		}
	}' | awk -f queries.awk | text2pcap -q -F pcap - "$dir/misses$1.pcap" >/dev/null
	user app 0 urdns --json --zone x=deep-names.zone "pcap:$dir/misses$1.pcap,loop=500" &&
		is NXDOMAIN 250000
}
deep() {
	misses 4 61 || return 1
	local flat=$seconds
	misses 124 1 && at_most 4 "$flat"
}

t 'case: raw NS of 600 bytes' zone_refused raw-ns-600-bytes.zone 6 'sub.example.org. NS: '
t 'case: raw NS of 600 bytes at SIGHUP' serves wrong_at_sighup
t 'case: raw A of 3 bytes' zone_refused raw-a-3-bytes.zone 6 'x.example.org. A: its data is too short'
t 'case: raw CNAME that is cut' zone_refused raw-cname-cut.zone 6 'a name in its data is not whole'
t 'case: raw NS that is a pointer' zone_refused raw-ns-pointer.zone 6 'a name in its data is compressed'
t 'case: DS with a short digest' zone_refused ds-short-digest.zone 7 'its digest has not the length that its kind has'
t 'case: zone without an origin' no_origin
t 'case: TTL that was stated last' ttls ttl-last-stated.zone
t 'case: TXT of strings without a blank' loads_and_says txt-glued.zone 'x.example.org TXT' '0 1 300 16 a,b'
t 'case: lines that end in CR LF' loads_and_says crlf.zone 'x.example.org A' '0 1 300 1 192.0.2.3'
t 'case: CLASS1 TYPE1' loads_and_says class1.zone 'x.example.org A' '0 1 300 1 192.0.2.3'
t 'case: CNAME twice, but for case' loads_and_says cname-twice-other-case.zone 'x.example.org CNAME' '0 1 300 5 y.example.org'
t 'case: WKS' zone_refused wks.zone 6 'not supported'
t 'case: wildcard of the apex' apex_wildcard apex-wildcard.zone
t 'case: zone written over while it is read' overwritten
t 'case: names of one hash' thrice same_hash
zone 1000 compress
t 'case: names that are hard to compress' thrice quick_to_load compress 0 0.9
t 'case: types that many names point to' copies
t 'case: name with 1,000 types' many_types
t 'case: deep names that are not there' thrice deep

# ------------------------------------------------------------------------
# urdns: queries

# replies FILE[,OPTION] HOST RCODE OPT: so many went to Linux; else the code of the reply,
# and whether it has an OPT.
replies() {
	app 0 urdns --json --zone example.org=plain.zone "pcap:${1%%,*},$dir/out.pcap${1#"${1%%,*}"}" &&
		is host_packets "$2" || return 1
	local have
	have=$(tshark -n -r "$dir/out.pcap" -T fields -e dns.flags.rcode -e dns.resp.type 2>/dev/null |
		tr '\t' ' ')
	[ "$have" = "${*:3}" ] || { echo "reply \"$have\", not \"${*:3}\""; return 1; }
}
vlan() {
	echo 'www.example.org A' | awk -f queries.awk -v tag=100 |
		text2pcap -q -F pcap - "$dir/tagged.pcap" >/dev/null &&
		replies "$dir/tagged.pcap,vlan=strip" 1 && replies "$dir/tagged.pcap" 1
}
t 'case: OPT whose option is cut' replies opt-option-cut.pcap 0 1 41
t 'case: opcode 3 with an OPT' replies opcode3-with-opt.pcap 0 4 41
t 'case: NOTIFY' replies notify.pcap 1
t 'case: IXFR by UDP' replies ixfr-udp.pcap 1
t 'case: query in a VLAN' vlan

# ------------------------------------------------------------------------
# Captures

# ends CODE WHY APP ARGUMENT...: by itself, with that sentence; "" is none.
ends() {
	local code=$1 why=$2
	shift 2
	app "$code" "$@" && { [ -z "$why" ] || err_has "$1: $why"; }
}
heads() {
	tshark -n -r "$dir/out.pcap" -T fields -e frame.time_epoch -e frame.len -e frame.cap_len \
		2>/dev/null | tr '\t\n' ' /'
}
has_heads() { [ "$(heads)" = "$1" ] || { echo "it has $(heads)"; return 1; }; }
echo 'alert udp any any -> any any (sid:1;)' >"$dir/rules"
three='52 52/1700000001.000000000 542 542/1700000002.000000000 1042 1042/'
cut_off_fwd() {
	ends 1 'pcap:cut-off.pcap ends early: truncated dump file' urfwd --json pcap:cut-off.pcap \
		"pcap:,$dir/out.pcap" && are tx_packets '0 3' && has_heads "1700000000.000000000 $three"
}
cut_off_ids() {
	ends 1 'pcap:cut-off.pcap ends early: truncated dump file' urids --json --rules "$dir/rules" \
		--alerts /dev/null pcap:cut-off.pcap "pcap:,$dir/out.pcap" && are alerts '3 0' &&
		has_heads "1700000000.000000000 $three"
}
cut_off_dump() {
	ends 1 'pcap:cut-off.pcap ends early: truncated dump file' urdump -w "$dir/out.pcap" pcap:cut-off.pcap &&
		has_heads "1700000000.000000000 $three"
}
snaplen() {
	app 0 urdump -q pcap:snaplen-96.pcap 'greater 600' && err_has '2 packets taken' &&
		app 0 urdump -w "$dir/out.pcap" pcap:snaplen-96.pcap && has_heads "$1"
}
empty_records() {
	ends 1 'pcap:empty-records.pcap: not all came: 2 empty frames' \
		urdump -q --json pcap:empty-records.pcap && is missed 2 && is rx_packets 1
}
# Nothing comes of it: both are said.
empty_then_broken() {
	ends 1 'pcap:empty-then-broken.pcap: invalid packet capture length 16777216' urdump -q \
		pcap:empty-then-broken.pcap && err_has 'not all came: 1 empty frame'
}
jumbo() {
	ends 1 'pcap:jumbo.pcap: not all came: 2 frames longer than a slot of 2048 bytes' \
		urdump -w "$dir/out.pcap" pcap:jumbo.pcap && has_heads '1700000001.000000000 52 52/'
}
# What libpcap reads of it, or why it reads no more, in its words.
two_snaplens() {
	local why
	tcpdump -r two-snaplens.pcapng >/dev/null 2>"$dir/tcpdump" &&
		{ app 0 urdump pcap:two-snaplens.pcapng && [ "$(wc -l <"$dir/out")" -eq 2 ]; return; }
	why=$(grep -o 'an interface has a snapshot length .*' "$dir/tcpdump") &&
		ends 1 "pcap:two-snaplens.pcapng: $why" urdump pcap:two-snaplens.pcapng
}
read_and_written() {
	cp udp-x.pcap "$dir/same.pcap" && app 1 urecho "pcap:$dir/same.pcap,$dir/same.pcap" &&
		err_has 'is the file that is read' && cmp udp-x.pcap "$dir/same.pcap"
}
t 'case: capture that is cut off, urfwd' cut_off_fwd
t 'case: capture that is cut off, urids' cut_off_ids
t 'case: capture that is cut off, urdump' cut_off_dump
t 'case: capture of 96 bytes of each' snaplen '1500000000.123456000 52 52/1500000001.123456000 542 96/1500000002.123456000 1042 96/1500000003.123456000 1442 96/'
t 'case: capture with jumbo frames' jumbo
t 'case: capture with empty records' empty_records
t 'case: capture with an empty record, then nonsense' empty_then_broken
t 'case: capture of two snapshot lengths' two_snaplens
t 'case: capture that is read and written' read_and_written

# ------------------------------------------------------------------------
# urids: rules

# alerts FILE SIDS [OPTION]: what rules say of a packet.
alerts() {
	rm -f "$dir/alerts"
	app 0 urids --rules "$1" --alerts "$dir/alerts" "${@:3}" pcap:udp-x.pcap && err_empty || return 1
	local have
	have=$(jq -r .alert.signature_id "$dir/alerts" | paste -sd' ')
	[ "$have" = "$2" ] || { echo "alerts $have, not $2"; return 1; }
}
rules_refused() { app 1 urids --rules "$1" --alerts /dev/null pcap:udp-x.pcap && err_has "urids: $1:$2"; }
# What a terminal would obey is shown escaped.
escapes() {
	rules_refused escapes.rules '1: the keyword \x1b[31mbad is not supported' &&
		! grep -q $'\033' "$dir/err"
}
t 'case: comment that ends in a backslash' alerts comment-backslash.rules '1 2'
t 'case: blank behind a backslash' alerts backslash-blank.rules 1
t 'case: sid twice' rules_refused sid-twice.rules '1: sid is there twice'
t 'case: network with a mask' alerts netmask.rules '1 2' --skip-unsupported
t 'case: escape sequences in a rule' escapes

# ------------------------------------------------------------------------
# urkeep

# A child that says it is ready, and ends, is started again after pauses that grow.
keep_storm() {
	local n
	rm -f "$dir/log"
	timeout 2 "$BIN/urkeep" -- "$TEST/keptchild" "$dir/log" 10000 exit 2>"$dir/err"
	n=$(wc -l <"$dir/log")
	echo "$n starts in 2 s"
	[ "$n" -ge 15 ] && [ "$n" -le 26 ]
}
t 'case: child that ends at once' thrice keep_storm

total

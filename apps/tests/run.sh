#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh: tests of the apps, on software NICs and made-up trees of /sys.  From
# the Makefile: BIN and TEST, where apps and test programs are; UNIT, the unit
# tests.  The last line is "N passed, N failed".
cd "$(dirname "$0")" || exit 1
here=$PWD
cd .. || exit 1
# shellcheck source=apps/tests/tap.sh
. tests/tap.sh

# grows_to FILE BYTES: soon it is as long.
grows_to() {
	local _
	for _ in $(seq 600); do
		[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -lt "$2" ] || return 0
		sleep 0.05
	done
	echo "$1 has no $2 bytes"
	return 1
}

# between KEY MIN MAX
between() {
	num "$1" | awk -v min="$2" -v max="$3" \
		'{ exit !($1 >= min && $1 <= max) }' ||
		{ echo "$1 is $(num "$1"), not $2 to $3"; return 1; }
}

# ------------------------------------------------------------------------
# Logic

programs=()
for unit in ${UNIT:?}; do
	programs+=("$TEST/test_$unit")
done
../libuserring/tests/run.sh "${programs[@]}" >"$dir/unit" 2>&1
cat "$dir/unit"
add_counts "$(tail -n 1 "$dir/unit")"

zone=urdns/example.org.zone

# ------------------------------------------------------------------------
# All apps

help_fits() {
	app 0 "$1" --help && err_empty && out_has example || return 1
	[ "$(wc -l <"$dir/out")" -le 24 ] || { echo 'more than 24 lines'; return 1; }
	[ "$(wc -L <"$dir/out")" -le 80 ] || { echo 'more than 80 columns'; return 1; }
}
version() { app 0 "$1" --version && out_has 'contract 1' && app 0 "$1" -V; }
for name in urdump urecho urgen urfwd urdns urids urctl urkeep; do
	t "$name --help" help_fits "$name"
	t "$name --version" version "$name"
done

# refused CODE TEXT APP ARGUMENT...: one sentence that names the program.
refused() {
	local code=$1 text=$2
	shift 2
	app "$code" "$@" && err_has "$text" && err_has "$1: " && [ ! -s "$dir/out" ]
}
t 'no device' refused 2 'which device?' urdump
t 'two devices' refused 2 'one device, please' urecho sim: sim:
t 'two ways to generate' refused 2 '--receive and --both contradict each other' urgen --both --receive sim:
t 'two ways to generate, turned round' refused 2 '--both and --receive contradict' urgen --receive --both sim:
t 'two rates' refused 2 '--flat-out and --rate contradict' urgen --dst 10.0.0.2 --rate 5 --flat-out sim:
t 'two rates, turned round' refused 2 '--rate and --flat-out contradict' urgen --dst 10.0.0.2 --flat-out --rate 5 sim:
t 'receive at a rate' refused 2 '--rate is for who sends' urgen --receive --rate 5 sim:
t 'receive at a size' refused 2 '--size is for who sends' urgen --receive --size 100 sim:
t 'send from what is received' refused 2 '--port is for who receives' urgen --dst 10.0.0.2 --port 7 sim:
t 'never sleeps, after a while' refused 2 '--busy and --spin contradict' urecho --spin 5 --busy sim:
t 'after a while never sleeps' refused 2 '--spin and --busy contradict' urecho --busy --spin 5 sim:
t 'slip without a limit' refused 2 'and --rrl that they are' urdns --zone $zone --slip 2 sim:
t 'check with a device' refused 2 'leave sim: out' urdns --check --zone $zone sim:
t 'bytes of no line' refused 2 'there are none' urdump -x -w "$dir/cap" sim:
t 'MAC addresses of no line' refused 2 'there are none' urdump -e -q sim:
t 'text of no line' refused 2 'there are none' urdump -A --json sim:
t 'a buffer for nothing' refused 2 'here nothing is' urdump -q -B 64 sim:
# said APP ARGUMENT... SENTENCE: wrong usage, and that is all that is said of it.
said() {
	local name=$1 sentence=${!#}
	app 2 "$name" "${@:2:$#-2}"
	echo "$name: $sentence ($name --help tells more)" | diff - "$dir/err"
}
for name in urdump urecho urgen urfwd urdns urids urkeep; do
	t "unknown option, $name" said "$name" --no-such=3 sim: 'unrecognized option --no-such'
	t "unknown letter, $name" said "$name" -Rh 'unrecognized option -R'
done
t 'unknown letter, the first' said urdump -Rc 5 sim: 'unrecognized option -R'
t 'unknown letter, a colon' said urdump -: sim: 'unrecognized option -:'
t 'unknown letter, a plus' said urkeep -+ true 'unrecognized option -+'
t 'option without its value' said urdump sim: --count '--count wants a value behind it'
t 'letter without its value' said urdump sim: -qc '-c wants a value behind it'
t 'option with a value too much' said urdump --busy=yes sim: '--busy takes no value'
t 'option of a letter with a value' said urdump --help=yes sim: '--help takes no value'
t 'option that is ambiguous' said urdump --s 5 sim: '--s is the beginning of more than one option'
t 'ring not a power of two' refused 2 'power of two' urdump --rx-size 1000 sim:
t 'ring too small' refused 2 '--rx-size takes a number from 64' urdump --rx-size 32 sim:
t 'period too short' refused 2 '--period takes' urdump --period 10 sim:
t 'negative count' refused 2 '--count takes' urdump -c -1 sim:
t 'seconds' refused 2 '--seconds takes' urdump --seconds 0 sim:
t 'no such device' refused 1 'no-such-nic' urdump no-such-nic
t 'no such sim option' refused 1 'sim: no option' urdump sim:nonsense
t 'json and capture on stdout' refused 2 'cannot both have stdout' urdump --json -w - sim:
t 'no capture folder' refused 1 'cannot write /no/such/file: No such file' urdump -w /no/such/file sim:
t 'echo takes without address' refused 2 'urecho --take --ip 10.0.0.2/24 sim:' urecho --take sim:
t 'echo takes all of Linux' refused 2 'urecho --port 0 --ip 10.0.0.2/24 sim:' urecho --port 0 sim:
watchdog_off() { app 0 urdump -q --json --watchdog 0 -c 5 sim:gen=udp && is rx_packets 5; }
t 'no watchdog' watchdog_off
t 'watchdog too short' refused 2 '--watchdog takes a number from 10' urdump --watchdog 9 sim:
t 'keep nothing' refused 2 'which command?' urkeep
t 'keep how often' refused 2 '--max-restarts takes' urkeep --max-restarts x -- true
t 'echo for no address' refused 2 'is no IP address' urecho --ip 10.0.0.300 sim:
t 'echo for no network' refused 2 'is no IP address' urecho --ip 10.0.0.2/33 sim:
t 'generator without target' refused 2 'urgen --dst 10.0.0.2 sim:' urgen sim:
t 'rate' refused 2 '--rate takes' urgen --dst 10.0.0.1 --rate fast sim:
t 'size' refused 2 '--size takes' urgen --dst 10.0.0.1 --size 59 sim:
t 'size for IPv6' refused 2 'smallest --size is 80' urgen --dst ::2 --size 79 sim:
t 'MAC' refused 2 'is no MAC address' urgen --dst 10.0.0.1 --dst-mac 1:2:3 sim:
t 'source that is a group' refused 2 'not multicast' urgen --dst 10.0.0.1 --src 224.0.0.1 sim:
t 'sources behind the last' refused 2 'not multicast' urgen --dst 10.0.0.1 --src 255.255.255.254 --hosts 4 sim:
t 'sources that become groups' refused 2 'not multicast' urgen --dst 10.0.0.1 --src 223.255.255.254 --hosts 3 --flows 3 sim:
t 'source of IPv6 that is a group' refused 2 'not multicast' urgen --dst ::2 --src ff02::1 sim:
t 'receive with a target' refused 2 '--both does both' urgen --receive --dst 10.0.0.1 sim:
t 'two versions of IP' refused 2 'same version' urgen --dst ::2 --src 10.0.0.1 sim:
t 'unknown command' refused 2 'there is no command "frob"' urctl frob
t 'bind what' refused 2 'bind which NIC?' urctl bind
t 'bind nothing' refused 1 'no interface no-such-nic' urctl bind no-such-nic
t 'urctl: unknown option' refused 2 'urctl: unrecognized option --frob (' urctl --frob
t 'urctl: unknown letter' refused 2 'urctl: unrecognized option -x (' urctl -x
t 'urctl: value missing' refused 2 'urctl: --interval wants a value' urctl top --interval
t 'urctl: no command by that' refused 2 'there is no command "stx"' urctl stx
t 'urctl: wait how long' refused 2 '--wait takes seconds' urctl bind --wait x eth9

# ends N APP ARGUMENT... DEVICE...: by itself, when all N packets of its device or of
# each of its two were received, and what comes of them was sent.
ends() {
	local n=$1 name=$2
	shift 2
	app 0 "$name" --json "$@" && is refused 0 && { is rx_packets "$n" || is host_packets "$n"; }
}
printf 'alert udp any any -> any any (sid:1;)\n' >"$dir/udp.rules"
ends_dump() {
	ends 40 urdump sim:gen=udp,count=40 && app 0 urdump sim:gen=udp,count=5 &&
		[ "$(wc -l <"$dir/out")" -eq 5 ] && ends 5000 urdump --period 100 sim:gen=udp,count=5000
}
t 'sim: ends, urdump' ends_dump
ends_echo() {
	ends 4000 urecho --port 9 sim:gen=udp,count=4000 && is tx_packets 4000 &&
		ends 40 urecho --port 9 --period 500 sim:gen=udp,count=40 && is tx_packets 40 &&
		app 0 urecho --json --port 9 --queues 3 sim:gen=udp,count=3000,queues=3 && is udp 9000
}
t 'sim: ends, urecho' ends_echo
# What goes back is forwarded as well, but not for ever.
ends_forward() {
	app 0 urfwd --json sim:gen=udp,count=3000 sim:loop && are rx_packets '3000 3000' &&
		are tx_packets '3000 3000' &&
		app 0 urfwd --json sim:gen=udp,count=3000 sim:gen=udp,count=50 &&
		are rx_packets '3000 50' && are tx_packets '50 3000' &&
		app 0 urfwd --json --queues 2 sim:gen=udp,count=3000,queues=2 sim:queues=2 &&
		are tx_packets '0 6000' && app 0 urfwd --json sim:gen=udp,count=10 sim:gen=udp && between seconds 0.9 9
}
t 'sim: ends, urfwd' ends_forward
ends_ids() {
	app 0 urids --json --rules "$dir/udp.rules" --alerts /dev/null sim:gen=udp,count=3000 &&
		is passed_packets 3000 &&
		app 0 urids --json --rules "$dir/udp.rules" --alerts /dev/null sim:gen=udp,count=3000,queues=2 \
			sim:loop,queues=2 && are passed_packets '6000 6000'
}
t 'sim: ends, urids' ends_ids
ends_dns() {
	ends 500 urdns --zone $zone sim:gen=udp,count=500 && is rx_packets 0 &&
		app 0 urdns --zone $zone --port 9 --show 9 sim:gen=udp,count=3 &&
		[ "$(grep -c ' asks ' "$dir/err")" -eq 3 ]
}
t 'sim: ends, urdns' ends_dns
# The end of what comes is not that of what is to be sent.
ends_gen() {
	app 0 urgen --json --receive sim:gen=udp,count=40 && is other 40 &&
		app 0 urgen --json --dst 10.0.0.2 --rate 10k --count 500 sim:gen=udp,count=40 &&
		is tx_packets 500 &&
		app 0 urgen --json --dst 10.0.0.2 --rate 10k --seconds 0.3 sim:gen=udp,count=40 &&
		between tx_packets 2000 4000
}
t 'sim: ends, urgen' thrice ends_gen

# ------------------------------------------------------------------------
# urdump

capture() {
	local tci=$1 len=$2 device=$3
	shift 3
	rm -f "$dir/cap"
	app 0 urdump -w "$dir/cap" --count 1000 "$@" "$device" && err_has '1000 packets taken' &&
		"$TEST/readpcap" "$dir/cap" 1000 "$len" "$tci"
}
for format in legacy extended advanced; do
	t "capture, $format" capture -1 60 "sim:gen=udp,format=$format"
	t "capture, $format, stripped tag" capture 8292 1518 \
		"sim:gen=udp,format=$format,size=1514,vlan=8292"
done
t 'capture, sync period' capture -1 60 sim:gen=udp --period 500
t 'capture, small ring' capture -1 64 sim:gen=udp,size=64 --rx-size 64 --tx-size 64
t 'capture, never sleeps' capture -1 60 sim:gen=udp,rate=100000 --busy
t 'capture, always sleeps' capture -1 60 sim:gen=udp,rate=100000 --spin 0

pipe() {
	timeout 60 "$BIN/urdump" -c 1000 -w - sim:gen=udp 2>/dev/null |
		"$TEST/readpcap" - 1000 60 -1
}
t 'capture to a pipe' pipe

lines() {
	app 0 urdump -c 3 sim:gen=udp,flows=3 || return 1
	[ "$(wc -l <"$dir/out")" -eq 3 ] || return 1
	sed 's/^[0-9:]*\.[0-9]\{6\} //' "$dir/out" | diff - <(
		for port in 1024 1025 1026; do
			echo "IP 10.0.0.1.$port > 10.0.0.2.9: UDP, length 18"
		done
	)
}
t 'lines' lines

bytes() {
	app 0 urdump -c 1 -e -x sim:gen=udp,vlan=5 &&
		out_has '02:00:00:00:00:01 > 02:00:00:00:00:02, length 64: vlan 5, IP' &&
		out_has '0x0000:  0200 0000 0002 0200 0000 0001 8100 0005'
}
t 'bytes and MAC addresses' bytes

totals() {
	app 0 urdump --json --rates sim:gen=udp,rate=4000,count=5000 &&
		is rx_packets 5000 && is rx_bytes 300000 && is taken 5000 && is refused 0 &&
		out_has '"type": "rates"' && between seconds 1.2 3
}
t 'totals as JSON' totals

valid_json() {
	app 0 urdump --json --seconds 2.1 --rates sim:gen=udp,rate=5000 || return 1
	[ "$(wc -l <"$dir/out")" -eq 3 ] &&
		! grep -qvE '^\{("[a-z_]+": ("[^"]*"|[0-9.]+)(, |\}$))+' "$dir/out"
}
t 'JSON, a line each' valid_json

# Under nohup all that the tests start ignores SIGHUP.
stopped() {
	local code=0 pid
	: >"$dir/out"
	env --default-signal=HUP "$BIN/urdump" -q --json --rates sim:gen=udp,rate=1000 >"$dir/out" 2>"$dir/err" &
	pid=$!
	has_written "$dir/out"
	kill -"$1" "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 0 ] && out_has '"type": "total"' && between rx_packets 500 100000
}
t 'stopped by SIGINT' stopped INT
t 'stopped by SIGTERM' stopped TERM
t 'stopped by SIGHUP' stopped HUP

full() { app 1 urdump -c 100000 -w /dev/full sim:gen=udp && err_has 'No space left'; }
t 'disk full' full

down() {
	app 0 urdump -q --json --seconds 1.5 sim:gen=udp,down && is rx_packets 0 &&
		[ "$(grep -c 'is down' "$dir/err")" -eq 1 ]
}
t 'port is down: said once' down

# Steady state with a sync period: nothing of ours calls the kernel.
quiet_calls() {
	app 0 urdump -q --json --period 1000 --busy --seconds 1 sim:gen=udp,rate=10000 &&
		between rx_packets 9000 10100 && between syncs 0 5 && is waits 0
}
t 'no system calls with a sync period' thrice quiet_calls

# ------------------------------------------------------------------------
# urdump and tcpdump

# fingers ARGUMENT...: as one types it for tcpdump.
fingers() { app 0 urdump "$@" && [ "$(grep -c 'IP 10.0.0.1.1024 > 10.0.0.2.9: UDP, length 18$' "$dir/out")" -eq 3 ]; }
t 'fingers: -i' fingers -i sim:gen=udp,count=3
t 'fingers: -i, and a filter' fingers -nn -i sim:gen=udp,count=3 udp port 9
t 'fingers: -lnpUvvv -s 0 -Q in -c' fingers -lnpUvvvi sim:gen=udp -s 0 -Q in -c 3
read_file() {
	app 0 urdump -w "$dir/cap" -i sim:gen=udp,count=3 && fingers -r "$dir/cap" &&
		err_has "urdump: reading $dir/cap, link-type Ethernet" && fingers -c 3 -r "$dir/cap" udp
}
t 'fingers: -r' read_file
t 'fingers: -r, no such file' refused 1 '/no/such/file cannot be read: No such file' urdump -r /no/such/file
t 'fingers: -r, a comma' refused 2 'give it another name' urdump -r a,b
t 'fingers: -i and -r' refused 2 'one device, please: "x" is too much' urdump -i sim: -r x
t 'fingers: -i any' refused 2 'urdump has one queue of one port' urdump -i any
t 'fingers: -Q out' refused 2 'so it is -Q in' urdump -Q out sim:
t 'fingers: -t' refused 2 'tcpdump -t -r FILE shows it so' urdump -t sim:
t 'fingers: -s' refused 2 '--snaplen takes a number from 0 to 262144, not "x"' urdump -s x sim:
hex() {
	app 0 urdump -w "$dir/cap" sim:gen=udp,size=75,count=2 && app 0 urdump -X "pcap:$dir/cap" || return 1
	tcpdump -XXnr "$dir/cap" 2>/dev/null | grep 0x | diff - <(grep 0x "$dir/out") &&
		app 0 urdump -x "pcap:$dir/cap" && tcpdump -xxnr "$dir/cap" 2>/dev/null | grep 0x | sed 's/ *$//' |
		diff - <(grep 0x "$dir/out")
}
t 'fingers: -X and -x as of tcpdump' hex
# The payload alone: of what is cut off, what is there of it; never an escape.
text() {
	printf '0 ff ff ff ff ff ff 2 0 0 0 0 1 8 0 45 0 0 %x 0 0 0 0 40 11 0 0 a 0 0 1 a 0 0 2 4 0 0 9 0 %x 0 0 ' \
		$((28 + 12)) $((8 + 12)) >"$dir/hex"
	printf '47 45 54 20 2f d a 1b 5b 32 4a ff\n' >>"$dir/hex"
	sed -i 's/^0 /000000 /; s/ \([0-9a-f]\)\b/ 0\1/g' "$dir/hex"
	text2pcap -q -F pcap "$dir/hex" "$dir/text.pcap" >/dev/null 2>&1
	app 0 urdump -A "pcap:$dir/text.pcap" && sed 1d "$dir/out" | diff - <(printf 'GET /\n.[2J.\n') &&
		app 0 urdump -A -s 46 "pcap:$dir/text.pcap" && sed 1d "$dir/out" | diff - <(printf 'GET \n') &&
		out_has 'cut at 46 of 54 bytes' && app 0 urdump -A -s 30 "pcap:$dir/text.pcap" && [ "$(wc -l <"$dir/out")" -eq 1 ]
}
t 'fingers: -A' text
lists() {
	app 0 urdump -D && out_has sim:gen=udp && out_has pcap:FILE &&
		{ [ -e /sys/class/userring/userring0 ] || err_has 'urctl doctor'; }
}
t 'fingers: -D' lists
starts() {
	app 0 urdump sim:gen=udp,count=1 && err_has 'listening on queue 0 of sim:gen=udp,count=1, link-type Ethernet: shows what the queue receives, not what is sent' &&
		err_has '1 packet taken' && app 0 urdump -w "$dir/cap" sim:gen=udp,count=1,queues=3 &&
		err_has 'queues=3 (it has 3), link-type Ethernet: writes what' &&
		app 0 urdump --json sim:gen=udp,count=1 && err_empty
}
t 'what it listens on' starts

"$TEST/mixedcap" "$dir/mixed.pcap"
tcpdump_of() { tcpdump -Z root -r "$dir/mixed.pcap" -w "$dir/want" "$@" 2>"$dir/tcpdump"; }

# filters OPTION...: each filter takes the same packets as with tcpdump.
filters() {
	local filter n=0
	while IFS= read -r filter; do
		echo "filter: $filter"
		tcpdump_of "$filter" && app 0 urdump -w "$dir/cap" "$@" "$filter" &&
			"$TEST/samecap" "$dir/want" "$dir/cap" "$(taken)" || return 1
		n=$((n + 1))
	done <tests/filters
	[ $n -ge 100 ]
}
taken() { sed -nE 's/ packets? taken$//p' "$dir/err"; }
t 'filters' filters "pcap:$dir/mixed.pcap"
t 'filters, stripped tag' filters "pcap:$dir/mixed.pcap,vlan=strip"

filters_refused() {
	local filter
	for filter in frobnicate port 'host 10.0.0.300' 'ip and' 'tcp[' 'port 99999' 'vlan x' \
		'net 10.0.0.0/33' 'ether host 1:2' 'len >' '(udp' 'udp)' inbound; do
		echo "filter: $filter"
		! tcpdump_of "$filter" && refused 2 "the filter \"$filter\" is not one: " \
			urdump "pcap:$dir/mixed.pcap" "$filter" || return 1
	done
}
t 'filters that are none' filters_refused

filter_words() {
	app 0 urdump -w "$dir/cap" "pcap:$dir/mixed.pcap" udp and port 53 -q &&
		tcpdump_of 'udp and port 53' && "$TEST/samecap" "$dir/want" "$dir/cap" || return 1
	app 0 urdump -c 5 sim:gen=udp,flows=4,count=20 src port 1024 &&
		[ "$(grep -c ' 10.0.0.1.1024 > ' "$dir/out")" -eq 5 ] || return 1
	app 0 urdump --json --seconds 0.3 sim:gen=udp,count=20 'port 1 or port 2' &&
		is taken 0 && is rx_packets 20
}
t 'filter in words' filter_words

wireshark_fields() {
	tshark -n -r "$1" -T fields -e frame.number -e frame.len -e frame.cap_len -e frame.protocols
}
# Wireshark's programs read it: every packet, the drops, the end.
read_by_wireshark() {
	app 0 urdump --json -w "$dir/cap" "pcap:$dir/mixed.pcap" udp && tcpdump_of udp &&
		capinfos -M "$dir/cap" >"$dir/info" && grep -qE "Number of packets: +$(num taken)$" "$dir/info" &&
		grep -qE 'timestamp precision: +nanoseconds \(9\)' "$dir/info" &&
		grep -qE 'Filter string = udp$' "$dir/info" &&
		grep -qE 'Number of stat entries = 1$' "$dir/info" &&
		wireshark_fields "$dir/cap" >"$dir/fields" && wireshark_fields "$dir/want" | diff - "$dir/fields"
}
t 'read by Wireshark' read_by_wireshark

# Drops are told by packets; those after the last one only by the totals.
drops_told() {
	"$TEST/mixedcap" "$dir/holes.pcap" holes &&
		app 1 urdump --json --rx-size 64 -w "$dir/cap" "pcap:$dir/holes.pcap,speed=200" || return 1
	local told
	told=$(tshark -n -r "$dir/cap" -T fields -e frame.drop_count | awk '{ n += $1 } END { print n }')
	echo "told $told of $(num missed)"
	[ "$(num missed)" -gt 40 ] && [ "$told" -gt 0 ] && [ "$told" -le "$(num missed)" ]
}
t 'drops' drops_told

snapped() {
	local len
	for len in 1 14 60 61 62 63 1514; do
		echo "snaplen $len"
		app 0 urdump -s "$len" -w "$dir/cap" "pcap:$dir/mixed.pcap" && tcpdump_of &&
			editcap -s "$len" -F pcap "$dir/want" "$dir/cut" &&
			"$TEST/samecap" "$dir/cut" "$dir/cap" || return 1
	done
}
t 'cut off' snapped

# rotated NAMES...: all packets are there once, in order.
rotated() {
	mergecap -a -F pcap -w "$dir/merged" "$@" && "$TEST/samecap" "$dir/mixed.pcap" "$dir/merged"
}
by_size() {
	rm -f "$dir"/ring*
	app 0 urdump --json -C 10k -w "$dir/ring" "pcap:$dir/mixed.pcap" || return 1
	local files=("$dir"/ring*)
	[ "${#files[@]}" -gt 5 ] && [ "$(num files)" -eq "${#files[@]}" ] &&
		[ "$(num written_bytes)" -eq "$(cat "${files[@]}" | wc -c)" ] || return 1
	[ "$(find "$dir" -name 'ring*' -size +10240c | wc -l)" -eq 0 ] &&
		mapfile -t files < <(printf '%s\n' "${files[@]}" | sort -V) && rotated "${files[@]}"
}
t 'files by size' by_size
ring() {
	rm -f "$dir"/ring*
	app 0 urdump -C 10k -W 11 -w "$dir/ring" "pcap:$dir/mixed.pcap,loop=10" &&
		[ "$(cd "$dir" && echo ring*)" = 'ring00 ring01 ring02 ring03 ring04 ring05 ring06 ring07 ring08 ring09 ring10' ]
}
t 'files in a ring' ring
by_time() {
	rm -f "$dir"/ring*
	app 0 urdump --json -G 1 -W 3 -w "$dir/ring%s" --seconds 20 sim:gen=udp,rate=2000 &&
		is files 3 && between seconds 2 5 &&
		[ "$(find "$dir" -name 'ring*' | wc -l)" -eq 3 ] &&
		mergecap -a -F pcap -w "$dir/merged" "$dir"/ring* &&
		"$TEST/readpcap" "$dir/merged" "$(num taken)" 60 -1
}
t 'files by time' by_time
t 'files without a name' refused 2 '-w says their name' urdump -C 1 sim:
t 'files without a time' refused 2 '-G wants the time' urdump -w x -G 1 sim:
t 'how many files' refused 2 'when the next one begins' urdump -w x -W 2 sim:
t 'files on stdout' refused 2 'not for stdout' urdump -w - -C 1 sim:
t 'size of files' refused 2 '-C takes a number' urdump -w x -C k sim:
# -s 0 is all of them, as for tcpdump.
uncut() {
	app 0 urdump -s 0 -w "$dir/cap" "pcap:$dir/mixed.pcap" && tcpdump_of &&
		"$TEST/samecap" "$dir/want" "$dir/cap"
}
t 'cut off to nothing: not at all' uncut

# Who does not read loses lines, and holds up nobody: all that came went to Linux.
reader_stands_still() {
	timeout 60 "$BIN/urdump" -B 64 --seconds 2 sim:gen=udp,rate=20000 2>"$dir/err" |
		{ sleep 4; wc -l >"$dir/lines"; }
	local taken lost received passed
	taken=$(taken)
	lost=$(sed -n 's/ packets lost: .*shown$//p' "$dir/err")
	received=$(sed -n 's/^received \([0-9]*\) .*/\1/p' "$dir/err")
	passed=$(sed -n 's/^passed on to Linux \([0-9]*\) .*/\1/p' "$dir/err")
	echo "taken $taken lost $lost received $received passed $passed lines $(cat "$dir/lines")"
	[ "$passed" -eq "$received" ] && [ "$received" -gt 30000 ] && [ "$lost" -gt 20000 ] &&
		[ "$taken" -eq "$(cat "$dir/lines")" ] && [ $((taken + lost)) -eq "$received" ]
}
t 'the reader stands still' reader_stands_still
# A capture that is read waits for him.
reader_is_slow() {
	timeout 60 "$BIN/urdump" -B 64 "pcap:$dir/mixed.pcap,loop=20" 2>"$dir/err" |
		{ sleep 1; wc -l >"$dir/lines"; }
	! grep -q 'packets lost' "$dir/err" && [ "$(taken)" -eq "$(cat "$dir/lines")" ] &&
		[ "$(taken)" -gt 5000 ]
}
t 'the reader of a capture is slow' reader_is_slow

reader_gone() {
	timeout 60 "$BIN/urdump" -w - sim:gen=udp 2>"$dir/err" | head -c 100000 >/dev/null
	[ "${PIPESTATUS[0]}" -eq 0 ] && ! err_has 'Broken pipe' || return 1
	timeout 60 "$BIN/urdump" sim:gen=udp 2>"$dir/err" | head -n 100 >/dev/null
	[ "${PIPESTATUS[0]}" -eq 0 ] && ! err_has 'Broken pipe'
}
t 'the reader goes' reader_gone

live_line() {
	app 0 urdump --rates --seconds 1.5 -w "$dir/cap" -C 1 sim:gen=udp,rate=20000 udp &&
		grep -qE '^rx +[0-9]+ pps .* missed 0  refused 0  taken [0-9]+  written [0-9.]+ [KM]B in [0-9]+ files$' "$dir/err"
}
t 'rates of a capture' live_line

# ------------------------------------------------------------------------
# urdump as an extcap

extcap_answers() {
	app 0 urdump --extcap-interfaces --extcap-version=4.0 && err_empty &&
		grep -qE '^extcap \{version=[0-9.]+\}\{help=[^}]+\}$' "$dir/out" &&
		grep -qE '^interface \{value=userring-sim\}\{display=[^}]+\}$' "$dir/out" || return 1
	app 0 urdump --extcap-interface userring-sim --extcap-dlts &&
		out_has 'dlt {number=1}{name=EN10MB}{display=Ethernet}' || return 1
	app 0 urdump --extcap-interface=userring-sim --extcap-config &&
		! grep -qvE '^arg \{number=[0-9]+\}\{call=--[a-z]+\}(\{[a-z]+=[^}]+\})+$' "$dir/out" &&
		[ "$(wc -l <"$dir/out")" -eq 2 ]
}
t 'extcap: answers' extcap_answers
extcap_filter() {
	app 0 urdump --extcap-interface userring-sim --extcap-capture-filter 'udp port 53' &&
		[ ! -s "$dir/out" ] && err_empty &&
		app 1 urdump --extcap-interface userring-sim --extcap-capture-filter 'udp port' &&
		out_has 'syntax error'
}
t 'extcap: filters' extcap_filter
extcap_capture() {
	local reader code=0
	rm -f "$dir/fifo"
	mkfifo "$dir/fifo"
	"$TEST/readpcap" "$dir/fifo" 300 60 -1 >"$dir/reader" 2>&1 &
	reader=$!
	app 0 urdump --capture --extcap-interface userring-sim --fifo "$dir/fifo" -c 300 \
		--extcap-capture-filter 'udp port 9' --snaplen 100 && err_empty && [ ! -s "$dir/out" ] || code=1
	wait "$reader" && [ $code -eq 0 ]
}
t 'extcap: capture' extcap_capture
t 'extcap: which interface' refused 2 '--extcap-interface NAME' urdump --extcap-dlts
t 'extcap: no FIFO' refused 2 'and --fifo FILE' urdump --capture --extcap-interface x

# As root Wireshark looks nowhere but in its own folder.
extcap_wireshark() {
	mkdir -p "$dir/wireshark/extcap" "$dir/wireshark/home"
	cp "$BIN/urdump" "$dir/wireshark/extcap/"
	local as=()
	if [ "$(id -u)" -eq 0 ]; then
		chmod 711 "$dir"
		chown -R 65534:65534 "$dir/wireshark"
		as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	fi
	as+=(env HOME="$dir/wireshark/home" TMPDIR="$dir/wireshark/home"
		WIRESHARK_EXTCAP_DIR="$dir/wireshark/extcap")
	"${as[@]}" tshark -D >"$dir/out" 2>"$dir/err" &&
		out_has 'userring-sim (a NIC in software, by userring)' &&
		"${as[@]}" timeout 60 tshark -n -i userring-sim -c 5 -f 'udp port 9' -T fields \
			-e udp.dstport -e frame.len >"$dir/out" 2>"$dir/err" &&
		[ "$(sort -u "$dir/out")" = $'9\t60' ] && [ "$(wc -l <"$dir/out")" -eq 5 ]
}
t 'extcap: in tshark' extcap_wireshark

# ------------------------------------------------------------------------
# urgen

# clean NAME ARGUMENT...: all that was sent came back as it was.
clean() {
	app 0 urgen --json --both "$@" && is lost 0 && is corrupt 0 && is duplicates 0 &&
		is reordered 0 && is foreign 0 && [ "$(num received)" = "$(num tx_packets)" ]
}
sent() {
	local n=$1
	shift
	clean --count "$n" "$@" && is tx_packets "$n"
}
for format in legacy extended advanced; do
	t "loop, $format" sent 20000 --dst 10.0.0.2 --rate 100k "sim:loop,format=$format"
done
t 'loop, IPv6' sent 5000 --dst 2001:db8::2 --rate 50k sim:loop
t 'loop, tag' sent 5000 --dst 10.0.0.2 --vlan 0x2064 --rate 50k sim:loop
t 'loop, largest' sent 5000 --dst 10.0.0.2 --size 1514 --rate 50k sim:loop
t 'loop, odd size' sent 5000 --dst 10.0.0.2 --size 77 --rate 50k sim:loop
t 'loop, sync period' sent 5000 --dst 10.0.0.2 --rate 20k --period 200 sim:loop
t 'loop, small rings' sent 20000 --dst 10.0.0.2 --flat-out --rx-size 64 --tx-size 64 sim:loop
t 'loop, flat out' clean --dst 10.0.0.2 --flat-out --seconds 1 sim:loop

rtt() {
	app 0 urgen --json --both --dst 10.0.0.2 --rate 10k --count 5000 sim:loop &&
		between min 1 1000000 && between median 1 10000000 && between p99 1 100000000
}
t 'round-trip times' rtt

# rate TEXT PPS: within 1 percent over two seconds.
rate() {
	app 0 urgen --json --dst 10.0.0.2 --rate "$1" --seconds 2 sim: || return 1
	awk -v n="$(num tx_packets)" -v s="$(num seconds)" -v want="$2" 'BEGIN {
		off = n / s / want - 1
		print n / s, "packets a second"
		exit !(off > -0.01 && off < 0.01)
	}'
}
t 'rate 1k' thrice rate 1k 1000
t 'rate 33333' thrice rate 33333 33333
t 'rate 1M' thrice rate 1M 1000000

sized() { app 0 urgen --json --dst 10.0.0.2 --size 300 --count 100 --rate 100k sim: &&
	is tx_packets 100 && is tx_bytes 30000; }
t 'count and size' sized
# group MAC ADDRESS: what it sends there has that MAC address.
group() {
	app 0 urgen --dst "$2" --count 3 --flat-out "pcap:,$dir/group.pcap" &&
		[ "$(tshark -r "$dir/group.pcap" -T fields -e eth.dst | sort -u)" = "$1" ]
}
t 'to a group' group 01:00:5e:7f:ff:fa 239.255.255.250
t 'to a group of IPv6' group 33:33:00:00:00:fb ff02::fb
t 'to all' group ff:ff:ff:ff:ff:ff 255.255.255.255

loss() {
	app 1 urgen --json --both --dst 10.0.0.2 --count 100 --rate 10k sim: &&
		is lost 100 && is received 0
}
t 'nothing comes back: code 1' loss

foreign() { app 0 urgen --json --receive --seconds 0.5 sim:gen=udp,count=100 &&
	is other 100 && is received 0; }
t "others' packets" foreign
few() { app 1 urgen --json --receive --count 5 --seconds 0.5 sim:gen=udp,count=100; }
t 'too few came: code 1' few

# spread N ARGUMENT...: all came back, and every queue of N sent its share.
spread() {
	local n=$1
	shift
	app 0 urgen --json --both --queues "$n" --count 12000 --rate 60k --dst 10.0.0.2 "$@" \
		"sim:loop,queues=$n" && is lost 0 && is reordered 0 && is duplicates 0 &&
		is received 12000 && is flows_lossy 0
}
spread_even() { spread 4 --flows 1000 && is flows 1000 && grep -q '"queue": 3, "rx_packets": 3000, ' "$dir/out"; }
t 'flows, four queues' spread_even
t 'flows, uneven' spread 3 --flows 7 --hosts 5
t 'flows, as many as queues' spread 3
t 'flows, IPv6' sent 5000 --dst 2001:db8::2 --flows 40 --hosts 7 --rate 50k sim:loop
total_rate() {
	app 0 urgen --json --dst 10.0.0.2 --rate 9k --queues 3 --flows 10 --seconds 2 sim:queues=3 &&
		awk -v n="$(sed -n '$s/.*"tx_packets": \([0-9]*\), "tx_bytes": [0-9]*, "rx_bad".*/\1/p' "$dir/out")" \
			'BEGIN { print n; exit !(n > 17800 && n < 18200) }'
}
t 'rate, of all queues together' thrice total_rate
few_flows() { app 1 urgen --dst 10.0.0.2 --queues 4 --flows 3 sim:queues=4 && err_has '4 queues need as many flows to send: --flows 4'; }
t 'flows, fewer than queues' few_flows
many_flows() { app 1 urgen --dst 10.0.0.2 --flows 60000 sim: && err_has 'more than there are ports'; }
t 'flows, more than ports' many_flows
t 'flows, fewer than hosts' refused 2 '5 hosts need as many flows' urgen --dst 10.0.0.2 --flows 4 --hosts 5 sim:
t 'receive so many flows' refused 2 '--flows is for who sends' urgen --receive --flows 4 sim:

# ------------------------------------------------------------------------
# urecho

# echoes ANSWERED ARGUMENT... DEVICE
echoes() {
	local n=$1
	shift
	app 0 urecho --json "$@" && is udp "$n" && is tx_packets "$n" && is unsent 0
}
for format in legacy extended advanced; do
	t "echo, $format" echoes 5000 --count 5000 --ip 10.0.0.2/24 --port 9 "sim:gen=udp,format=$format"
	t "echo, $format, stripped tag" echoes 5000 --count 5000 --ip 10.0.0.2/24 --port 0 \
		"sim:gen=udp,vlan=100,format=$format"
done
t 'echo, sync period' echoes 20000 --count 20000 --ip 10.0.0.2/24 --port 9 --period 500 sim:gen=udp
t 'echo, small rings' echoes 20000 --count 20000 --ip 10.0.0.2/24 --port 9 --rx-size 64 \
	--tx-size 64 sim:gen=udp
other_port() {
	app 0 urecho --json --count 100 --ip 10.0.0.2 sim:gen=udp && is other 100 &&
		is tx_packets 0
}
t 'echo, other port' other_port
other_host() {
	app 0 urecho --json --count 100 --port 9 --ip 10.0.0.3 --ip 2001:db8::3/64 sim:gen=udp &&
		is other 100 && is tx_packets 0
}
t 'echo, other address' other_host

# Shares with Linux: UDP to its port is answered, all else is passed on.
shares() {
	app 0 urecho --json --count 5000 --port 9 "$1" && is udp 5000 && is tx_packets 5000 &&
		is host_packets 0 && is unsent 0 && is refused 0 || return 1
	app 0 urecho --json --seconds 0.5 "$1,count=3000" && is udp 0 && is tx_packets 0 &&
		is host_packets 3000 && is refused 0 && is missed 0
}
for format in legacy extended advanced; do
	t "echo shares, $format" shares "sim:gen=udp,format=$format"
done
shares_small() {
	app 0 urecho --json --count 20000 --port 9 --rx-size 64 --tx-size 64 sim:gen=udp &&
		is udp 20000 && is unsent 0 &&
		app 0 urecho --json --seconds 1 --rx-size 256 --tx-size 64 sim:gen=udp,count=20000 &&
		is host_packets 20000 && is missed 0 && is refused 0
}
t 'echo shares, small rings' shares_small
unanswered() {
	app 0 urecho --json --count 100 --ip 10.0.0.3 sim:gen=udp && is other 100 &&
		is host_packets 100 &&
		app 0 urecho --json --take --count 100 --ip 10.0.0.3 sim:gen=udp &&
		is other 100 && is host_packets 0
}
t 'echo, what is not answered' unanswered
# of_queue N KEY: a number in the totals of a queue.
of_queue() { sed -n '$s/.*"queue": '"$1"', \([^}]*\)}.*/\1/p' "$dir/out" |
	sed -n 's/.*"'"$2"'": \([0-9]*\).*/\1/p'; }
# each KEY N COUNT: it is COUNT in each of N queues, which are all.
each() {
	local i
	for ((i = 0; i < $2; i++)); do
		[ "$(of_queue "$i" "$1")" = "$3" ] ||
			{ echo "queue $i: $1 is $(of_queue "$i" "$1"), not $3"; return 1; }
	done
	[ -z "$(of_queue "$2" "$1")" ]
}
echo_queues() {
	app 0 urecho --json --count 12000 --port 9 "$@" sim:gen=udp,queues=4,count=3000 &&
		is udp 12000 && is unsent 0 && each rx_packets 4 3000 && each tx_packets 4 3000
}
t 'echo, four queues' echo_queues --queues 4
t 'echo, all queues, pinned' echo_queues --queues all --cpus 0
echo_queues_share() {
	app 0 urecho --json --seconds 1 --queues 3 sim:gen=udp,queues=3,count=2000 &&
		is udp 0 && each host_packets 3 2000 && is missed 0 && is refused 0
}
t 'echo shares, three queues' echo_queues_share
echo_queues_rates() {
	app 0 urecho --rates --seconds 1.1 --port 9 --queues 2 sim:gen=udp,rate=1000,queues=2 &&
		[ "$(grep -c '^queue [01]  *rx  *[0-9]* pps' "$dir/err")" -eq 2 ] &&
		[ "$(grep -c '^all  *rx  *[0-9]* pps.*refused 0$' "$dir/err")" -eq 1 ] &&
		out_has 'queue 1: received '
}
t 'echo, rates of queues' echo_queues_rates
t 'echo, too few queues' refused 1 'sim:queues=2 has 2 of the 3 queues' \
	urecho --queues 3 sim:queues=2
t 'echo, no number of queues' refused 2 '--queues takes a number from 1 to 64' \
	urecho --queues some sim:
t 'echo, CPUs' refused 2 '--cpus takes a list' urecho --cpus 0,x sim:
dump_shares() {
	app 0 urdump -q --json --seconds 1 "$@" sim:gen=udp,count=20000 &&
		is rx_packets 20000 && is host_packets 20000 && is refused 0 && is missed 0 &&
		app 0 urdump -q --json --take -c 20000 "$@" sim:gen=udp,count=20000 &&
		is rx_packets 20000 && is host_packets 0
}
t 'dump shares' dump_shares
t 'dump shares, small TX ring' dump_shares --tx-size 64 --rx-size 512
t 'dump shares, never sleeps' dump_shares --tx-size 64 --busy
t 'dump shares, sync period' dump_shares --period 200

# ------------------------------------------------------------------------
# urfwd

forward_both() {
	app 0 urfwd --json --count 3000 "$@" sim:gen=udp,count=2000 sim:gen=udp,count=1000,size=1514 &&
		are rx_packets '2000 1000' && are tx_packets '1000 2000' &&
		are tx_bytes '1514000 120000' && are refused '0 0' && is slots_lost 0
}
t 'forward both ways' forward_both
t 'forward, sync period' forward_both --period 100
t 'forward, small rings' forward_both --rx-size 64 --tx-size 64
t 'forward, never sleeps' forward_both --busy
t 'forward, always sleeps' forward_both --spin 0

# What leaves by the second port comes back, and leaves by the first one.
forward_round() {
	app 0 urfwd --json --count 4000 sim:gen=udp,count=2000 sim:loop &&
		are rx_packets '2000 2000' && are tx_packets '2000 2000'
}
t 'forward there and back' forward_round

forward_tags() {
	app 0 urfwd --json --count 2000 sim:gen=udp,count=1000,vlan=5 \
		sim:gen=udp,count=1000,vlan=6,format=advanced &&
		are tx_packets '1000 1000' && are refused '0 0' && are too_long '0 0'
}
t 'forward tags' forward_tags

forward_rewrite() {
	app 0 urfwd --json --count 1000 --mac-rewrite --next-hop1 2:0:0:0:0:9 \
		--next-hop2 2:0:0:0:0:2 sim:gen=udp,count=500 sim:loop &&
		are tx_packets '500 500' && are not_ours '0 0'
}
t 'forward, new addresses' forward_rewrite

forward_queues() {
	app 0 urfwd --json --count 9000 --queues "$1" --cpus 0 sim:gen=udp,count=3000,queues=3 \
		"sim:queues=$2" && are rx_packets '9000 0' && are tx_packets '0 9000' &&
		is queues 3 && is slots_lost 0 && err_empty && are queue '0 1 2' &&
		are cpu '0 0 0' && are port1_rx_packets '3000 3000 3000' &&
		are port2_tx_packets '3000 3000 3000' && are port1_tx_packets '0 0 0'
}
t 'forward many queues' forward_queues 3 3
t 'forward, as many queues as both have' forward_queues all 5

forward_rates() {
	app 0 urfwd --json --rates --seconds 2.1 sim:gen=udp,rate=1000 sim: &&
		grep -q '"type": "rates".*"lanes": \[{"queue": 0, "port1": {"rx_pps": [0-9]' "$dir/out" &&
		[ "$(grep -c '"type": "rates"' "$dir/out")" -eq 2 ] &&
		app 0 urfwd --rates --seconds 1.1 sim:gen=udp,rate=1000 sim: &&
		grep -qE '^1>2 +[0-9]+ pps +[0-9.]+ Mbit/s   2>1 +0 pps' "$dir/err" &&
		out_has 'not forwarded: broken 0' && out_has 'in 1.' &&
		! grep -q scheduler "$dir/err" &&
		app 0 urfwd -v sim:gen=udp,count=5 sim: && err_has 'queue 0: wherever the scheduler likes' &&
		app 0 urfwd --rates --seconds 1.1 --queues 2 --cpus 0 --verbose \
			sim:gen=udp,rate=1000,queues=2 sim:queues=2 &&
		err_has 'queue 1: on CPU 0, as --cpus says' &&
		[ "$(grep -cE '^(  queue [01] +)?1>2 +[0-9]+ pps .*   2>1 +0 pps' "$dir/err")" -eq 3 ]
}
t 'forward: rates' forward_rates

forward_down() {
	app 0 urfwd --json --count 1000 sim:gen=udp sim:down && err_has 'sim:down is down' &&
		is slots_lost 0
}
t 'forward to a port that is down' forward_down

t 'forward what' refused 2 'which two devices?' urfwd sim:
t 'forward to three' refused 2 'which two devices?' urfwd sim: sim: sim:
t 'forward, no such device' refused 1 'no-such-nic' urfwd sim: no-such-nic
t 'forward, too few queues' refused 1 'sim: has 1 of the 2 queues' urfwd --queues 2 sim:queues=2 sim:
t 'forward, CPUs' refused 2 '--cpus takes a list' urfwd --cpus 0,x sim: sim:
t 'forward, CPUs backwards' refused 2 '--cpus takes a list' urfwd --cpus 3-1 sim: sim:
t 'forward to whom' refused 2 'to whom' urfwd --mac-rewrite --next-hop1 2:0:0:0:0:1 sim: sim:
t 'forward to no address' refused 2 'is no MAC address' urfwd --next-hop1 2:0 sim: sim:
t 'next hop of a bump' refused 2 'are for --mac-rewrite' urfwd --next-hop1 2:0:0:0:0:1 sim: sim:

# ------------------------------------------------------------------------
# pcap:

# Captures to read: what sim: makes, tagged too, and what urgen sends.
pcap_make() {
	app 0 urfwd --json --count 3000 sim:gen=udp,flows=7,size=77 "pcap:,$dir/udp.pcap" &&
		are tx_packets '0 3000' &&
		app 0 urfwd --json --count 500 sim:gen=udp,vlan=5 "pcap:,$dir/tag.pcap" &&
		app 0 urgen --json --dst 10.0.0.2 --count 2000 --flat-out "pcap:,$dir/gen.pcap" &&
		is tx_packets 2000 && "$TEST/samecap" "$dir/udp.pcap" "$dir/udp.pcap" 3000
}
t 'pcap: written' pcap_make

# Times, and lengths of what was cut off, are those of the capture that was read.
heads() { tshark -r "$1" -T fields -e frame.time_epoch -e frame.len -e frame.cap_len; }
pcap_heads() {
	# none sends less than 17 bytes, also without a tag
	tcpdump_of 'greater 21' && editcap -s 96 "$dir/want" "$dir/cut.pcap" && heads "$dir/cut.pcap" >"$dir/heads" &&
		[ "$(awk '$2 > $3' "$dir/heads" | wc -l)" -gt 10 ] || return 1
	app 0 urdump -w "$dir/cap" "pcap:$dir/cut.pcap" && heads "$dir/cap" | diff - "$dir/heads" || return 1
	app 0 urfwd "pcap:$dir/cut.pcap" "pcap:,$dir/out.pcap" && heads "$dir/out.pcap" | diff - "$dir/heads" || return 1
	# a tag that is taken off and put back
	app 0 urfwd "pcap:$dir/cut.pcap,vlan=strip" "pcap:,$dir/out.pcap" && heads "$dir/out.pcap" | diff - "$dir/heads" || return 1
	printf 'alert udp any any -> any any (sid:1;)\n' >"$dir/udp.rules"
	rm -f "$dir/e"
	app 0 urids --rules "$dir/udp.rules" --alert-rate 0 --alerts "$dir/e" --unparsable pass \
		"pcap:$dir/udp.pcap" "pcap:,$dir/out.pcap" && heads "$dir/udp.pcap" >"$dir/heads" &&
		heads "$dir/out.pcap" | diff - "$dir/heads" &&
		[ "$(jq -r .timestamp "$dir/e" | sed 's/.*\(\.[0-9]*\)+0000/\1/' | cut -c1-7 | md5sum)" = \
			"$(cut -f1 "$dir/heads" | sed 's/.*\(\.[0-9]\{6\}\).*/\1/' | md5sum)" ] || return 1
	app 0 urecho --port 9 --ip 10.0.0.2 "pcap:$dir/udp.pcap,$dir/out.pcap" &&
		heads "$dir/out.pcap" | diff - "$dir/heads"
}
t 'pcap: times and lengths stay' pcap_heads
pcap_cut_filter() {
	tcpdump -r "$dir/cut.pcap" -w "$dir/want" 'greater 600' 2>"$dir/tcpdump" &&
		app 0 urdump --json -w "$dir/cap" "pcap:$dir/cut.pcap" 'greater 600' &&
		"$TEST/samecap" "$dir/want" "$dir/cap" "$(num taken)" && [ "$(num taken)" -gt 5 ] &&
		app 0 urdump "pcap:$dir/cut.pcap" 'udp and greater 600' &&
		grep -qE '^[0-9:.]+ IP [0-9.]+ > [0-9.]+: UDP, length [0-9]+, cut at 96 of [0-9]+ bytes$' "$dir/out"
}
t 'pcap: what was cut off' pcap_cut_filter

# ends_with_reason TEXT APP ARGUMENT...: by itself, with libpcap's words.
ends_with_reason() {
	local text=$1
	shift
	app 1 "$@" && err_has "$text"
}
head -c -5 "$dir/mixed.pcap" >"$dir/torn.pcap"
t 'pcap: torn, urdump' ends_with_reason 'truncated dump file' urdump -q "pcap:$dir/torn.pcap"
t 'pcap: torn, urecho' ends_with_reason 'truncated dump file' urecho "pcap:$dir/torn.pcap"
t 'pcap: torn, urfwd' ends_with_reason 'truncated dump file' urfwd "pcap:$dir/torn.pcap" "pcap:,$dir/x"
t 'pcap: torn, urfwd, both ways' ends_with_reason 'truncated dump file' \
	urfwd "pcap:$dir/torn.pcap" "pcap:$dir/mixed.pcap"
t 'pcap: torn, urids' ends_with_reason 'truncated dump file' \
	urids --rules "$dir/udp.rules" --alerts /dev/null "pcap:$dir/torn.pcap" "pcap:,$dir/x"
two_interfaces() {
	editcap -s 100 "$dir/mixed.pcap" "$dir/a.pcapng" && editcap -s 200 "$dir/mixed.pcap" "$dir/b.pcapng" &&
		mergecap -I none -w "$dir/two.pcapng" "$dir/a.pcapng" "$dir/b.pcapng" || return 1
	# what libpcap reads of it is shown, and what it does not is said in its words
	tcpdump -r "$dir/two.pcapng" >"$dir/want" 2>"$dir/tcpdump" && return 0
	ends_with_reason "$(sed -n 's/^tcpdump: .*: \(an interface has a .*\)$/\1/p' "$dir/tcpdump")" \
		urdump -q "pcap:$dir/two.pcapng"
}
t 'pcap: two interfaces' two_interfaces
too_long() {
	head -c 3000 /dev/zero | od -Ax -tx1 -v | text2pcap - "$dir/big.pcap" >/dev/null 2>&1 &&
		mergecap -a -F pcap -w "$dir/long.pcap" "$dir/mixed.pcap" "$dir/big.pcap" &&
		ends_with_reason 'not all came: 1 frame longer than a slot of 2048 bytes' urdump -q "pcap:$dir/long.pcap" &&
		ends_with_reason '1 frame longer than' urfwd "pcap:$dir/long.pcap" "pcap:,$dir/x"
}
t 'pcap: longer than a slot' too_long
empty_record() {
	# a head of pcap, little endian, and one record without a byte
	printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' >"$dir/empty.pcap"
	printf '\1\0\0\0\0\0\0\0\0\0\0\0\74\0\0\0' >>"$dir/empty.pcap"
	ends_with_reason 'not all came: 1 empty frame' \
		urdump -q --json "pcap:$dir/empty.pcap" && is missed 1 && is rx_packets 0
}
t 'pcap: an empty record' empty_record

# pcap_dump ARGUMENT... DEVICE: the capture of a capture is that capture.
pcap_dump() {
	local file=${!##pcap:}
	app 0 urdump --json -w "$dir/cap" "$@" && is missed 0 && is refused 0 &&
		"$TEST/samecap" "${file%%,*}" "$dir/cap" "$(num rx_packets)"
}
for format in legacy extended advanced; do
	t "pcap: dump, $format" pcap_dump "pcap:$dir/udp.pcap,format=$format"
	t "pcap: dump, $format, stripped tag" pcap_dump \
		"pcap:$dir/tag.pcap,vlan=strip,format=$format"
done
t 'pcap: dump, small ring' pcap_dump --rx-size 64 --tx-size 64 "pcap:$dir/udp.pcap"
t 'pcap: dump, sync period' pcap_dump --period 100 "pcap:$dir/udp.pcap"
t 'pcap: dump, never sleeps' pcap_dump --period 100 --busy "pcap:$dir/udp.pcap"
t 'pcap: dump, always sleeps' pcap_dump --spin 0 "pcap:$dir/udp.pcap"
t 'pcap: dump takes' pcap_dump --take "pcap:$dir/udp.pcap"
pcap_count() {
	app 0 urdump -q --json "pcap:$dir/udp.pcap,loop=3" && is rx_packets 9000 &&
		is host_packets 9000 && app 0 urdump -q --json -c 10 "pcap:$dir/udp.pcap" &&
		is taken 10
}
t 'pcap: laps' pcap_count

pcap_echo() {
	app 0 urecho --json --ip 10.0.0.2/24 --port 9 "$@" "pcap:$dir/udp.pcap,$dir/out.pcap" &&
		is udp 3000 && is tx_packets 3000 && is unsent 0 &&
		app 0 urdump "pcap:$dir/out.pcap" &&
		sed -E 's/^[^ ]* IP ([^ ]+) > ([^ ]+):/IP \2 > \1:/' "$dir/out" >"$dir/answers" &&
		app 0 urdump "pcap:$dir/udp.pcap" && sed 's/^[^ ]* //' "$dir/out" | diff - "$dir/answers"
}
t 'pcap: echo' pcap_echo
t 'pcap: echo, sync period' pcap_echo --period 100
pcap_shares() {
	app 0 urecho --json --port 7 "pcap:$dir/udp.pcap,$dir/out.pcap" && is host_packets 3000 &&
		is tx_packets 0 && "$TEST/samecap" "$dir/out.pcap" "$dir/out.pcap" 0
}
t 'pcap: echo shares' pcap_shares

pcap_forward() {
	app 0 urfwd --json "$@" "pcap:$dir/udp.pcap" "pcap:,$dir/out.pcap" &&
		are rx_packets '3000 0' && are tx_packets '0 3000' && is slots_lost 0 &&
		"$TEST/samecap" "$dir/udp.pcap" "$dir/out.pcap" 3000
}
t 'pcap: forward' pcap_forward
t 'pcap: forward, sync period' pcap_forward --period 100
t 'pcap: forward, never sleeps' pcap_forward --busy
t 'pcap: forward, small rings' pcap_forward --rx-size 64 --tx-size 64
pcap_cross() {
	app 0 urfwd --json "pcap:$dir/udp.pcap,$dir/out1.pcap" \
		"pcap:$dir/gen.pcap,$dir/out2.pcap" && are rx_packets '3000 2000' &&
		"$TEST/samecap" "$dir/udp.pcap" "$dir/out2.pcap" 3000 &&
		"$TEST/samecap" "$dir/gen.pcap" "$dir/out1.pcap" 2000
}
t 'pcap: forward both ways' pcap_cross
pcap_replay() {
	app 0 urfwd --json "pcap:$dir/tag.pcap,vlan=strip" sim: && are tx_packets '0 500'
}
t 'pcap: replay' pcap_replay

pcap_receive() {
	app 0 urgen --json --receive "pcap:$dir/gen.pcap" && is received 2000 && is lost 0 &&
		is corrupt 0 && is duplicates 0 && is reordered 0 && is other 0 &&
		app 0 urgen --json --receive "pcap:$dir/udp.pcap" && is received 0 && is other 3000
}
t 'pcap: generator receives' pcap_receive

pcap_status() { app 0 urctl status "pcap:$dir/udp.pcap" && out_has 'queue 0: the kernel'; }
t 'pcap: status' pcap_status
pcap_cut() {
	head -c -1 "$dir/udp.pcap" >"$dir/cut.pcap"
	app 1 urdump -q --json "pcap:$dir/cut.pcap" && is rx_packets 2999 && err_has 'ends early: truncated dump file'
}
t 'pcap: damaged' pcap_cut
t 'pcap: no such file' refused 1 'none.pcap cannot be read: No such file' urdump pcap:none.pcap
t 'pcap: no capture' refused 1 'is no capture file' urdump "pcap:$BIN/urdump"
t 'pcap: no such option' refused 1 'pcap: no option "rate"' urdump "pcap:$dir/udp.pcap,rate=5"

# ------------------------------------------------------------------------
# The program of the README, as it stands there

# readme OPTION...: compiled by the line that stands there, and these.
readme() {
	local root=$dir/readme line
	rm -rf "$root"
	mkdir "$root"
	ln -s "$(realpath ../uapi)" "$(realpath ../libuserring)" "$root"
	ln -s "$(dirname "$BIN")" "$root/build"
	awk '/^```/ { inside = $0 == "```c"; next } inside' ../README.md >"$root/rx.c"
	line=$(grep '^cc .* -o rx rx.c ' ../README.md) && (cd "$root" && eval "$line $*")
}
# rx LINES DEVICE: by itself, and with all its output though nobody reads along.
rx() {
	timeout 20 "$dir/readme/rx" "$2" >"$dir/out" 2>"$dir/err" && err_empty &&
		[ "$(grep -cxE '[0-9]+ > 9, 18 bytes' "$dir/out")" -eq "$1" ] && [ "$(wc -l <"$dir/out")" -eq "$1" ]
}
readme_sim() {
	grep -qxF './rx sim:gen=udp,count=40' ../README.md && readme -Wall -Wextra -Werror && rx 40 sim:gen=udp,count=40 &&
		rx 5000 sim:gen=udp,count=5000,flows=7
}
t 'README: sim:' readme_sim
readme_stopped() {
	timeout -s INT 1 "$dir/readme/rx" sim:gen=udp,rate=1000 >"$dir/out"
	[ $? -eq 124 ] && [ "$(wc -l <"$dir/out")" -gt 10 ]
}
t 'README: stopped by ^C' readme_stopped
readme_pcap() {
	local more
	more=$(grep -oE -- '-Wl,[^`]* -lpcap' ../README.md) && readme "$more" &&
		app 0 urdump -w "$dir/cap" sim:gen=udp,count=40 && rx 40 "pcap:$dir/cap"
}
t 'README: pcap:' readme_pcap
t 'README: no such device' eval '! rx 0 no-such-nic && err_has no-such-nic'

# ------------------------------------------------------------------------
# The same frames, another device (docs/testing.md); the guest's t_same has NICs

# same NAME pcap|FORMAT: from captures, or by a software NIC with a wire.
same() {
	local name=$1 folder=$dir/same wire=$TEST/same/wire.pcap kind=unchecked bin=$BIN
	local one=pcap:$wire two=pcap:,$folder/sent words
	rm -rf "$folder"
	mkdir "$folder"
	case $name in
	urgen) one=$two wire= ;;
	urfwd | urids) ;;
	*) one=$one,$folder/sent ;;
	esac
	if [ "$2" != pcap ]; then
		one=sim:format=$2 two=$one kind=checked bin=$TEST/simwire
	fi
	read -ra words < <("$TEST/same/same.sh" command "$name" "$folder" "$one" "$two")
	SIMWIRE_IN=$wire SIMWIRE_OUT=$folder/sent \
		SIMWIRE_SENT=$("$TEST/same/same.sh" sent "$name" "$kind") \
		BIN=$bin app 0 "${words[@]}" && mv "$dir/out" "$folder/total" &&
		PATH=$BIN:$PATH "$TEST/same/same.sh" judge "$name" "$kind" "$folder"
}
for name in $("$TEST/same/same.sh" names); do
	for on in pcap legacy extended advanced; do
		t "same: $name, $on" same "$name" "$on"
	done
done

# ------------------------------------------------------------------------
# urids

rules() { printf '%s\n' "$@" >"$dir/rules"; }

# Each hit is dropped or told of, all else goes on as it came.
ids_corpus() {
	rm -rf "$dir/c"
	mkdir "$dir/c"
	"$TEST/ids_corpus" make 1000 "$dir/c" &&
		app 0 urids --json --rules "$dir/c/rules" --var HOME_NET=10.0.0.0/8 \
			--alert-rate 0 --alerts "$dir/c/alerts" "$@" "pcap:$dir/c/in.pcap" "pcap:,$dir/c/out.pcap" &&
		is slots_lost 0 && is rules 1066 && are alerts_lost '0 0' && are no_port '0 0' &&
		"$TEST/ids_corpus" hits "$dir/c/alerts" | sort | diff - <(sort "$dir/c/hits") &&
		"$TEST/ids_corpus" same "$dir/c/left.pcap" "$dir/c/out.pcap"
}
t 'ids: 1,000 rules' ids_corpus
t 'ids: small rings' ids_corpus --rx-size 64 --tx-size 64
t 'ids: sync period' ids_corpus --period 200

# One port: what is not dropped goes up to Linux.
ids_host() {
	app 0 urids --json --rules "$dir/c/rules" --var HOME_NET=10.0.0.0/8 --alert-rate 0 --alerts /dev/null \
		"pcap:$dir/c/in.pcap" && is rx_packets 7333 && is inspected 7333 &&
		is passed_packets "$(tcpdump -nr "$dir/c/left.pcap" 2>/dev/null | wc -l)" &&
		is alerts "$(wc -l <"$dir/c/hits")" && is refused 0
}
t 'ids: one port' ids_host

# A capture that can be read once only.
ids_stdin() {
	"$BIN/urids" --json --rules "$dir/c/rules" --var HOME_NET=10.0.0.0/8 --alert-rate 0 --alerts /dev/null \
		pcap:- sim: <"$dir/c/in.pcap" >"$dir/out" 2>"$dir/err" && are rx_packets '7333 0'
}
t 'ids: standard input' ids_stdin

ids_queues() {
	rm -f "$dir/e"
	rules 'drop udp any any -> any 9 (content:"URNGseq1"; sid:1;)'
	app 0 urids --json --rules "$dir/rules" --alert-rate 0 --alerts "$dir/e" --count 6000 --cpus 0 \
		sim:gen=udp,count=2000,queues=3 sim:queues=3 && is queues 3 &&
		are by_rule '6000 0' && are alerts '6000 0' && are passed_packets '0 0' &&
		[ "$(wc -l <"$dir/e")" -eq 6000 ] && is slots_lost 0 && err_empty
}
t 'ids: many queues' ids_queues

# Fragments and nonsense: 3 whole packets, 1 fragment, 1 that is cut short, 1 of ARP.
ids_policy() {
	local frag=$1 bad=$2 passed=$3
	rules 'alert udp any any -> any any (sid:1;)'
	"$TEST/ids_corpus" odd "$dir/odd.pcap" || return 1
	app 0 urids --json --rules "$dir/rules" --alert-rate 0 --alerts "$dir/e" --fragments "$frag" \
		--unparsable "$bad" "pcap:$dir/odd.pcap" sim: && are inspected '3 0' &&
		are fragments '1 0' && are not_ip '1 0' && are passed_packets "$passed 0"
}
t 'ids: policy, all passes' ids_policy pass pass 6
t 'ids: policy, no fragments' ids_policy drop pass 5
t 'ids: policy, nothing odd' ids_policy drop drop 4

# New rules while packets come: none is lost, and a bad file changes nothing.
ids_reload() {
	local pid code=0
	rules 'alert udp any any -> any 12345 (sid:1;)'
	rm -f "$dir/out.pcap"
	"$BIN/urids" --json --rules "$dir/rules" --alert-rate 0 --alerts "$dir/e2" --count 40000 \
		sim:gen=udp,rate=8000,count=40000 "pcap:,$dir/out.pcap" >"$dir/out" 2>"$dir/err" &
	pid=$!
	grows_to "$dir/out.pcap" 100000
	rules 'alert udp any any -> any any (sid:1; pcre:"/x/";)'
	kill -HUP "$pid"
	has_written "$dir/err" 'stay as they were'
	rules 'drop udp any any -> any 9 (content:"URNGseq1"; sid:2;)'
	kill -HUP "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 0 ] && err_has '1 rule from now on' && err_has ':1: the keyword pcre' &&
		is reloads 1 && are rx_packets '40000 0' && are missed '0 0' && is slots_lost 0 &&
		[ "$(of by_rule | cut -d' ' -f1)" -gt 0 ] &&
		"$TEST/readpcap" "$dir/out.pcap" $((40000 - $(of by_rule | cut -d' ' -f1))) 60 -1
}
t 'ids: new rules' ids_reload

ids_check() {
	app 0 urids --check --rules urids/urids.rules.example --var HOME_NET=10.0.0.0/8 &&
		out_has ' rules, 0 left out' && err_empty || return 1
	rules '# two' 'alert udp any any -> any any (sid:1; flow:established;)' \
		'alert udp any any -> any any (sid:2;)'
	app 1 urids --check --rules "$dir/rules" && err_has ':2: the keyword flow' &&
		err_has 'none of its rules is loaded: 0 wrong, 1 not supported' &&
		app 0 urids --check --skip-unsupported --rules "$dir/rules" &&
		out_has '1 rule, 1 left out' && err_has ':2: the keyword flow' || return 1
	rules 'alert udp any -> any any (sid:1;)'
	app 1 urids --check --skip-unsupported --rules "$dir/rules" && err_has '1 wrong'
}
t 'ids: check' ids_check

ids_rates() {
	rules 'alert udp any any -> any 9 (content:"URNGseq1"; msg:"it is"; sid:1;)'
	app 0 urids --rates --rules "$dir/rules" --seconds 1.1 sim:gen=udp,rate=1000 sim: &&
		grep -qE '^1>2 +[0-9]+ pps +[0-9.]+ Mbit/s   2>1 +0 pps.*alerts [1-9][0-9]*/s' "$dir/err" &&
		out_has '"signature": "it is"' && err_has 'forwarded' || return 1
	app 0 urids --json --rates --alert-rate 0 --alerts "$dir/e" --rules "$dir/rules" --seconds 1.1 \
		sim:gen=udp,rate=1000 && [ "$(grep -c '"type": "rates"' "$dir/out")" -eq 1 ]
}
t 'ids: rates' ids_rates

rules 'alert udp any any -> any any (sid:1;)'
# A flood of hits costs a few lines, and hides nothing of another rule.
ids_limit() {
	local code=0 lines
	cat >"$dir/many" <<-'END'
		alert udp any any -> any any (sid:1;)
		alert udp any 1024 -> any any (sid:2;)
	END
	rm -f "$dir/e"
	app 0 urids --json --rules "$dir/many" --alerts "$dir/e" --alert-rate 5 --seconds 2 \
		sim:gen=udp,rate=10000,flows=100 sim: && are alerts_lost '0 0' || code=1
	lines=$(wc -l <"$dir/e")
	echo "$lines lines, alerts $(of alerts), limited $(of alerts_limited)"
	# of each rule five in a second, of two or three seconds
	[ $code -eq 0 ] && [ "$lines" -ge 20 ] && [ "$lines" -le 30 ] &&
		[ $(($(of alerts | cut -d' ' -f1) - $(of alerts_limited | cut -d' ' -f1))) -eq "$lines" ] &&
		[ "$(grep -c '"signature_id": 2,' "$dir/e")" -ge 10 ]
}
t 'ids: a limit of lines' ids_limit
ids_reader_gone() {
	timeout 60 "$BIN/urids" --rules "$dir/many" --alert-rate 0 --seconds 1 \
		sim:gen=udp,rate=10000 sim: 2>"$dir/err" | head -n 1 >/dev/null
	[ "${PIPESTATUS[0]}" -eq 0 ] && err_has 'Broken pipe; alerts are lost'
}
t 'ids: the reader of alerts goes' ids_reader_gone
ids_stripped_tag() {
	rm -f "$dir/e"
	app 0 urids --rules "$dir/many" --alerts "$dir/e" "pcap:$dir/tag.pcap,vlan=strip" "pcap:,$dir/x" &&
		[ "$(head -n 1 "$dir/e" | grep -c '"vlan": \[5\]')" -eq 1 ]
}
t 'ids: the tag that the NIC stripped' ids_stripped_tag
t 'ids: no rules' refused 2 'which rules?' urids sim:
t 'ids: no device' refused 2 'which device' urids --rules "$dir/rules"
t 'ids: three devices' refused 2 'which device' urids --rules "$dir/rules" sim: sim: sim:
t 'ids: no such file' refused 1 'cannot read rules /no/such/file: No such file' urids --rules /no/such/file sim:
t 'ids: no such folder' refused 1 'cannot write alerts to /no/such/file: No such file' urids --rules "$dir/rules" --alerts /no/such/file sim:
t 'ids: variable' refused 2 '--var takes NAME=VALUE' urids --rules "$dir/rules" --var A sim:
t 'ids: policy' refused 2 '--fragments takes pass or drop' urids --rules "$dir/rules" --fragments x sim:
t 'ids: stdout twice' refused 2 'cannot both have stdout' urids --json --rules "$dir/rules" sim:
t 'ids: fails open with one port' refused 2 'about two ports' urids --rules "$dir/rules" --fail open sim:
t 'ids: no bridge' refused 1 'are not in one bridge' urids --rules "$dir/rules" --fail open sim: sim:
t 'ids: unlike numbers of queues' refused 1 'sim:queues=2 has 2 queues and sim: has 1' \
	urids --rules "$dir/rules" sim:queues=2 sim:

# ------------------------------------------------------------------------
# urkeep

# kept N HOW: a child that crashes until it has counted to N, in a memory that
# is handed from one to the next.
kept() {
	rm -f "$dir/log"
	app 0 urkeep -- "$TEST/keptchild" "$dir/log" "$1" "$2" &&
		[ "$(cut -d' ' -f1 "$dir/log")" = "$(seq "$1")" ] &&
		[ "$(sort -uk2 "$dir/log" | wc -l)" -eq "$1" ] &&
		[ "$(grep -c 'started again as [0-9]* with 1 descriptor$' "$dir/err")" -eq $(($1 - 1)) ]
}
t 'keep: no crash' kept 1 kill
t 'keep: killed' kept 8 kill
t 'keep: exit code' kept 8 exit
keep_says() {
	kept 2 kill && err_has ' was ended by signal 9 (Killed); started again' &&
		kept 2 exit && err_has ' ended with code 3; started again'
}
t 'keep: says what happened' keep_says
keep_unready() {
	rm -f "$dir/log"
	app 3 urkeep -- "$TEST/keptchild" "$dir/log" 100 unready && err_has 'given up: 5 times' &&
		[ "$(wc -l <"$dir/log")" -eq 5 ]
}
t 'keep: never ready' keep_unready
keep_enough() {
	rm -f "$dir/log"
	app 137 urkeep --max-restarts 3 -- "$TEST/keptchild" "$dir/log" 100 kill &&
		err_has 'given up after 3 restarts' && [ "$(wc -l <"$dir/log")" -eq 4 ] || return 1
	rm -f "$dir/log"
	app 3 urkeep --max-restarts 0 -- "$TEST/keptchild" "$dir/log" 100 exit &&
		[ "$(wc -l <"$dir/log")" -eq 1 ]
}
t 'keep: enough is enough' keep_enough
keep_stopped() {
	local code=0 pid
	rm -f "$dir/log"
	"$BIN/urkeep" -- "$TEST/keptchild" "$dir/log" 3 wait >"$dir/out" 2>"$dir/err" &
	pid=$!
	has_written "$dir/log" '3 '
	kill -"$1" "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq "$2" ] && [ "$(wc -l <"$dir/log")" -eq 3 ]
}
t 'keep: SIGTERM goes on' keep_stopped TERM 143
# What one types to have zones or rules read again reaches whom it is meant for.
keep_hup() {
	local code=0 pid
	rm -f "$dir/log"
	env --default-signal=HUP "$BIN/urkeep" -- sh -c "trap 'echo again >>$dir/log' HUP; echo begun >>$dir/log
		while :; do sleep 0.05; done" >"$dir/out" 2>"$dir/err" &
	pid=$!
	has_written "$dir/log" begun && kill -HUP "$pid" && has_written "$dir/log" again || code=1
	kill -TERM "$pid"
	wait "$pid"
	[ $? -eq 143 ] && [ $code -eq 0 ] && [ "$(grep -c begun "$dir/log")" -eq 1 ] || return 1
	# what does not take it ends, and so does its keeper
	env --default-signal=HUP "$BIN/urkeep" -- sleep 20 &
	pid=$!
	sleep 0.3
	kill -HUP "$pid"
	wait "$pid"
	[ $? -eq 129 ]
}
t 'keep: SIGHUP goes on' keep_hup
keep_storm() {
	local n
	rm -f "$dir/log"
	timeout 4 "$BIN/urkeep" -- "$TEST/keptchild" "$dir/log" 10000 exit 2>"$dir/err"
	n=$(wc -l <"$dir/log")
	echo "$n starts in 4 s"
	# 20 at once, then after 100, 200, 400, 800, 1600 ms
	[ "$n" -ge 21 ] && [ "$n" -le 27 ] && err_has 'it does not last: started again in 800 ms'
}
t 'keep: pauses grow' keep_storm
# in_vain CODE TEXT COMMAND...: it is started once, and why not again is said.
in_vain() {
	local code=$1 text=$2
	shift 2
	app "$code" urkeep -- "$@" && err_has "$text" && err_has ', and it is not started again' &&
		[ "$(grep -c '^urkeep: .* ended with code ' "$dir/err")" -eq 1 ] &&
		! grep -q 'started again as' "$dir/err"
}
t 'keep: no such command' in_vain 127 'cannot start /no/such/command: No such file' /no/such/command
t 'keep: no command' in_vain 126 "cannot start $dir: Permission denied" "$dir"
t 'keep: a shell that finds none' in_vain 127 'it cannot be executed' sh -c 'exec /no/such/command'
t 'keep: wrong usage' in_vain 2 'its command line is wrong' "$BIN/urecho" --no-such
t 'keep: wrong usage of urdns' in_vain 2 'which zone?' "$BIN/urdns" sim:
# Who was ready has crashed, whatever his code.
keep_ready_2() {
	rm -f "$dir/log"
	app 2 urkeep --max-restarts 1 -- "$TEST/keptchild" "$dir/log" 100 code2 &&
		[ "$(wc -l <"$dir/log")" -eq 2 ] && err_has 'given up after 1 restart'
}
t 'keep: code 2 of one that was ready' keep_ready_2
keep_app() {
	app 0 urkeep -- "$BIN/urecho" --json --count 100 --port 9 sim:gen=udp && is udp 100 &&
		app 0 urkeep -- "$BIN/urdns" --zone $zone sim:gen=udp,count=10
}
t 'keep: an app' keep_app
# A message of another process is not taken: it could bring a queue of its own.
# shellcheck disable=SC2016  # for the inner shell
keep_stranger() {
	rm -f "$dir/log"
	app 0 urkeep -- sh -c '"$0" "$1" 1 exit; exit 0' "$TEST/keptchild" "$dir/log" || return 1
	rm -f "$dir/log"
	app 3 urkeep --max-restarts 2 -- sh -c '"$0" "$1" 9 exit' "$TEST/keptchild" "$dir/log"
	[ "$(cut -d' ' -f1 "$dir/log" | tr '\n' ' ')" = '1 1 1 ' ] && err_has 'with 0 descriptors'
}
t 'keep: a stranger is not heard' keep_stranger

# What was kept is no queue: said in a sentence, and a new one is attached.
# shellcheck disable=SC2016  # for the inner shell
not_a_queue() {
	timeout 60 bash -c 'exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1
		export LISTEN_FDNAMES=userring-0; exec "$0" --json -c 10 -q sim:gen=udp' \
		"$BIN/urdump" >"$dir/out" 2>"$dir/err" &&
		err_has 'the queue of the process before cannot be taken over (' &&
		err_has 'attaching anew' && is taken 10 && out_has '"adopted": false'
}
t 'a descriptor that is no queue' not_a_queue

# ------------------------------------------------------------------------
# urctl

status_sim() {
	app 0 urctl status sim: && out_has 'queue 0: the kernel' &&
		app 0 urctl status --json sim: && out_has '"consumer": "kernel"' &&
		out_has '"irq": -1, "irq_cpu": -1, "numa_node": -1' &&
		app 0 urctl st -j sim: && out_has '"consumer": "kernel"' && app 0 urctl show sim: &&
		out_has 'rx 0 packets 0 bytes'
}
t 'status of a sim port' status_sim

# tree: a machine with a 82574L that belongs to $1 ("": nobody).
tree() {
	local root=$dir/root nic=0000:00:04.0
	rm -rf "$root"
	mkdir -p "$root"/sys/bus/pci/{devices/$nic/net/eth9,drivers/e1000e} \
		"$root"/sys/class/net/eth9 "$root"/proc/{net,sys/kernel} \
		"$root/lib/modules/6.1.0-test/build" "$root/dev"
	echo 6.1.0-test >"$root/proc/sys/kernel/osrelease"
	touch "$root/lib/modules/6.1.0-test/build/Makefile"
	echo 0x8086 >"$root/sys/bus/pci/devices/$nic/vendor"
	echo 0x10d3 >"$root/sys/bus/pci/devices/$nic/device"
	echo 0x1003 >"$root/sys/class/net/eth9/flags"
	echo 1 >"$root/sys/class/net/eth9/carrier"
	ln -s ../../../bus/pci/devices/$nic "$root/sys/class/net/eth9/device"
	if [ "$1" = userring ]; then
		mkdir -p "$root"/sys/{bus/pci/drivers/userring,module/userring,class/userring/userring0} \
			"$root/sys/bus/pci/devices/$nic/userring/userring0"
		echo 0.1 >"$root/sys/module/userring/version"
		ln -s ../../../bus/pci/devices/$nic "$root/sys/class/userring/userring0/device"
		touch "$root/dev/userring0"
	fi
	[ -z "$1" ] || ln -s "../../drivers/$1" "$root/sys/bus/pci/devices/$nic/driver"
}
doctor() { app "$1" urctl doctor --root "$dir/root" "${@:2}"; }

doctor_fresh() {
	tree e1000e
	doctor 1 && out_has 'make module' && out_has '82574L eth9 belongs to e1000e' ||
		return 1
	rm -r "$dir/root/lib/modules/6.1.0-test/build"
	doctor 1 && out_has 'apt install linux-headers-6.1.0-test' || return 1
	echo 'extra/userring.ko: ' >"$dir/root/lib/modules/6.1.0-test/modules.dep"
	doctor 1 && out_has 'type: sudo modprobe userring' || return 1
	echo 0x10ca >"$dir/root/sys/bus/pci/devices/0000:00:04.0/device"
	doctor 1 && out_has '82576 virtual function eth9 belongs to e1000e'
}
t 'doctor: no module' doctor_fresh

doctor_unbound() {
	tree e1000e
	mkdir -p "$dir/root/sys/module/userring"
	# by the path that sudo finds
	doctor 1 && out_has "type: sudo $BIN/urctl bind eth9" && out_has 'no NIC belongs to userring' &&
		doctor 1 eth9 && out_has 'eth9 does not belong to userring' || return 1
	printf 'eth9\t00000000\t0100000A\t3\t0\t0\t0\t00000000\n' >"$dir/root/proc/net/route"
	doctor 1 && out_has 'leave it there: eth9 carries the default route'
}
t 'doctor: not bound' doctor_unbound

doctor_well() {
	tree userring
	doctor 0 && out_has 'no problem' && out_has 'module userring 0.1 is loaded' &&
		out_has 'eth9 is up and has a link' && out_has 'promisc on' &&
		out_has 'not behind an IOMMU' && doctor 0 --json && out_has '"problems": 0' &&
		! grep -q PROBLEM "$dir/out" && doctor 0 eth9 && doctor 0 /dev/userring0 &&
		doctor 0 0000:00:04.0 && doctor 1 eth8
}
t 'doctor: all is well' doctor_well

doctor_link() {
	tree userring
	echo 0 >"$dir/root/sys/class/net/eth9/carrier"
	doctor 1 && out_has 'has no link' && out_has '1 problem' || return 1
	echo 0x1002 >"$dir/root/sys/class/net/eth9/flags"
	doctor 1 && out_has 'type: sudo ip link set eth9 up'
}
t 'doctor: down, no link' doctor_link

doctor_left_over() {
	tree ''
	echo userring >"$dir/root/sys/bus/pci/devices/0000:00:04.0/driver_override"
	doctor 1 && out_has 'reserved for userring' && out_has 'urctl unbind 0000:00:04.0'
}
t 'doctor: driver unloaded' doctor_left_over

doctor_nothing() {
	tree ''
	rm -r "$dir/root/sys/bus/pci/devices"/*
	doctor 1 && out_has 'urdump -c 10 sim:gen=udp' && out_has '82574L, 82576 and 82576 virtual function' &&
		doctor 1 --json && out_has '"level": "PROBLEM"' || return 1
	# what there is instead
	mkdir -p "$dir/root/sys/virtio1"
	ln -s /sys/bus/virtio "$dir/root/sys/virtio1/subsystem"
	ln -s /sys/bus/virtio/drivers/virtio_net "$dir/root/sys/virtio1/driver"
	ln -sfn ../../../virtio1 "$dir/root/sys/class/net/eth9/device"
	doctor 1 && out_has 'note     eth9 is driven by virtio_net' && out_has 'in QEMU: -device e1000e' &&
		doctor 1 eth9 && out_has 'PROBLEM  eth9 is driven by virtio_net'
}
t 'doctor: no NIC' doctor_nothing

doctor_node() {
	tree userring
	chmod 000 "$dir/root/dev/userring0"
	chmod 755 "$dir"
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$BIN/urctl" doctor --root "$dir/root" >"$dir/out" 2>"$dir/err"
	else
		"$BIN/urctl" doctor --root "$dir/root" >"$dir/out" 2>"$dir/err"
	fi
	[ $? -eq 1 ] && out_has 'you may not open /dev/userring0' && out_has 60-userring.rules
}
t 'doctor: node not for us' doctor_node

status_tree() {
	tree userring
	app 1 urctl --root "$dir/root" && out_has 'userring0  eth9  0000:00:04.0' || return 1
	tree e1000e
	app 0 urctl --root "$dir/root" && out_has 'urctl doctor' &&
		app 1 urctl status eth9 --root "$dir/root" && err_has 'belongs to e1000e'
}
t 'status of a tree' status_tree

top_refused() {
	refused 2 '--interval takes seconds' urctl top --interval 0 &&
		refused 2 'one device, please' urctl top a b &&
		refused 2 'not below --root' urctl top --root "$dir/root" &&
		refused 1 'no interface no-such-nic' urctl top no-such-nic
}
t 'top: wrong arguments' top_refused

top_counts() {
	app 0 urctl top --json --count 3 --interval 0.05 &&
		[ "$(grep -c '^{"type": "top", .*"ports": \[.*\]}$' "$dir/out")" -eq 3 ] &&
		app 0 urctl top --count 2 --interval 0.05 && [ "$(wc -l <"$dir/out")" -ge 2 ]
}
t 'top: so many intervals' top_counts

top_stopped() {
	local code=0 pid
	: >"$dir/out"
	"$BIN/urctl" top --interval 0.2 >"$dir/out" 2>"$dir/err" &
	pid=$!
	has_written "$dir/out"
	kill -INT "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 0 ]
}
t 'top: stopped' top_stopped

bind_refused() {
	tree e1000e
	app 1 urctl bind eth9 --root "$dir/root" && err_has 'module userring is not loaded' || return 1
	rm "$dir/root/sys/class/net/eth9/device"
	echo DEVTYPE=bridge >"$dir/root/sys/class/net/eth9/uevent"
	app 1 urctl bind eth9 --root "$dir/root" && err_has 'eth9 is a virtual interface (bridge)'
}
t 'bind without the module' bind_refused

urctl_help() {
	app 0 urctl help && out_has 'usage: urctl [status' && app 0 urctl help bind && out_has 'usage: urctl bind' &&
		app 0 urctl bind --help && out_has 'usage: urctl bind' && app 0 urctl help show &&
		out_has 'usage: urctl status' && app 0 urctl h un && out_has 'usage: urctl unbind'
}
t 'urctl: help' urctl_help

brief_tree() {
	tree e1000e
	app 0 urctl -br --root "$dir/root" && out_has 'eth9             UP          -           e1000e    -' ||
		return 1
	tree userring
	echo 0 >"$dir/root/sys/class/net/eth9/carrier"
	app 0 urctl --brief show 00:04.0 --root "$dir/root" &&
		out_has 'eth9             NO-CARRIER  userring0   userring  ?' && [ "$(wc -l <"$dir/out")" -eq 1 ]
}
t 'urctl: a line for each' brief_tree

# built KERNEL: urctl in build/apps of a tree, and a module of that kernel beside it.
built() {
	mkdir -p "$dir/build"/{apps,module/running}
	cp "$BIN/urctl" "$dir/build/apps"
	printf 'vermagic=%s SMP\0' "$1" >"$dir/build/module/running/userring.ko"
}
doctor_built() {
	tree e1000e
	built 6.1.0-test
	(BIN=$dir/build/apps doctor 1) && out_has "type: sudo insmod $dir/build/module/running/userring.ko" || return 1
	built 5.10.0-old
	(BIN=$dir/build/apps doctor 1) && out_has 'was built for 5.10.0-old, and this is 6.1.0-test' &&
		out_has 'type: make module'
}
t 'doctor: the module is built' doctor_built

# first_problem WORDS
first_problem() { grep -m 1 PROBLEM "$dir/out" | grep -qF "$1" || { cat "$dir/out"; return 1; }; }
doctor_secure() {
	local root=$dir/root
	tree e1000e
	built 6.1.0-test
	mkdir -p "$root/sys/kernel/security" "$root/sys/firmware/efi/efivars"
	echo 'none [integrity] confidentiality' >"$root/sys/kernel/security/lockdown"
	(BIN=$dir/build/apps doctor 1) && first_problem 'loads only signed modules (its command line has lockdown=' &&
		out_has 'Secure Boot is off' && ! grep -q confidentiality "$dir/out" || return 1
	printf '\6\0\0\0\1' >"$root/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	(BIN=$dir/build/apps doctor 1) && first_problem 'loads only signed modules (Secure Boot is on)' &&
		out_has 'type: sudo mkdir -p /var/lib/dkms && sudo openssl req' || return 1
	mkdir -p "$root/var/lib/dkms" "$root/usr/bin"
	echo key >"$root/var/lib/dkms/mok.pub"
	(BIN=$dir/build/apps doctor 1) && out_has 'type: sudo apt install mokutil && sudo mokutil --import /var/lib/dkms/mok.pub' &&
		out_has "build/scripts/sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub $dir/build/module" || return 1
	echo key >"$root/sys/firmware/efi/efivars/MokNew-605dab50-e046-4300-abb6-3dd810dd8b23"
	(BIN=$dir/build/apps doctor 1) && out_has 'choose Enroll MOK' && out_has 'type: sudo reboot' || return 1
	# nothing is built: DKMS would sign it
	rm "$dir/build/module/running/userring.ko"
	(BIN=$dir/build/apps doctor 1) && out_has 'DKMS signs what it builds' && out_has 'make module'
}
t 'doctor: signed modules only' doctor_secure

doctor_dkms() {
	local root=$dir/root
	tree e1000e
	mkdir -p "$root/usr/src/userring-0.1"
	doctor 1 && out_has 'type: sudo dkms autoinstall -k 6.1.0-test' || return 1
	mkdir -p "$root/var/lib/dkms/userring/0.1/build"
	echo 'DKMS make.log for userring-0.1 for kernel 6.1.0-test (x86_64)' \
		>"$root/var/lib/dkms/userring/0.1/build/make.log"
	doctor 1 && out_has 'it could not build one, as says' || return 1
	rm -r "$root/lib/modules/6.1.0-test/build"
	doctor 1 && out_has 'DKMS builds when they are installed' && out_has 'type: sudo apt install linux-headers-6.1.0-test'
}
t 'doctor: DKMS has no module' doctor_dkms

persist_tree() {
	local root=$dir/root wants=$dir/root/etc/systemd/system/multi-user.target.wants
	tree userring
	mkdir -p "$root/run/systemd/system" "$root/usr/lib/systemd/system" "$wants"
	touch "$root/usr/lib/systemd/system/userring@.service"
	app 1 urctl bind --persist eth9 --root "$root" && err_has 'not installed for this kernel, 6.1.0-test' || return 1
	echo 'updates/userring.ko:' >"$root/lib/modules/6.1.0-test/modules.dep"
	doctor 0 && out_has 'bind --persist 0000:00:04.0' && app 1 urctl --root "$root" &&
		out_has 'bound until the next boot' || return 1
	app 0 urctl bind --persist eth9 --root "$root" && out_has 'userring@0000:00:04.0.service' &&
		[ -L "$wants/userring@0000:00:04.0.service" ] || return 1
	doctor 0 && out_has 'is bound at each boot, by userring@0000:00:04.0.service' &&
		app 1 urctl --root "$root" && out_has 'bound at each boot' &&
		app 1 urctl -j --root "$root" && out_has '"persistent": true' || return 1
	ln -s /x "$wants/userring@0000:00:1f.0.service"
	doctor 0 && out_has 'unbind --persist 0000:00:1f.0' || return 1
	app 0 urctl unbind --persist 0000:00:1f.0 --root "$root" && [ ! -L "$wants/userring@0000:00:1f.0.service" ] ||
		return 1
	ln -sfn ../../drivers/e1000e "$root/sys/bus/pci/devices/0000:00:04.0/driver"
	doctor 1 && out_has 'journalctl -b -u userring@0000:00:04.0 says why'
}
t 'bound at each boot' persist_tree

# On a terminal: its other screen, and all as before when it ends.
# top_ends ROWS COMMAND: what the terminal got ends on the first screen, with its modes.
top_ends() {
	local words
	script -qec "stty rows $1 cols 40; $2; stty -a" "$dir/typescript" >/dev/null <"$dir/keys"
	for words in '\[?1049h' '\[?1049l' '[^-]icanon' '[^-]echo '; do
		grep -q "$words" "$dir/typescript" && continue
		cat -v "$dir/typescript"
		return 1
	done
}
top_terminal() {
	rm -f "$dir/keys"
	mkfifo "$dir/keys"
	# open for as long as the terminal is to be there
	sleep 20 >"$dir/keys" &
	local pid=$! code=0
	top_ends 24 "timeout --foreground -s TERM 1 $BIN/urctl top --interval 0.1" &&
		top_ends 24 "timeout --foreground -s INT 1 $BIN/urctl top --interval 0.1" &&
		top_ends 1 "timeout --foreground -s TERM 1 $BIN/urctl top --interval 0.1" &&
		top_ends 24 "$BIN/urctl top --interval 0.1 --count 2" &&
		# what it ends with by itself stays
		sed 's/.*\[?1049l//' "$dir/typescript" | grep -q 'q ends' || code=1
	kill "$pid"
	return "$code"
}
t 'top: the terminal is put back' top_terminal
top_q() {
	rm -f "$dir/keys"
	mkfifo "$dir/keys"
	{ sleep 1; printf q; sleep 20; } >"$dir/keys" &
	local pid=$! code=0
	# long before its interval is over
	timeout 15 script -qec "$BIN/urctl top --interval 600" "$dir/typescript" >/dev/null <"$dir/keys" || code=1
	grep -q '\[?1049l' "$dir/typescript" || code=1
	kill "$pid"
	return "$code"
}
t 'top: q ends it' top_q

# ------------------------------------------------------------------------
# urdns; its answers are in test_dns, test_dns_live and dns_compare

dns_check() { app 0 urdns --check --zone $zone && err_has 'serves 1 zone, 12 names, 20 records'; }
t 'dns: a zone is right' dns_check
dns_wrong() {
	sed '/^mail/s/192.0.2.25/192.0.2.256/' $zone >"$dir/wrong.zone"
	app 1 urdns --check --zone "$dir/wrong.zone" && err_has "$dir/wrong.zone:16: invalid"
}
t 'dns: a zone is wrong' dns_wrong
dns_foreign() {
	app 0 urdns --json --zone example.org=$zone --seconds 1 sim:gen=udp,count=500 &&
		is host_packets 500 && is rx_packets 0 && is records 20
}
t 'dns: what is no query goes to Linux' dns_foreign
dns_malformed() {
	app 0 urdns --json --zone $zone --port 9 --count 1000 sim:gen=udp,size=200 &&
		is rx_packets 1000 && is host_packets 0 && is refused 0
}
t 'dns: no query is one' dns_malformed
dns_queues() {
	app 0 urdns --json --zone $zone --port 9 --queues 3 --count 3000 sim:gen=udp,count=1000,queues=3 &&
		[ "$(jq -r '[.rx_packets, (.queues | length), .refused] | join(" ")' "$dir/out")" = '3000 3 0' ]
}
t 'dns: many queues' dns_queues
dns_shows() {
	app 0 urdns --zone $zone --port 9 --show 3 --rates sim:gen=udp,rate=100,count=160 &&
		[ "$(grep -c ' asks ' "$dir/err")" -eq 6 ] && err_has ' queries/s' &&
		out_has 'received 160 packets' && out_has 'not answered: no query 0'
}
t 'dns: queries and rates are shown' dns_shows
dns_drops() {
	"$BIN/urdns" --zone $zone --seconds 5 sim: >/dev/null 2>&1 &
	for _ in $(seq 50); do
		grep -q '^NoNewPrivs:.*1' "/proc/$!/status" && break
		sleep 0.1
	done
	sleep 0.1
	grep -Eq '^CapEff:.*00000000[04]$' "/proc/$!/status" && grep -q '^NoNewPrivs:.*1' "/proc/$!/status"
	r=$?
	kill "$!"
	wait "$!"
	return $r
}
t 'dns: privileges are dropped' dns_drops
t 'dns: no zone' refused 2 'which zone?' urdns sim:
t 'dns: no file' refused 1 'cannot read zone no-such.zone: No such file' urdns --zone no-such.zone sim:
t 'dns: too few queues' refused 1 'of the 2 queues' urdns --queues 2 --zone $zone sim:

# ------------------------------------------------------------------------
# make demo

demo() {
	BIN=$BIN timeout 60 tests/demo.sh >"$dir/out" 2>"$dir/err" || return 1
	for name in urdump urecho urgen urfwd urdns urids urctl urkeep; do
		out_has "\$ $name " || return 1
	done
	! grep -qi problem "$dir/out" "$dir/err" && [ "$(grep -c ': UDP, length' "$dir/out")" -eq 7 ] &&
		err_has 'asks www.example.org. A: NOERROR' && out_has '"signature": "DNS query for bad.example"' &&
		err_has 'started again as' && out_has 'lost 0, duplicates 0'
}
t 'demo' demo
# An app that fails is not passed over.
demo_fails() {
	mkdir -p "$dir/bin" && cp "$BIN"/* "$dir/bin/" && printf '#!/bin/sh\nexit 3\n' >"$dir/bin/urfwd" &&
		! BIN=$dir/bin timeout 60 tests/demo.sh >"$dir/out" 2>"$dir/err" && out_has 'urfwd failed: code 3'
}
t 'demo: an app that fails' demo_fails

# ------------------------------------------------------------------------
# Manual pages

man_clean() {
	local page=$here/../../docs/man/$1.8
	[ -f "$page" ] || return 1
	if ! groff -man -Tutf8 -ww -z "$page" >"$dir/t.man" 2>&1 || [ -s "$dir/t.man" ]; then
		cat "$dir/t.man"
		return 1
	fi
	# each option of --help is in it
	local option
	for option in $("$BIN/$1" --help | grep '^  ' | grep -oE -- '--[a-z][a-z-]*' | sort -u); do
		sed 's/\\-/-/g' "$page" | grep -qF -- "$option" ||
			{ echo "$page lacks $option"; return 1; }
	done
}
for name in urdump urecho urgen urfwd urdns urids urctl urkeep; do
	t "man page of $name" man_clean "$name"
done

# ------------------------------------------------------------------------
# Inputs that an app once took wrongly

tests/cases.sh >"$dir/cases"
cat "$dir/cases"
add_counts "$(tail -n 1 "$dir/cases")"

tests/completion.sh >"$dir/completion"
cat "$dir/completion"
add_counts "$(tail -n 1 "$dir/completion")"

total

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# same.sh: an app does the same with the same frames, whatever its device: pcap:,
# sim: or a NIC.  This file says what is typed and what counts; who has the device
# types it, sees to it that the frames of wire.pcap come, and leaves in FOLDER
#
#	total	what the app wrote on stdout, JSON
#	sent	a capture of what left; by the second device, if there are two
#
#	same.sh names
#	same.sh command NAME FOLDER DEV1 DEV2
#	same.sh sent NAME KIND		so many frames leave, and then it may be told
#					to end; 0: it ends by itself
#	same.sh judge NAME KIND FOLDER
#
# KIND is "checked", of devices that look at checksums, or "unchecked"; the last one
# compares with expected/NAME, where a line that begins with a kind is for that alone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$here:$PATH

# expected NAME KIND
expected() { sed -e "s/^$2 //" -e '/^checked /d' -e '/^unchecked /d' "$here/expected/$1"; }

# total FOLDER: all but names, time, and what depends on time.
total() {
	jq -r '. as $all | paths(type != "object" and type != "array") |
		select(any(.[]; IN("seconds", "device", "file", "written_bytes", "cpu",
			"syncs", "timer_syncs", "waits", "interrupts")) | not) |
		. as $at | "\(map(tostring) | join(".")) \($all | getpath($at))"' "$1/total"
}

# result NAME FOLDER
result() {
	total "$2"
	echo "sent:"
	# shellcheck disable=SC2046  # a word, or none
	sameframes "$here/wire.pcap" "$2/sent" $([ "$1" != urgen ] || echo urgen)
	if [ -e "$2/written" ]; then
		echo "written:"
		sameframes "$here/wire.pcap" "$2/written"
	fi
	if [ -e "$2/alerts" ]; then
		echo "alerts:"
		jq -c 'del(.timestamp, .in_iface)' "$2/alerts"
	fi
}

# What urgen sent is right to the last byte if urgen says so.
received_by_urgen() {
	urgen --json --receive "pcap:$1/sent" |
		jq -e '.received == 21 and .lost == 0 and .corrupt == 0 or ("\(.)\n" | stderr | false)' \
			>/dev/null
}

# command NAME FOLDER DEV1 DEV2
command_of() {
	case $1 in
	urdump) echo "urdump --json -w $2/written -c $(frames) $3" ;;
	urecho) echo "urecho --json --take --ip 10.0.0.2 --ip 2001:db8::2 --port 53 $3" ;;
	urgen) echo "urgen --json --dst 10.0.0.1 --dst-mac 2:0:0:0:0:1 --src 10.0.0.2" \
		"--flows 7 --hosts 3 --size 200 --count 21 --rate 500 $3" ;;
	urfwd) echo "urfwd --json --checksums drop $3 $4" ;;
	urids) echo "urids --json --checksums drop --rules $here/rules --alert-rate 0 --alerts $2/alerts $3 $4" ;;
	urdns) echo "urdns --json --zone $here/example.org.zone $3" ;;
	esac
}

frames() { sameframes "$here/wire.pcap" "$here/wire.pcap" | sed -n '1s/ .*//p'; }

case $1 in
names) echo urdump urecho urgen urfwd urids urdns ;;
command)
	shift
	command_of "$@"
	;;
sent)
	case $2 in
	urdump) echo 0 ;;
	*) expected "$2" "$3" | sed -n '/^sent:/{n;s/ .*//p;}' ;;
	esac
	;;
judge)
	result "$2" "$4" >"$4/result"
	expected "$2" "$3" >"$4/expected"
	diff "$4/expected" "$4/result" && { [ "$2" != urgen ] || received_by_urgen "$4"; }
	;;
esac

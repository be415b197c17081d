#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# completion.sh: what bash offers behind the names of the apps.  From the Makefile, by
# run.sh: BIN and TEST.  The last line is "N passed, N failed".
cd "$(dirname "$0")" || exit 1
here=$PWD
# shellcheck source=apps/tests/tap.sh
. ./tap.sh
PATH=$BIN:$PATH
# shellcheck source=apps/completion/userring.bash
. "$here/../completion/userring.bash"
cd "$dir" || exit 1

# as readline has it, which takes a word to begin behind a colon or "="
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'

# completes LINE: what is offered at its end, in $dir/out, a line each.
completes() {
	local function
	function=$(complete -p "${1%% *}" | grep -oE -- '-F [^ ]+') || return 1
	COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
	"${function#-F }" "${1%% *}"
	printf '%s\n' "${COMPREPLY[@]}" | sort >"$dir/out"
}

# offers LINE WORD... : just these.
offers() {
	completes "$1" || return 1
	shift
	printf '%s\n' "$@" | sort | diff - "$dir/out"
}

all_options() {
	local option
	completes "$1 --" || return 1
	# what --help says in its list
	"$BIN/$1" --help | sed '/^example/,$d' | grep -E '^  ' | grep -oE -- '--[a-z][a-z0-9-]+' |
		sort -u >"$dir/options"
	[ -s "$dir/options" ] || return 1
	while read -r option; do
		grep -qxF -- "$option" "$dir/out" || { echo "no $option"; return 1; }
	done <"$dir/options"
}
for name in urdump urecho urgen urfwd urdns urids urctl urkeep; do
	t "options of $name" all_options "$name"
done
t 'only what begins so' offers 'urids --frag' --fragments
t 'no option of an example' offers 'urdump -k'  ''

commands() {
	local command
	completes 'urctl ' || return 1
	for command in status top bind unbind doctor; do
		[ "$(grep -cx "$command" "$dir/out")" = 1 ] || { echo "$command"; return 1; }
	done
	completes 'urctl bind ' && ! grep -qx doctor "$dir/out" && offers 'urctl unb' unbind
}
t "commands of urctl" commands

t 'one of two values' offers 'urids --fail ' closed open
t 'a value of several options' offers 'urids --fragments p' pass
t 'a number or a word' offers 'urecho --queues ' all
t 'nothing for a number' offers 'urecho --port ' ''

files() {
	mkdir -p "$dir/files" && cd "$dir/files" || return 1
	: >one.zone
	# shellcheck disable=SC2016  # a name that is to stay one
	: >'x$(touch run)'
	offers 'urdns --zone on' one.zone && offers 'urids --rules on' one.zone &&
		offers 'urdump pcap:on' one.zone && offers 'urdump -w on' one.zone &&
		completes 'urids --alerts x' && [ ! -e run ]
}
t 'files' files

devices() {
	local name
	for name in /sys/class/net/*; do
		[ ! -e "$name/device" ] || break
	done
	name=${name##*/}
	completes 'urecho ' || return 1
	grep -qx sim: "$dir/out" && grep -qx pcap: "$dir/out" || return 1
	[ ! -e "/sys/class/net/$name/device" ] || grep -qx "$name" "$dir/out" || return 1
	completes 'urecho --port 7 ' && grep -qx sim: "$dir/out" &&
		completes 'urctl bind ' && ! grep -qx sim: "$dir/out"
}
t 'devices' devices
behind() {
	offers 'urdump sim:gen=udp,' 'udp,count=' && offers 'urdump sim:' gen=udp gen=udp,count= &&
		COMP_WORDBREAKS=' ' offers 'urdump sim:gen=udp,' 'sim:gen=udp,count='
}
t 'behind a colon, and behind "="' behind

t "urkeep's own options" offers 'urkeep --max' --max-restarts
t 'a command of urkeep' offers 'urkeep -- urech' urecho
t 'options of the command' offers 'urkeep -- urecho --watch' --watchdog
t "options of the command, and urkeep's" offers 'urkeep --max-restarts 3 -- urids --fail c' closed

total

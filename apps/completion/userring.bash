# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Completion of urctl, urdump, urecho, urgen, urfwd, urdns, urids and urkeep for bash,
# of which bash-completion(7) loads it by any of these names. It knows no option by
# itself: options, their values and urctl's commands are read from --help.

# _userring_options HELP: the options, a line each.
_userring_options() {
	grep -oE '(^|[] ,[(])-(-[a-z][a-z0-9-]*|[a-zA-Z])\b' <<<"$1" | grep -oE -- '--?[a-zA-Z].*' | sort -u
}

# _userring_value HELP OPTION: what --help has behind an option, or behind the last one
# of "--this, --that VALUE".
_userring_value() {
	sed -nE 's/^/ /; s/.*[] ,[(]'"$2"'((, | )--?[a-zA-Z][a-z0-9-]*)* ([^] ,-][^ ,]*).*/\3/p' <<<"$1" |
		head -n 1
}

# _userring_devices WORD: what an app can be given as DEV.
_userring_devices() {
	local name
	case $1 in
	sim:*) printf '%s\n' sim:gen=udp sim:gen=udp,count= ;;
	pcap:*)
		compgen -f -P pcap: -- "${1#pcap:}"
		;;
	/dev/*) compgen -G '/dev/userring*' ;;
	[0-9]*)
		# Ethernet
		grep -ls '^0x020000' /sys/bus/pci/devices/*/class | cut -d/ -f6
		;;
	*)
		for name in /sys/class/net/*; do
			# those of a bus
			[ ! -e "$name/device" ] || basename "$name"
		done
		[ "$2" = urctl ] || printf '%s\n' sim: pcap:
		;;
	esac
}

# _userring_words PROGRAM WORD PREVIOUS WORD-BEFORE... : what WORD may become.
_userring_words() {
	local program=$1 word=$2 previous=$3 help value name commands given=
	shift 3
	name=$(basename "$program")
	# without the examples, which have options of other programs
	help=$("$program" --help 2>/dev/null | sed '/^example/,$d')

	if [[ $previous == -* ]]; then
		value=$(_userring_value "$help" "$previous")
		case $value in
		*FILE*)
			compgen -f -- "$word"
			return
			;;
		DIR)
			compgen -d -- "$word"
			return
			;;
		DEV*)
			_userring_devices "$word" "$name"
			return
			;;
		*'|'*)
			tr '|' '\n' <<<"$value" | grep -E '^[a-z]+$'
			return
			;;
		[A-Z]*) return ;;
		esac
	fi
	if [[ $word == -* ]]; then
		_userring_options "$help"
		return
	fi
	commands=$(grep -oE '^[a-z: ]*urctl \[?[a-z]+' <<<"$help" | grep -oE '[a-z]+$')
	if [ "$name" = urctl ]; then
		for given; do
			[[ $given != [a-z]* ]] || break
		done
		if [[ ${given:-} != [a-z]* ]]; then
			echo "$commands"
			return
		fi
	fi
	_userring_devices "$word" "$name"
}

_userring() {
	local program=$1 line words word before first=1 last candidate breaks
	COMPREPLY=()
	# by blanks alone: the colon of sim: and of PCI addresses is no border here
	line=${COMP_LINE:0:COMP_POINT}
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	last=$((${#words[@]} - 1))
	word=${words[last]}

	if [ "$(basename "$program")" = urkeep ]; then
		for ((first = 1; first < last; first++)); do
			[ "${words[first]}" != -- ] || break
		done
		if ((first + 1 == last)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
			return
		elif ((first + 1 < last)); then
			program=${words[first + 1]}
			[[ $(complete -p "$(basename "$program")" 2>/dev/null) == *_userring* ]] || {
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
				return
			}
			first=$((first + 2))
		else
			first=1
		fi
	fi
	before=("${words[@]:first:last-first}")
	# not by compgen -W, which would run what stands in the name of a file
	while read -r candidate; do
		[[ $candidate != "$word"* ]] || COMPREPLY+=("$candidate")
	done < <(_userring_words "$program" "$word" "${words[last - 1]}" "${before[@]}")
	# readline has only what stands behind the last of these
	breaks=${COMP_WORDBREAKS//[^:=]/}
	if [[ -n $breaks && $word == *["$breaks"]* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*["$breaks"]}"}"}")
	fi
	# what is no file is not quoted as one
	[[ ! -e ${COMPREPLY[0]:-} ]] || compopt -o filenames 2>/dev/null
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[:=/] ]] || compopt -o nospace 2>/dev/null
}

complete -F _userring urctl urdump urecho urgen urfwd urdns urids urkeep

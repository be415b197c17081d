#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# chart.sh RESULTS.json CHART.svg : instructions a packet at bursts of 128, a panel a NIC.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# data NIC : a line a method
data() {
	# shellcheck disable=SC2016  # variables of jq
	jq -r --arg nic "$1" '
		[.rows[] | select(.nic == $nic and .op != "dns" and .burst == 128 and (.variant | test("bypass|-queue") | not))] as $rows |
		[$rows[] | .method + "\\n" + .variant] | reduce .[] as $n ([]; if index([$n]) then . else . + [$n] end) |
		.[] as $n | [$n] + [("rx", "tx", "fwd") as $op |
			([$rows[] | select(.method + "\\n" + .variant == $n and .op == $op) | .insn] | first // "?")] |
		"\"\(.[0])\" \(.[1]) \(.[2]) \(.[3])"' "$2"
}

panels=0
for nic in e1000e igb; do
	data "$nic" "$1" >"$dir/$nic"
	if [ -s "$dir/$nic" ]; then
		panels=$((panels + 1))
		case $nic in
		e1000e) title='82574L (e1000e), Linux 6.1' ;;
		igb) title='82576 (igb), Linux 7' ;;
		esac
		cat >>"$dir/plots" <<-PLOT
			set title '$title'
			plot '$dir/$nic' using 2:xtic(1) title 'receive', '' using 3 title 'send', \\
				'' using 4 title 'forward'
		PLOT
	fi
done
[ "$panels" != 0 ] || exit 1

gnuplot <<PLOT
set terminal svg size 900,$((panels * 380)) font 'sans,12' background 'white'
set output '$2'
set multiplot layout $panels,1
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set linetype 1 lc rgb '#3465a4'
set linetype 2 lc rgb '#f57900'
set linetype 3 lc rgb '#73a946'
set bmargin 3.5
set logscale y
set yrange [10:30000]
set grid ytics
set key top left horizontal
set ylabel 'instructions a packet (logarithmic)'
$(cat "$dir/plots")
unset multiplot
PLOT

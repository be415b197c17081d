#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# gate.sh EXPECTED.json ROWS.json : fails if a row takes over 5 % more instructions than
# expected, lost packets, or is not expected at all; a row that got better passes and is
# pointed out. One with a timer differs by 5 % from run to run, by how much its visits
# find: it may take 10 % more.
set -eu

# shellcheck disable=SC2016  # variables of jq
jq -nr --slurpfile expected "$1" --slurpfile now "$2" '
	def key: "\(.method) \(.variant) \(.op) \(.burst)";
	# short, and without a call: what the kernel does meanwhile is not theirs
	def cost: if . == null then null elif .op == "empty" or .op == "parse" then .user else .insn end;
	def by_key: [.[0].rows[] | {key: key, value: .}] | from_entries;
	($expected | by_key) as $old | ($now | by_key) as $new |
	[($old + $new) | keys_unsorted[] as $k | ($old[$k] | cost) as $a |
		($new[$k] | cost) as $b |
		[if $b == null then "MISSING"
		 elif $new[$k].lost + $new[$k].wrong > 0 then "LOST"
		 elif $a == null then "NEW"
		 elif $b > $a * (if $k | test(" timer ") then 1.1 else 1.05 end) then "WORSE"
		 elif $b < $a * 0.95 then "better"
		 else "same" end, $k, $a // "-", $b // "-"]] |
	.[] | map(tostring) | join(" ")' |
	awk 'BEGIN { printf "%-8s %-10s %-9s %-6s %5s %10s %10s\n", "", "method", "variant", "op", "burst", "expected", "now" }
		{ printf "%-8s %-10s %-9s %-6s %5s %10s %10s\n", $1, $2, $3, $4, $5, $6, $7 }
		# as a line that whoever runs many tests looks for
		$1 ~ /[A-Z]/ { worse = worse "\nfail     " $0; bad++ }
		END {
			if (bad)
				print substr(worse, 2)
			printf "%d passed, %d failed\n", NR - bad, bad
			exit bad || !NR
		}'

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# docs.sh RESULTS.json PAGE.md : writes the tables of the page anew. Each stands between
# "<!-- bench TABLE NIC -->" and "<!-- end -->".
set -eu
results=$1 page=$2

# table NAME NIC : Markdown
table() {
	# shellcheck disable=SC2016  # variables of jq
	jq -r --arg table "$1" --arg nic "$2" '
		def number: if . == null then "" elif . >= 100 then round
			elif . >= 1 then . * 10 | round / 10 else . * 1000 | round / 1000 end;
		def cell: if . == null then "" else (.insn | number | tostring) +
			if .lost + .wrong > 0 then " !" else "" end end;
		def name: .method + if .variant == "itself" then "" else " (" + .variant + ")" end;
		def line: "| " + join(" | ") + " |";
		def head: line, ("|" + (map("---") | join("|")) + "|");
		def ops: { rx: "receive", tx: "send", fwd: "forward" };
		[.rows[] | select(.nic == $nic and .method != "bench" and
			(.op == "dns") == ($table == "dns") and
			($table == "burst" or (.variant | test("-queue") | not)))] as $rows |
		(reduce ($rows[] | name) as $n ([]; if index([$n]) then . else . + [$n] end)) as $names |
		def at($n; $op; $burst): [$rows[] | select(name == $n and .op == $op and
			(.burst == $burst or $burst == 0))] | first;
		if $table == "packet" then
			(["", "receive", "send", "forward"] | head),
			($names[] as $n | [$n, (("rx", "tx", "fwd") as $op | at($n; $op; 128) | cell)] | line),
			(["the parser by itself", ([.rows[] | select(.op == "parse")] | first | cell), "",
				""] | line)
		elif $table == "burst" then
			(["receive, burst of", "1", "32", "128", "256"] | head),
			($names[] as $n | select(at($n; "rx"; 128)) |
				[$n, ((1, 32, 128, 256) as $b | at($n; "rx"; $b) | cell)] | line)
		elif $table == "inside" then
			(["burst of 128", "", "process", "kernel", "system calls", "interrupts",
				"register accesses"] | head),
			($rows[] | select(.burst == 128) | [name, ops[.op], (.user, .kernel, .syscalls,
				.interrupts, .mmio | number | tostring)] | line)
		elif $table == "sleep" then
			(["", "look, nothing there", "woken by a packet", "asleep, a second"] | head),
			($names[] as $n | select(at($n; "empty"; 0)) |
				[$n, (("empty", "poll", "idle") as $op | at($n; $op; 0) | cell)] | line)
		elif $table == "dns" then
			(["burst of", "1", "32", "128", "of these: process", "kernel", "system calls",
				"interrupts"] | head),
			($names[] as $n | at($n; "dns"; 128) as $row | [($n | sub(" .*"; "")),
				((1, 32, 128) as $b | at($n; "dns"; $b) | cell),
				($row | .user, .kernel, .syscalls, .interrupts | number | tostring)] | line)
		else error("no such table: " + $table) end' "$results"
}

new=$(mktemp)
trap 'rm -f "$new"' EXIT
skip=
while IFS= read -r text; do
	case $text in
	'<!-- end -->') skip= ;;
	esac
	[ -n "$skip" ] || printf '%s\n' "$text" >>"$new"
	case $text in
	'<!-- bench '*' -->')
		read -r _ _ name nic _ <<<"$text"
		table "$name" "$nic" >>"$new"
		skip=y
		;;
	esac
done <"$page"
cat "$new" >"$page"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# table.sh FILE.json : the rows of a run, for a terminal. "!" marks those that lost or
# mixed up packets.
set -eu
{
	echo 'method variant op burst insn user kernel syscalls interrupts registers -'
	jq -r '.rows[] | [.method, .variant, .op, .burst, .insn, .user, .kernel, .syscalls,
		.interrupts, .mmio // "-", if .lost + .wrong > 0 then "!\(.lost)+\(.wrong)" else "-" end]
		| join(" ")' "$1"
} | column -t

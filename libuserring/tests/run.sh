#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh PROGRAM...: runs tests and counts their results, which come as TAP.
# A program that dies, or has fewer results than it planned, failed.
set -u

passed=0
failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for program; do
	name=$(basename "$program")
	# RUN: what runs it, if it is another machine's
	# shellcheck disable=SC2086  # a list of words
	CMOCKA_MESSAGE_OUTPUT=TAP ${RUN:-} "$program" > "$dir/out" 2>&1
	status=$?
	ok=$(grep -c '^ok ' "$dir/out")
	not_ok=$(grep -c '^not ok ' "$dir/out")
	plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$dir/out" |
		awk '{ n += $1 } END { print n + 0 }')
	lost=$((plan - ok - not_ok))
	[ "$lost" -gt 0 ] || lost=0
	# it ended badly without saying which test it was
	if [ "$status" -ne 0 ] && [ $((not_ok + lost)) -eq 0 ]; then
		lost=1
	fi
	if [ "$plan" -eq 0 ] && [ "$lost" -eq 0 ]; then
		lost=1
	fi
	if [ $((not_ok + lost)) -ne 0 ]; then
		cat "$dir/out"
	elif [ -n "${V:-}" ]; then
		grep '^ok ' "$dir/out"
	fi
	echo "$name: $ok passed, $((not_ok + lost)) failed"
	passed=$((passed + ok))
	failed=$((failed + not_ok + lost))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh SCENARIO|all bookworm|trixie|all : what befalls a whole Debian machine, in a
# guest that machine.sh made. Each scenario is a file scenario-NAME.sh, and says there
# what it is. What a run leaves is in build/run/system-SCENARIO-SUITE.*: transcript
# (what the machine was told, and its answers), console-N of the Nth boot, qemu.err.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# It is a folder deeper than those that lib.sh is for.
here=$top/system top=$(dirname "$top")
# shellcheck disable=SC2034  # lib.sh's functions use it
build=$top/build
# shellcheck source=qemu-tests/system/drive.sh
. "$here/drive.sh"

names=$(cd "$here" && printf '%s\n' scenario-*.sh | sed 's/^scenario-//; s/\.sh$//' | xargs)
usage="usage: run.sh SCENARIO|all bookworm|trixie|all, SCENARIO one of: $names"
[ $# = 2 ] || die "$usage"
[ "$1" = all ] || [ -r "$here/scenario-$1.sh" ] || die "$usage"
case $2 in
bookworm | trixie | all) ;;
*) die "$usage" ;;
esac

# All of them: each in a process of its own, one after the other.
run_all() {
	local log passed=0 failed=0 suites=$2 result
	[ "$1" = all ] || names=$1
	[ "$suites" != all ] || suites='bookworm trixie'
	mkdir -p "$build/run"
	log=$(mktemp "$build/run/system.XXXXXX")
	for suite in $suites; do
		for name in $names; do
			say "# $name on $suite"
			"$here/run.sh" "$name" "$suite" >"$log" || echo "# $name on $suite failed" >>"$log"
			# Each has a summary of its own, which is not that of all.
			grep -Ev '^[0-9]+ passed, [0-9]+ failed$' "$log" || true
			result=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1)
			[ -n "$result" ] || result='0 passed, 1 failed'
			read -r p _ f _ <<<"$result"
			passed=$((passed + p)) failed=$((failed + f))
		done
	done
	rm -f "$log"
	say "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}

if [ "$1" = all ] || [ "$2" = all ]; then
	run_all "$1" "$2"
	exit
fi
# shellcheck source=/dev/null
. "$here/scenario-$1.sh"
scenario_begin "$1" "$2"
scenario
scenario_end

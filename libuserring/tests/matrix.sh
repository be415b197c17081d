#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# matrix.sh FOLDER TEST...: builds the library and these tests with each compiler and
# each way to optimise, without a warning, and runs them: a line each, then the count
# of all. QUICK=1: only what differs most.
set -u

dir=$1
shift
tests=$*
passed=0
failed=0

# one NAME MAKE-ARGUMENT... : a build in a folder of its own, and its tests
one() {
	name=$1
	o=$dir/$(echo "$name" | tr -c 'a-zA-Z0-9\n' '-')
	log=$o.log
	shift
	mkdir -p "$dir"
	programs=
	for test in $tests; do
		programs="$programs $o/tests/libuserring/test_$test"
	done
	# what a test has asserted gcc does not see everywhere
	warn='-Wall -Wextra -Werror'
	case $name in
	gcc*) warn="$warn -Wno-maybe-uninitialized" ;;
	esac
	# shellcheck disable=SC2086  # a list of words
	if ! make -s O="$o" SANITIZE= WARN="$warn" "$@" $programs > "$log" 2>&1; then
		ok=0
		bad=1
		grep -E 'error|warning' "$log" | head -n 5
	else
		# shellcheck disable=SC2086  # a list of words
		tests/run.sh $programs >> "$log" 2>&1
		count=$(tail -n 1 "$log")
		ok=${count%% *}
		bad=${count#*, }
		bad=${bad%% *}
		grep -E '^(not ok|#|ERROR)' "$log" | head -n 20
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	echo "$name: $ok passed, $bad failed"
}

for cc in gcc clang; do
	command -v $cc > /dev/null || {
		echo "$cc is not installed"
		failed=$((failed + 1))
		continue
	}
	# a linker that knows the compiler's objects of that kind
	case $cc in
	gcc) lto=-flto ;;
	clang) lto='-flto -fuse-ld=lld -Wno-unused-command-line-argument' ;;
	esac
	one "$cc -O0" CC=$cc CFLAGS='-O0 -g'
	one "$cc -O2 -flto" CC=$cc CFLAGS="-O2 -g $lto"
	[ -z "${QUICK:-}" ] || continue
	one "$cc -O2" CC=$cc CFLAGS='-O2 -g'
	one "$cc -O3" CC=$cc CFLAGS='-O3 -g'
	one "$cc -Os" CC=$cc CFLAGS='-Os -g'
	one "$cc -O3 -flto" CC=$cc CFLAGS="-O3 -g $lto"
done
# as on a CPU without a compare-and-swap of two words
one 'gcc -O2, the depot with a lock' CC=gcc CFLAGS='-O2 -g -DUR_DEPOT_LOCK'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

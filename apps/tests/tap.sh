# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# tap.sh: what run.sh and cases.sh share: they run apps, look at what came of it, and
# count.  BIN and TEST are where apps and test programs are.
set -u
BIN=$(realpath "${BIN:?}") || exit 1
TEST=$(realpath "${TEST:?}") || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

# t NAME COMMAND...: runs a check and counts it.
t() {
	local name=$1
	shift
	if "$@" >"$dir/t.log" 2>&1; then
		passed=$((passed + 1))
		echo "ok - $name"
	else
		failed=$((failed + 1))
		echo "not ok - $name"
		sed 's/^/  | /' "$dir/t.log" "$dir/out" "$dir/err" 2>/dev/null | tail -n 40
	fi
}

# add_counts LINE: "N passed, N failed", the last line of other tests.
add_counts() {
	if [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
	else
		failed=$((failed + 1))
	fi
}

# total: the last line, and the exit status.
total() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}

# app CODE NAME ARGUMENT...: it ends with that code and within a minute.  What
# it writes is in $dir/out and $dir/err.
app() {
	local want=$1 name=$2 code=0
	shift 2
	timeout 60 "$BIN/$name" "$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
	[ "$code" -eq "$want" ] || { echo "$name $*: code $code, not $want"; return 1; }
}

out_has() { grep -qF -- "$1" "$dir/out" || { echo "stdout lacks: $1"; return 1; }; }
err_has() { grep -qF -- "$1" "$dir/err" || { echo "stderr lacks: $1"; return 1; }; }
err_empty() { [ ! -s "$dir/err" ]; }

# thrice COMMAND...: for what a busy machine can spoil.
thrice() { "$@" || "$@" || "$@"; }

# has_written FILE [TEXT]: soon there is something in it, or the text.
has_written() {
	local _
	for _ in $(seq 600); do
		! grep -qF -- "${2:-}" "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "nothing${2:+ of $2} in $1"
	return 1
}

# num KEY: the number behind "KEY" in the last line of JSON.
num() { tail -n 1 "$dir/out" | sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p"; }
is() {
	local have
	have=$(num "$1")
	[ "$have" = "$2" ] || { echo "$1 is $have, not $2"; return 1; }
}
# of KEY: the numbers of both ports, in a line.
of() {
	tail -n 1 "$dir/out" | grep -oE "\"$1\": [0-9.]+" | sed 's/.*: //' | paste -sd' '
}
are() {
	local have
	have=$(of "$1")
	[ "$have" = "$2" ] || { echo "$1 are $have, not $2"; return 1; }
}

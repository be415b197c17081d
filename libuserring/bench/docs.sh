#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# docs.sh RESULTS: writes what stands between the marks of docs/native.md anew, from
# the JSON of a run on this machine.
set -eu

here=$(dirname "$0")
page=$here/../../docs/native.md
new=$(mktemp)
trap 'rm -f "$new"' EXIT

{
	sed '/^<!-- native -->$/q' "$page"
	printf '\n%s CPUs: %s; Linux %s; %s.\n' "$(nproc)" \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		"$(uname -r | cut -d . -f 1,2)" "$(${CC:-cc} --version | head -n 1)"
	jq -r -f "$here/docs.jq" "$1"
	printf '\n'
	sed -n '/^<!-- \/native -->$/,$p' "$page"
} >"$new"
cat "$new" >"$page"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# docs.sh RESULTS: writes what stands between the marks of docs/native.md and
# docs/performance.md anew, from the JSON of a run on this machine.
set -eu

results=$1
here=$(dirname "$0")
new=$(mktemp)
trap 'rm -f "$new"' EXIT

for page in native performance; do
	file=$here/../../docs/$page.md
	{
		sed '/^<!-- native -->$/q' "$file"
		printf '\n%s CPUs: %s; Linux %s; %s.\n\n' "$(nproc)" \
			"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
			"$(uname -r | cut -d . -f 1,2)" \
			"$(${CC:-cc} --version | head -n 1)"
		jq -r --arg page "$page" -f "$here/docs.jq" "$results"
		printf '\n'
		sed -n '/^<!-- \/native -->$/,$p' "$file"
	} >"$new"
	cat "$new" >"$file"
done

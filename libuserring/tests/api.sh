#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# api.sh : each public function has a man page, and each function that a page names is
# public. What a header needs for itself begins with __ur_, and has none.
set -eu

cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for h in include/*.h include/libuserring/*.h; do
	echo "#include \"$h\""
done > "$dir/all.c"
gcc -std=c11 -D_GNU_SOURCE -I. -I../uapi -Iinclude -fsyntax-only \
	-aux-info "$dir/functions" "$dir/all.c"
# "/* file:line:kind */ static inline uint32_t name (arguments); ...": the name is the
# first word that an argument list follows.
sed -n 's|^/\* [^ ]*include/libuserring[^ ]*:[NO][CF] \*/ \([^(]*\) (.*|\1|p' "$dir/functions" |
	sed 's/.*[ *]//' | grep -v '^__ur_' | sort -u > "$dir/public"
# mdoc: .Nm under NAME
for page in ../docs/man/*.3; do
	awk '/^\.Sh/ { name = $2 == "NAME" } name && $1 == ".Nm" { print $2 }' "$page"
done | grep -vx -e ur_sim -e ur_pcap | sort > "$dir/pages"
status=0
# "<": a function without a page; ">": a page without a function, or two of them
diff "$dir/public" "$dir/pages" || status=1
if grep -v '^ur_' "$dir/public"; then
	echo 'these public functions do not begin with ur_'
	status=1
fi
[ -s "$dir/public" ] || status=1
exit $status

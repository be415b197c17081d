#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# symbols.sh LIBRARY MAP: the library exports what its map lists, no more and
# no less, and that is what the headers declare and do not define.
set -eu

cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort > "$dir/exported"
sed -n 's/^[[:space:]]*\(_*ur_[a-z0-9_]*\);$/\1/p' "$2" | sort > "$dir/map"
for h in include/*.h include/libuserring/*.h; do
	echo "#include \"$h\""
done > "$dir/all.c"
gcc -std=c11 -D_GNU_SOURCE -I. -I../uapi -Iinclude -fsyntax-only \
	-aux-info "$dir/functions" "$dir/all.c"
sed -n 's|^/\* [^ ]*include/libuserring[^ ]*:NC \*/ extern .*[ *]\(_*ur_[a-z0-9_]*\) (.*|\1|p' \
	"$dir/functions" | sort -u > "$dir/declared"
status=0
diff -u "$dir/map" "$dir/exported" || status=1
diff -u "$dir/declared" "$dir/exported" || status=1
exit $status

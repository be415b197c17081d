#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# deb.sh [--copy FOLDER] : builds the Debian packages into build/deb, from a copy of the
# files that git knows, as they are now. Installs nothing: it says what is missing.
# --copy only makes the copy, for those who build it elsewhere.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

copy() {
	mkdir -p "$1"
	if [ -e "$top/.git" ]; then
		(cd "$top" && git ls-files -z | while IFS= read -r -d '' file; do
			# not what was removed, and is not committed yet
			if [ -e "$file" ] || [ -L "$file" ]; then
				printf '%s\0' "$file"
			fi
		done | tar --null -T - -cf -)
	else
		tar -C "$top" --exclude=./build --exclude='./build-*' -cf - .
	fi | tar -xf - -C "$1"
}

if [ "${1:-}" = --copy ]; then
	copy "${2:?a folder}"
	exit
fi

command -v dpkg-buildpackage >/dev/null || die 'dpkg-buildpackage is missing: sudo apt install dpkg-dev'
version=$(cat "$top/VERSION")
out=$build/deb
rm -rf "$out"
copy "$out/tree/userring-$version"
cd "$out/tree/userring-$version"
missing=$(dpkg-checkbuilddeps 2>&1 | sed -n 's/.*Unmet build dependencies: //p')
[ -z "$missing" ] || die "cannot build the packages without: $missing; type: sudo apt build-dep $top"

say "building the packages of $version ..."
dpkg-buildpackage -us -uc -j"$(nproc)" >"$out/log" 2>&1 </dev/null || {
	tail -n 40 "$out/log"
	die "the packages were not built (log: $out/log)"
}
cd "$out"
find tree -maxdepth 1 -type f -exec mv -t . {} +
rm -rf tree
ls -- *.deb

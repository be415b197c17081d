#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make.sh [--check] : makes each NAME.svg here from NAME.dot, by Graphviz, and makes it legible
# on a light and on a dark background. --check, which needs no Graphviz, only says whether one
# has to be made again.
set -eu
cd "$(dirname "$0")"

die() {
	echo "$*" >&2
	exit 1
}

hash_of() { sha256sum "$1" | cut -d ' ' -f 1; }

made_from() { echo "<!-- made from $1, sha256 $(hash_of "$1") -->"; }

check() {
	for dot in *.dot; do
		grep -qsxF -e "$(made_from "$dot")" "${dot%.dot}.svg" ||
			die "docs/pictures/${dot%.dot}.svg was not made from the present $dot: type 'make pictures'"
	done
}

# themed DOT-FILE : what dot made, with the colours of text and lines left to the reader's theme.
# A unit of dot's becomes a pixel.
themed() {
	sed -e '/^<!DOCTYPE/d' -e '/^ "http:.*dtd">$/d' -e '/^<!--/d' -e '/^ -->$/d' \
		-e 's/<title>.*<\/title>//' -e '/^$/d' -e '/fill="none" stroke="transparent"/d' -e 's/"transparent"/"none"/g' \
		-e 's/"black"/"currentColor"/g' \
		-e '/^<svg /s/\(width\|height\)="\([0-9]*\)pt"/\1="\2"/g' \
		-e '/^ viewBox=/a\
<style>svg{color:#1f2328} text{fill:currentColor} @media (prefers-color-scheme:dark){svg{color:#e6edf3}}</style>' \
		-e "1a\\
<!-- SPDX-License-Identifier: GPL-2.0-only -->\\
$(made_from "$1")"
}

case ${1:-} in
--check)
	check
	exit
	;;
'') ;;
*) die "make.sh has no option but --check" ;;
esac

command -v dot >/dev/null ||
	die "Graphviz makes the pictures, and is not installed: apt-get install --no-install-recommends graphviz"
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for dot in *.dot; do
	svg=${dot%.dot}.svg
	dot -Tsvg "$dot" >"$new/raw"
	themed "$dot" <"$new/raw" >"$new/svg"
	width=$(sed -n 's/^<svg width="\([0-9]*\)".*/\1/p' "$new/svg")
	[ "${width:-901}" -le 900 ] || die "$svg would be $width wide: 900 at most"
	cat "$new/svg" >"$svg"
	echo "docs/pictures/$svg"
done

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# words.sh : looks for the words of docs/words.txt where users read, and says what to write
# instead.
set -eu
cd "$(dirname "$0")/.."

texts=$(git ls-files -- '*.md' docs/man uapi libuserring/include debian/README.Debian |
	grep -v -e '^docs/glossary.md$' -e '^CHANGELOG.md$')
found=0 lines=0
while IFS="$(printf '\t')" read -r words instead; do
	case $words in '#'* | '') continue ;; esac
	lines=$((lines + 1))
	# shellcheck disable=SC2086  # a list of paths
	# nobody.example.org is a name that the demo asks for
	if grep -HniwE -e "$words" $texts | grep -v -F nobody.example.org; then
		echo "  write: $instead"
		found=$((found + 1))
	fi
done <docs/words.txt
[ "$lines" -gt 0 ] || {
	echo 'docs/words.txt has no words'
	exit 1
}
[ "$found" = 0 ] || {
	echo "$found of $lines lines of docs/words.txt were found"
	exit 1
}
echo "none of $lines lines of docs/words.txt was found in $(echo "$texts" | wc -l) texts"

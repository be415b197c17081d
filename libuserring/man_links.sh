#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# man_links.sh PAGES [FOLDER]: a function that is described on the page of another one
# has a page in FOLDER that includes it. Without FOLDER it only says which, in the form
# FUNCTION.3.OF, where OF is the function whose page it is.
set -eu

# A page names its functions by .Nm under NAME and by .Fn under SYNOPSIS (mdoc(7)).
names() {
	awk '
		/^\.Sh/ { section = $2 }
		section == "NAME" && $1 == ".Nm" { print $2 }
		section == "SYNOPSIS" && $1 == ".Fn" { print $2 }' "$1" | grep '^ur_' | sort -u
}

for page in "$1"/*.3; do
	of=$(basename "$page" .3)
	for name in $(names "$page"); do
		[ ! -e "$1/$name.3" ] || continue
		if [ $# -gt 1 ]; then
			echo ".so man3/$of.3" >"$2/$name.3"
		else
			echo "$name.3.$of"
		fi
	done
done

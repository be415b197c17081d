# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Read by the scripts of this folder (". lib.sh"); it only defines names.

# shellcheck disable=SC2034  # used by those who read this file
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034
build=$top/build

# Flags of a make above us are not meant for ours: -s would hide whether sparse ran.
unset MAKEFLAGS MFLAGS

say() { printf '%s\n' "$*"; }

die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root for: $*"
	fi
}

# The Debian mirror this machine is set up with; all suites are taken from it.
# The slash at its end goes, because some mirrors refuse a double one.
debian_mirror() {
	# shellcheck disable=SC2016  # apt's own format fields
	apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' |
		awk '$1 == "bookworm" && $2 == "main" { sub("/$", "", $3); print $3; exit }'
}

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

# unpack ROOT PACKAGE... : ROOT anew, of the packages alone: nothing is installed, so
# that no service starts.
unpack() {
	root=$1
	shift
	work=$(mktemp -d "$build/roots/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# apt's own user may not write there; that is all it warns of
	chmod 755 "$work"
	(cd "$work" && apt-get -qq download "$@" 2>/dev/null) || {
		as_root apt-get -qq update >&2
		(cd "$work" && apt-get -qq download "$@" 2>/dev/null)
	} || die "apt has not all of these packages: $*"
	rm -rf "$root"
	for package in "$work"/*.deb; do
		dpkg -x "$package" "$work/root"
	done
	mv "$work/root" "$root"
}

# make_root SUITE ROOT OPTION... : ROOT anew, by mmdebstrap with these options. From
# the suite's backports comes only what --include names so: PACKAGE/SUITE-backports.
make_root() {
	suite=$1 root=$2
	shift 2
	"$top/qemu-tests/need.sh" check >&2
	mirror=$(debian_mirror)
	if [ -z "$mirror" ]; then
		as_root apt-get -qq update >&2
		mirror=$(debian_mirror)
	fi
	[ -n "$mirror" ] || die 'found no Debian mirror in the configuration of apt'

	# A mirror, or a pipe of mmdebstrap's, may fail once.
	fill_root "$@" || {
		say 'this did not work; once again ...' >&2
		fill_root "$@"
	}
}

# Of suite, root and mirror.
fill_root() {
	as_root rm -rf "$root"
	# The machine's own apt options (proxy, checks of dates) hold for the root.
	as_root mmdebstrap --quiet --mode=root --format=directory \
		--aptopt="APT::Install-Recommends \"false\";
			$(apt-config dump --format '%F "%v";%n' |
				grep -E '^Acquire::(Check|http|https)')" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$@" "$suite" "$root" \
		"deb $mirror $suite main" "deb $mirror $suite-backports main" </dev/null >&2
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Read by the scripts of this folder (". lib.sh"); it only defines names.

# shellcheck disable=SC2034  # used by those who read this file
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034
build=$top/build

# ---- the suites of Debian ----

# This machine's suite, and what differs from one to the other:
# own_kernel	the series of the suite's own kernel (kernel.sh)
# llvm		the version of its clang
# libevent, knot_libraries	packages whose names have a version
# shellcheck disable=SC1091,SC2034,SC2154
host_suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME-}") || host_suite=
# shellcheck disable=SC2034
case $host_suite in
bookworm)
	own_kernel=6.1 llvm=14 libevent=libevent-2.1-7
	knot_libraries='libknot13 libdnssec9 libzscanner4 liburcu8'
	;;
trixie)
	own_kernel=6.12 llvm=19 libevent=libevent-2.1-7t64
	knot_libraries='libknot15 libdnssec9t64 libzscanner4t64 liburcu8t64'
	;;
*) own_kernel= ;;
esac

# known_suite : for whatever asks apt for packages by name.
known_suite() {
	[ -z "$own_kernel" ] || return 0
	# shellcheck disable=SC1091
	system=$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME-}") || system='another system'
	die "works on Debian 12 (bookworm) and 13 (trixie), and this machine has $system"
}

# kernel_name NAME : of a kernel; "own" is that of this machine's suite.
kernel_name() {
	[ "$1" != own ] || {
		known_suite
		set -- "$own_kernel"
	}
	echo "$1"
}

# The source of 6.1, as Debian packages it: the test harness, checkpatch, and what
# the debug kernel is built from. It comes with kernel 6.1's root where this suite has
# another one.
source_package=linux-source-6.1
# shellcheck disable=SC2034
source_archive=/usr/src/$source_package.tar.xz
# shellcheck disable=SC2034
[ "$own_kernel" = 6.1 ] || source_archive=$build/roots/6.1$source_archive

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

# The Debian mirror this machine is set up with; all suites are taken from it. It is
# the one that has this machine's own suite, or else any suite of Debian's main archive:
# what apt knows of others and of security updates has another origin or label. With
# Debian-Security as an argument: where those are, or nothing.
# The slash at its end goes, because some mirrors refuse a double one; a list of mirrors
# is not for the inside of a root.
debian_mirror() {
	# shellcheck disable=SC2016  # apt's own format fields
	found=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(CODENAME)|$(REPO_URI)' \
		'Created-By: Packages' | awk -F '|' -v suite="$host_suite" -v label="${1-Debian}" '
			$1 != "Debian" || $2 != label || $3 != "main" || $5 !~ /^(https?|mirror[+]file):/ { next }
			!best || $4 == suite && !own { best = $5; own = $4 == suite }
			END { sub("/$", "", best); print best }')
	case $found in
	mirror+file:*)
		awk '/^[^#]/ { sub("/$", "", $1); print $1; exit }' "/${found#mirror+file:*/}"
		;;
	*) echo "$found" ;;
	esac
}

# security_of SUITE : the line of its security updates, of the archive that this machine
# has its own from; nothing if it has none.
security_of() {
	security=$(debian_mirror Debian-Security)
	[ -z "$security" ] || echo "deb $security $1-security main"
}

# mirror_or_die : the mirror, of updated lists if need be, into "mirror".
mirror_or_die() {
	mirror=$(debian_mirror)
	if [ -z "$mirror" ]; then
		as_root apt-get -qq update >&2
		mirror=$(debian_mirror)
	fi
	[ -n "$mirror" ] || die 'found no Debian mirror in the configuration of apt'
}

# The machine's own apt options (proxy, checks of dates) hold for a root, too.
apt_options() { apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::(Check|http|https)' || true; }

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
# the suite's backports comes only what --include names so: PACKAGE/SUITE-backports. More
# sources are in "more_sources".
make_root() {
	suite=$1 root=$2
	shift 2
	"$top/qemu-tests/need.sh" check >&2
	mirror_or_die

	# A mirror, or a pipe of mmdebstrap's, may fail once.
	fill_root "$@" || {
		say 'this did not work; once again ...' >&2
		fill_root "$@"
	}
}

# Of suite, root and mirror.
fill_root() {
	as_root rm -rf "$root"
	as_root mmdebstrap --quiet --mode=root --format=directory \
		--aptopt="APT::Install-Recommends \"false\"; $(apt_options)" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$@" "$suite" "$root" \
		"deb $mirror $suite main" "deb $mirror $suite-backports main" \
		${more_sources:+"$more_sources"} </dev/null >&2
}

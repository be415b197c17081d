#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# nsd.sh : fetches NSD, the DNS server that urdns is compared with, and prints
# the command that runs it. It is unpacked into build/roots/nsd and not installed:
# an installation would start it as a service.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

root=$build/roots/nsd
mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-nsd"
flock 9

if [ ! -x "$root/usr/sbin/nsd" ]; then
	work=$(mktemp -d "$build/roots/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# apt's own user may not write there; that is all it warns of
	chmod 755 "$work"
	fetch() { (cd "$work" && apt-get -qq download nsd 2>/dev/null); }
	fetch || { as_root apt-get -qq update >&2 && fetch; } || die 'apt has no package nsd'
	rm -rf "$root"
	dpkg -x "$work"/nsd_*.deb "$work/root"
	mv "$work/root" "$root"
fi
"$root/usr/sbin/nsd" -v >/dev/null 2>&1 || die "$root/usr/sbin/nsd does not run"
echo "$root/usr/sbin/nsd"

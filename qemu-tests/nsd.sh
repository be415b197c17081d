#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# nsd.sh : fetches NSD, the DNS server that urdns is compared with, and prints
# the command that runs it. It is unpacked into build/roots/nsd and not installed.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

root=$build/roots/nsd
mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-nsd"
flock 9

[ -x "$root/usr/sbin/nsd" ] || unpack "$root" nsd
"$root/usr/sbin/nsd" -v >/dev/null 2>&1 || die "$root/usr/sbin/nsd does not run"
echo "$root/usr/sbin/nsd"

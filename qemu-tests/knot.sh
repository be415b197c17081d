#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# knot.sh : fetches Knot DNS, which urdns is measured beside, and prints the folder
# it is unpacked in, build/roots/knot. It is not installed: an installation would start
# it as a service.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

known_suite
# What it needs and few machines have.
needs="$knot_libraries libcap-ng0 liblmdb0 libedit2 libbsd0"
root=$build/roots/knot
mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-knot"
flock 9

# shellcheck disable=SC2086  # a list of words
[ -x "$root/usr/sbin/knotd" ] || unpack "$root" knot $needs
LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu) "$root/usr/sbin/knotd" -V >/dev/null 2>&1 ||
	die "$root/usr/sbin/knotd does not run"
echo "$root"

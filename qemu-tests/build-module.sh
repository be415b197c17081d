#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build-module.sh NAME [MAKE ARGUMENTS] : builds the module for the kernel NAME
# (see kernel.sh; "running": this machine's own), with W=1, from a copy in
# build/module/NAME/, and fails on any warning of ours. For sparse: build-module.sh 6.1 C=2 CF=-D__CHECK_ENDIAN__
# MODULE_SOURCE in the environment names another folder with a Kbuild.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || die 'usage: build-module.sh NAME [MAKE ARGUMENTS]'
name=$1
shift
source=${MODULE_SOURCE-$top}
[ -e "$source/Kbuild" ] || die "there is no $source/Kbuild"

if [ "$name" = running ]; then
	version=$(uname -r)
	headers=/lib/modules/$version/build
	root=/
	[ -e "$headers/Makefile" ] ||
		die "no headers of the running kernel: type apt install linux-headers-$version"
else
	name=$(kernel_name "$name")
	"$top/qemu-tests/kernel.sh" "$name"
	kernel=$build/kernels/$name
	version=$(cat "$kernel/version")
	headers=/usr/src/linux-headers-$version
	[ ! -e "$kernel/headers" ] || headers=$kernel/headers
	root=$(readlink "$kernel/root")
fi
out=$build/module/$name
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9

# Kept between builds, times preserved, so that make does only what is needed.
copy=$out/tree
if [ "$root" = / ]; then
	work=$copy
	set -- make "$@"
else
	# The checkout's own copy, seen under a name that the root shares with other
	# checkouts; objtool wants /proc.  The mounts go with their name space.
	work=/userring
	as_root mkdir -p "$root$work"
	# shellcheck disable=SC2016  # for the inner shell
	set -- as_root unshare -m sh -c 'mount --bind /proc "$0/proc" &&
		mount --bind "$1" "$0$2" && shift 2 && exec chroot "$0" "$@"' \
		"$root" "$copy" "$work" make "$@"
fi
mkdir -p "$copy"
for part in Kbuild driver ring uapi; do
	[ ! -e "$source/$part" ] || cp -pR "$source/$part" "$copy/"
done

say "building the module for $version ..."
status=0
"$@" -C "$headers" "M=$work" W=1 modules \
	>"$out/log" 2>&1 </dev/null || status=$?

# sparse has much to say about the kernel's headers; lines that begin with one
# of their paths are not ours.
grep -iE 'warning:|error:' "$out/log" >"$out/complaints" || true
grep -E '^([^: ]*/usr/src/[^:]*|\./)?/?(include|arch)/' "$out/complaints" >"$out/foreign" || true
grep -vE '^([^: ]*/usr/src/[^:]*|\./)?/?(include|arch)/' "$out/complaints" >"$out/ours" || true
if [ -s "$out/foreign" ]; then
	say "not counted: $(wc -l <"$out/foreign") complaints about the kernel's own headers"
fi
# Newer kernels only mention it when they find no sparse to their taste.
case " $* " in
*' C=2 '*)
	if ! grep -q '^ *CHECK ' "$out/log"; then
		echo 'error: sparse did not run' >>"$out/ours"
	fi
	;;
esac
if [ "$status" != 0 ] || [ -s "$out/ours" ]; then
	cat "$out/log" "$out/ours"
	# make would not repeat the warnings about what it has built.
	as_root rm -rf "$copy"
	die "errors or warnings on $version (log: $out/log)"
fi
cp "$copy"/*.ko "$out/"

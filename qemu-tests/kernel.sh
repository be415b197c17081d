#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kernel.sh NAME : fetches one of Debian's kernels, to build for and to boot, or
# builds one. A name means the same kernel on each suite of Debian:
#   6.1   of bookworm
#   6.12  of trixie, or on bookworm of its backports
#   7     of trixie-backports
#   dbg   one that looks for faults, built by debug-kernel.sh
#   own   6.1 on bookworm, 6.12 on trixie
# The machine's own is built for with its compiler, the others with headers, compiler
# and C library of their own in a root, because their build tools do not run here.
#
# Leaves in build/kernels/NAME: version, vmlinuz, lib/modules/VERSION (image
# package), root -> the root to build in ("/" for own and dbg), and of these two
# headers. Nothing is installed on the host. All of it is kept; remove the folder
# to fetch anew.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

known_suite
name=$(kernel_name "${1-}")
suite='' pocket='' source=''
case $name in
"$own_kernel" | dbg) ;;
6.1) suite=bookworm source=,$source_package ;;
6.12) suite=bookworm pocket=-backports ;;
7) suite=trixie pocket=-backports ;;
*) die 'usage: kernel.sh 6.1|6.12|7|dbg|own' ;;
esac

dir=$build/kernels/$name
root=$build/roots/$name
mkdir -p "$build/kernels" "$build/roots"
exec 9>"$build/kernels/.lock-$name"
flock 9

# newest_plain : of the versions on stdin, without those of -cloud and -rt kernels.
newest_plain() { grep -E '^[0-9][^-]*(-[0-9][^-]*)?-amd64$' | sort -V | tail -n 1; }

# unpack_image FOLDER-OF-DEBS ROOT
unpack_image() {
	rm -rf "$dir"
	mkdir -p "$dir"
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$dir" --keep-directory-symlink --exclude=./usr/share
	done
	# Newer packages have usr/lib/modules, and some the kernel itself in it.
	if [ -d "$dir/usr/lib/modules" ]; then
		mkdir -p "$dir/lib"
		mv "$dir/usr/lib/modules" "$dir/lib/"
	fi
	vmlinuz=
	for place in "boot/vmlinuz-$version" "lib/modules/$version/vmlinuz"; do
		[ ! -f "$dir/$place" ] || vmlinuz=$place
	done
	[ -n "$vmlinuz" ] || die "the packages of linux-image-$version have no vmlinuz: $(ls "$1")"
	ln -s "$vmlinuz" "$dir/vmlinuz"
	depmod -b "$dir" "$version"
	ln -s "$2" "$dir/root"
}

# is_complete : last, because that file is the sign of it.
is_complete() { echo "$version" >"$dir/version"; }

# fetch_script FILE : writes a script that downloads into its folder the packages of
# linux-image-VERSION, and those named behind it. Newer kernels are split over several.
fetch_script() {
	cat >"$1" <<-'HOOK'
		#!/bin/sh
		set -eu
		cd "$(dirname "$0")"
		version=$1
		shift
		for part in image base binary modules; do
			[ -z "$(apt-cache pkgnames "linux-$part-$version" | grep -Fx "linux-$part-$version")" ] ||
				set -- "$@" "linux-$part-$version"
		done
		if [ "$(id -u)" = 0 ]; then
			exec apt-get -qq -o APT::Sandbox::User=root download "$@"
		fi
		exec apt-get -qq download "$@"
	HOOK
	chmod +x "$1"
}

# fetch_own : the image and the headers, of one version, into $work.
fetch_own() {
	version=$(apt-cache pkgnames "linux-headers-$own_kernel." | sed 's/^linux-headers-//' | newest_plain)
	[ -n "$version" ] || return 1
	# Their common part, and the tools that the build runs.
	# shellcheck disable=SC2046  # a list of words
	"$work/fetch" "$version" "linux-headers-$version" $(apt-cache depends "linux-headers-$version" |
		sed -nE 's/^ *Depends: (linux-(headers|kbuild)-.*)/\1/p') >&2
}

# Installed, the headers of newer suites bring a kernel and an initrd for this machine.
# They are unpacked beside the image instead, where they find each other but for a line.
own_kernel_and_headers() {
	if [ -r "$dir/version" ] && [ -e "$dir/headers" ]; then
		return
	fi
	"$top/qemu-tests/need.sh" build
	work=$(mktemp -d "$build/kernels/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	fetch_script "$work/fetch"
	say "fetching linux-image and linux-headers of $own_kernel ..."
	fetch_own 2>/dev/null || {
		say 'the package lists do not have them, or older ones; updating these ...'
		as_root apt-get -qq update >&2
		fetch_own
	}
	unpack_image "$work" /
	headers=usr/src/linux-headers-$version
	sed -i 's,^include /usr/src/,include ../,' "$dir/$headers/Makefile"
	# Some have the kernel's types for BTF, which would take pahole, and no test asks for.
	rm -f "$dir/$headers/vmlinux"
	ln -s "$headers" "$dir/headers"
	is_complete
}

root_kernel() {
	if [ -r "$dir/version" ]; then
		return
	fi
	work=$(mktemp -d "$build/roots/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# The hook runs apt outside of the root with the root's package lists. The
	# version of the image follows from the headers that were just installed.
	fetch_script "$work/fetch"
	cat >"$work/hook" <<-'HOOK'
		#!/bin/sh
		set -eu
		export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
		exec "$(dirname "$0")/fetch" "$(find "$1/usr/src" -name 'linux-headers-*-amd64' \
			-printf '%f\n' | sed 's/^linux-headers-//')"
	HOOK
	chmod +x "$work/hook"
	say "making a root of $suite with the headers of $suite$pocket ..."
	# What a machine of that suite runs is the kernel with its security updates.
	# shellcheck disable=SC2034  # for make_root
	[ -n "$pocket" ] || more_sources=$(security_of "$suite")
	# Newer headers bring an image, whose initrd would be made twice, in a minute each.
	INITRD=No make_root "$suite" "$root" --variant=essential --dpkgopt=force-unsafe-io \
		--include="make,gcc,libc6-dev,kmod,sparse,linux-headers-amd64${pocket:+/$suite$pocket}$source" \
		--customize-hook="$work/hook"
	version=$(find "$root/usr/src" -maxdepth 1 -name 'linux-headers-*-amd64' -printf '%f\n' |
		sed 's/^linux-headers-//' | newest_plain)
	say "unpacking linux-image-$version ..."
	unpack_image "$work" "$root"
	is_complete
}

debug_kernel() {
	built=$("$top/qemu-tests/debug-kernel.sh")
	if [ -r "$dir/version" ] && [ "$(readlink "$dir/headers")" = "$built/headers" ]; then
		return
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	# Copies, because a guest may need them when the cache has newer ones.
	cp -a "$built/vmlinuz" "$built/lib" "$dir/"
	ln -s "$built/headers" "$dir/headers"
	ln -s / "$dir/root"
	cp "$built/version" "$dir/version"
}

if [ "$name" = dbg ]; then
	debug_kernel
elif [ -n "$suite" ]; then
	root_kernel
else
	own_kernel_and_headers
fi

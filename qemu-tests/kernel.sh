#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kernel.sh NAME : fetches one of Debian's kernels, to build for and to boot.
#   6.1   this Debian's own; built for with the host's compiler and headers
#   6.12  from bookworm-backports; 7 from trixie-backports: both with headers,
#         compiler and C library of their own in a root, because their build
#         tools do not run on a plain bookworm
#
# Leaves in build/kernels/NAME: version, vmlinuz, lib/modules/VERSION (image
# package), and root -> the root to build in ("/" for 6.1). Nothing is installed
# on the host. All of it is kept; remove the folder to fetch anew.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

name=${1-}
case $name in
6.1) suite= ;;
6.12) suite=bookworm ;;
7) suite=trixie ;;
*) die 'usage: kernel.sh 6.1|6.12|7' ;;
esac

dir=$build/kernels/$name
root=$build/roots/$name
mkdir -p "$build/kernels" "$build/roots"
exec 9>"$build/kernels/.lock-$name"
flock 9

# The newest version for which headers lie in a root's /usr/src.
headers_version() {
	find "$1/usr/src" -maxdepth 1 -name 'linux-headers-*-amd64' \
		-printf '%f\n' 2>/dev/null | sed 's/^linux-headers-//' | sort -V | tail -1
}

# unpack_image FOLDER-OF-DEBS ROOT
unpack_image() {
	rm -rf "$dir"
	mkdir -p "$dir"
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$dir" --keep-directory-symlink --exclude=./usr/share
	done
	# Newer packages have usr/lib/modules, with the kernel itself in it.
	if [ -d "$dir/usr/lib/modules" ]; then
		mkdir -p "$dir/lib"
		mv "$dir/usr/lib/modules" "$dir/lib/"
		ln -s "lib/modules/$version/vmlinuz" "$dir/vmlinuz"
	else
		ln -s "boot/vmlinuz-$version" "$dir/vmlinuz"
	fi
	depmod -b "$dir" "$version"
	ln -s "$2" "$dir/root"
	# Last, because it is the sign of a complete folder.
	echo "$version" >"$dir/version"
}

# The image must be of the very version of the headers: a module built for
# another one is refused at load.
host_kernel() {
	"$top/qemu-tests/need.sh" build
	version=$(headers_version /)
	if [ -r "$dir/version" ] && [ "$(cat "$dir/version")" = "$version" ]; then
		return
	fi
	debs=$(mktemp -d "$build/kernels/debs.XXXXXX")
	trap 'rm -rf "$debs"' EXIT
	say "fetching linux-image-$version ..."
	if ! (cd "$debs" && apt-get -qq download "linux-image-$version" 2>/dev/null); then
		say 'it is not in the package lists; updating these and the headers ...'
		as_root apt-get -qq update
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
			--no-install-recommends -o Dpkg::Use-Pty=0 \
			install linux-headers-amd64 </dev/null >/dev/null
		version=$(headers_version /)
		(cd "$debs" && apt-get -qq download "linux-image-$version")
	fi
	unpack_image "$debs" /
}

backports_kernel() {
	if [ -r "$dir/version" ]; then
		return
	fi
	work=$(mktemp -d "$build/roots/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# The hook runs apt outside of the root with the root's package lists. The
	# name of the image follows from the headers that were just installed; newer
	# kernels are split over several packages.
	cat >"$work/fetch" <<-'HOOK'
		#!/bin/sh
		set -eu
		cd "$(dirname "$0")"
		export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
		version=$(find "$1/usr/src" -name 'linux-headers-*-amd64' -printf '%f\n' |
			sed 's/^linux-headers-//')
		for part in image base binary modules; do
			if apt-cache show "linux-$part-$version" >/dev/null 2>&1; then
				apt-get -qq -o APT::Sandbox::User=root \
					download "linux-$part-$version"
			fi
		done
	HOOK
	chmod +x "$work/fetch"
	say "making a root of $suite with the headers of $suite-backports ..."
	make_root "$suite" "$root" --variant=essential --dpkgopt=force-unsafe-io \
		--include="make,gcc,libc6-dev,kmod,sparse,linux-headers-amd64/$suite-backports" \
		--customize-hook="$work/fetch"
	version=$(headers_version "$root")
	say "unpacking linux-image-$version ..."
	unpack_image "$work" "$root"
}

if [ -n "$suite" ]; then
	backports_kernel
else
	host_kernel
fi

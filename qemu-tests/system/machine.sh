#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# machine.sh bookworm|trixie : makes the disk of a whole Debian machine: systemd,
# udev, sudo, an ordinary user, a compiler, and two kernels with their headers, the
# suite's own and that of its backports. Prints the folder that has it:
#   disk      the file system of the root, ext4, never written to by a guest
#   kernels   the versions of the kernels, a line each; the suite's own is first
#   vmlinuz-VERSION, initrd-VERSION
#   root/     what the disk was made from, to build in
# It is kept in build/roots and made anew when what it is made of changes.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# It is a folder deeper than those that lib.sh is for.
here=$top/system top=$(dirname "$top")
build=$top/build

suite=${1-}
case $suite in
bookworm | trixie) ;;
*) die 'usage: machine.sh bookworm|trixie' ;;
esac
dir=$build/roots/system-$suite

# What README's quick start installs; the guest has no way to a mirror.
packages=make,gcc,libpcap-dev,libck-dev,libknot-dev,libvectorscan-dev,libc6-dev,pkg-config
packages=$packages,systemd,systemd-sysv,udev,dbus,sudo,kmod,iproute2,ethtool,procps,iputils-ping
packages=$packages,bind9-dnsutils,initramfs-tools,zstd,dkms,linux-image-amd64,linux-headers-amd64
# Secure Boot: the boot loaders that are signed, and the tool for an owner's key
packages=$packages,shim-signed,grub-efi-amd64-signed,mokutil,openssl

key=$({
	echo "$packages"
	cat "$0" "$here/image.sh" "$here"/guest/*
} | sha256sum | cut -c 1-16)

mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-system-$suite"
flock 9

# Room for what the scenarios build and install.
make_disk() {
	local size
	size=$(as_root du -sm "$dir/root" | cut -f 1)
	as_root mkfs.ext4 -q -F -L root -E root_owner=0:0 -d "$dir/root" "$dir/disk" "$((size * 5 / 4 + 2048))M"
}

take_kernels() {
	local version
	for version in $(cd "$dir/root/boot" && printf '%s\n' vmlinuz-* | sed 's/^vmlinuz-//' | sort -V); do
		as_root install -m 644 "$dir/root/boot/vmlinuz-$version" "$dir/vmlinuz-$version"
		as_root install -m 644 "$dir/root/boot/initrd.img-$version" "$dir/initrd-$version"
		echo "$version"
	done >"$dir/kernels.new"
	[ "$(wc -l <"$dir/kernels.new")" = 2 ] ||
		die "not two kernels in $dir/root/boot, but: $(xargs <"$dir/kernels.new")"
	mv "$dir/kernels.new" "$dir/kernels"
}

if [ "$(cat "$dir/key" 2>/dev/null)" != "$key" ]; then
	say "making a machine of $suite, of the mirror's packages ..." >&2
	as_root rm -rf "$dir"
	mkdir -p "$dir"
	make_root "$suite" "$dir/root" --variant=minbase --dpkgopt=force-unsafe-io \
		--include="$packages" --setup-hook="$here/image.sh early \"\$1\"" \
		--customize-hook="$here/image.sh late \"\$1\" $suite" >&2
	take_kernels
	make_disk >&2
	# Last, because it is the sign of a complete folder.
	echo "$key" >"$dir/key"
fi
echo "$dir"

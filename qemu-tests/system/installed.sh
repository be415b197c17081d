#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# installed.sh MACHINE PACKAGES DISK : the disk of a machine (its folder, of machine.sh)
# with these packages installed. apt and DKMS run in its root on this machine, because
# an emulated CPU needs ten times as long; the scenario "packages" has them run in the
# guest.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# It is a folder deeper than those that lib.sh is for.
build=$(dirname "$top")/build

[ $# = 3 ] || die 'usage: installed.sh MACHINE PACKAGES DISK'
mkdir -p "$build/system"
work=$(mktemp -d "$build/system/work.XXXXXX")
trap 'as_root rm -rf "$work"' EXIT
mkdir "$work/changes" "$work/work" "$work/root"

# In name spaces of their own: mounts and what dpkg may start end with them.
# shellcheck disable=SC2016  # for the inner shell
as_root unshare --mount --pid --net --fork --kill-child sh -euc '
	machine=$1 packages=$2 disk=$3 work=$4 root=$4/root
	mount -t overlay overlay -o "lowerdir=$machine/root,upperdir=$work/changes,workdir=$work/work" "$root"
	mkdir "$root/packages"
	cp "$packages"/*.deb "$root/packages/"
	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/dev/shm"
	printf "#!/bin/sh\nexit 101\n" >"$root/usr/sbin/policy-rc.d"
	chmod +x "$root/usr/sbin/policy-rc.d"
	chroot "$root" sh -euc "
		export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
		apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install /packages/*.deb
		for kernel in $(xargs <"$machine/kernels"); do dkms autoinstall -k \$kernel; done
		dkms status"
	rm -r "$root/usr/sbin/policy-rc.d" "$root/packages"
	umount "$root/proc" "$root/dev/shm"
	size=$(stat -c %s "$machine/disk")
	mkfs.ext4 -q -F -L root -E root_owner=0:0 -d "$root" "$disk.new" "$((size / 1048576))M"' \
	- "$1" "$2" "$3" "$work" >"$build/system/installed.log" 2>&1 </dev/null || {
	tail -n 40 "$build/system/installed.log" >&2
	die "the packages were not installed (log: $build/system/installed.log)"
}
mv "$3.new" "$3"

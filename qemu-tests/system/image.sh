#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# image.sh early|late ROOT [SUITE] : mmdebstrap's hooks for machine.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
when=$1 root=$2

# A small initrd, because an emulated CPU unpacks it. It has the stock driver all the
# same, as that of an installed machine has: the NIC is driven long before the root
# is there.
early() {
	mkdir -p "$root/etc/initramfs-tools/conf.d" "$root/usr/share/initramfs-tools/modules.d"
	echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/machine"
	printf '%s\n' virtio_pci virtio_blk ext4 e1000e >"$root/usr/share/initramfs-tools/modules.d/machine"
}

# The second kernel: the two packages that follow the newest one now follow that of
# the backports, and the suite's own stays, as after an upgrade.
second_kernel() {
	local packages='linux-image-amd64 linux-headers-amd64'
	# shellcheck disable=SC2086  # a list of words
	chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -t "$1-backports" \
		-o Dpkg::Use-Pty=0 install $packages </dev/null >&2
}

# What takes an emulated CPU's time and is no part of any test.
quieten() {
	local unit
	for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
		e2scrub_reap.service fstrim.timer systemd-binfmt.service systemd-pcrphase.service \
		getty@tty1.service serial-getty@ttyS0.service dev-ttyS0.device; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
}

late() {
	second_kernel "$1"
	chroot "$root" useradd --create-home --shell /bin/bash tester
	echo 'tester ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/tester"
	chmod 440 "$root/etc/sudoers.d/tester"
	echo machine >"$root/etc/hostname"
	echo '127.0.0.1 localhost machine' >"$root/etc/hosts"
	install -m 755 "$here/guest/agent.sh" "$root/usr/local/sbin/test-agent"
	install -m 644 "$here/guest/test-agent.service" "$root/etc/systemd/system/"
	install -m 644 "$here/guest/uplink.network" "$root/etc/systemd/network/50-uplink.network"
	chroot "$root" systemctl enable test-agent.service systemd-networkd.service
	quieten
	# A machine that people use installs man pages, and asks no mirror.
	rm -f "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/etc/apt/apt.conf.d/99mmdebstrap
	chroot "$root" apt-get clean
	: >"$root/etc/apt/sources.list"
}

case $when in
early) early ;;
late) late "$3" ;;
esac

#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The demo's guest: a kernel, the module, and one process that has the NIC's
# queue. What it prints goes to the host's terminal; a line from there ends it.
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mkdir -p /usr/bin /usr/sbin /sbin /tmp
/bin/busybox --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin

show() {
	echo "guest# $*"
	"$@"
}

# Interrupts that the NIC's queue took so far.
interrupts() {
	awk '/eth0-q0/ { print $2 }' /proc/interrupts
}

echo "guest: Linux $(uname -r), a NIC by QEMU: $(cat /sys/bus/pci/devices/*/device | grep -c 0x10d3) x 82574L"
show insmod /lib/userring.ko
show /bin/ip link set eth0 up
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && break
	sleep 0.2
done
echo 'guest# urecho --busy --rates --ip 10.0.2.15/24 eth0'
urecho --busy --rates --ip 10.0.2.15/24 eth0 2>&1 &
app=$!
sleep 0.5
show urctl status
before=$(interrupts)
echo "guest: ready"
stty -echo
read -r _
between=$(interrupts)
kill -INT $app
wait $app
echo "guest: interrupts of the queue while urecho had it: $((between - before))"
show /bin/ip -s link show eth0
poweroff -f

#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The /init of the bench's guest: gives the ports under test to the driver that a
# method wants, runs its program, and writes what that prints to the debug port.
# From the kernel's command line: ur.methods=A,B ur.packets=N ur.ops=A,B
# ur.stock=DRIVER (the kernel's own for these NICs).
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mkdir -p /usr/bin /usr/sbin /sbin /tmp /run /var/run /etc
/bin/busybox --install -s
mount -t tmpfs tmp /tmp
export PATH=/bin:/sbin:/usr/bin:/usr/sbin LD_LIBRARY_PATH=/lib HOME=/tmp

port0=0000:01:00.0 port1=0000:02:00.0
traffic0=0000:00:0a.0 traffic1=0000:00:0b.0

option() {
	tr ' ' '\n' </proc/cmdline | sed -n "s/^ur\.$1=//p" | tail -n 1
}

# use DRIVER : for the two ports; Linux gets addresses, if it has interfaces then.
use() {
	for pci in $port0 $port1; do
		device=/sys/bus/pci/devices/$pci
		[ ! -e "$device/driver" ] || echo "$pci" >"$device/driver/unbind"
		echo "$1" >"$device/driver_override"
	done
	modprobe "$1" 2>/dev/null || insmod "/lib/$1.ko"
	n=0
	for pci in $port0 $port1; do
		device=/sys/bus/pci/devices/$pci
		[ -e "$device/driver" ] || echo "$pci" >/sys/bus/pci/drivers_probe
		if [ -e "$device/net" ]; then
			netdev=$(ls "$device/net")
			/bin/ip link set "$netdev" up
			/bin/ip addr add "10.77.$n.1/24" dev "$netdev"
			/bin/ip neigh add "10.77.$n.2" lladdr "52:54:00:66:66:0$n" dev "$netdev" nud permanent
			while [ "$(cat "$device/net/$netdev/carrier")" != 1 ]; do
				sleep 0.1
			done
		fi
		n=$((n + 1))
	done
}

# They are driven by the programs themselves.
for pci in $traffic0 $traffic1; do
	echo none >/sys/bus/pci/devices/"$pci"/driver_override
done
/bin/ip link set lo up
ulimit -l unlimited
{
	echo "# Linux $(uname -r)"
	for file in /sys/devices/system/cpu/vulnerabilities/*; do
		echo "# ${file##*/}: $(cat "$file")"
	done
	for method in $(option methods | tr ',' ' '); do
		case $method in
		userring | queues) use userring ;;
		dpdk) use uio_pci_generic ;;
		*) use "$(option stock)" ;;
		esac
		"/bin/bench-$method" "$(option packets)" "$(option ops)" \
			$port0 $port1 $traffic0 $traffic1 2>&1 || echo "# $method failed"
	done
	echo '# bench done'
} | out
poweroff -f

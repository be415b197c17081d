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

# nap SECONDS : without a process, which would be counted
nap() {
	[ -e /tmp/never ] || mkfifo /tmp/never
	# shellcheck disable=SC3045  # busybox has it
	read -r -t "$1" _ <>/tmp/never
}

# dns METHOD : a DNS server is asked from within (dns_preload.c). Those on sockets
# begin when they have answered a query of the guest's own.
dns() {
	local server name=$1 asks=y
	rm -f /tmp/rows
	touch /tmp/go
	/bin/ip route replace default via 10.77.0.2
	# A burst waits in a socket as a whole.
	echo 4194304 >/proc/sys/net/core/rmem_default
	case $1 in
	urdns)
		set -- urdns --zone /etc/dns.zone "$(ls /sys/bus/pci/devices/$port0/net)"
		asks=
		;;
	nsd) set -- nsd -d -c /etc/nsd.conf ;;
	knot) set -- knotd -c /etc/knot.conf ;;
	esac
	LD_PRELOAD=/lib/dns_preload.so DNS_METHOD=$name DNS_QUERIES=$(option packets) \
		DNS_TRAFFIC=$traffic0 DNS_NAMES=/etc/names DNS_GO=/tmp/go DNS_ROWS=/tmp/rows "$@" \
		>/tmp/said 2>&1 &
	server=$!
	while [ -e /tmp/go ] && kill -0 $server; do
		[ -z "$asks" ] || nslookup -type=a h00001.d01.example.org 10.77.0.1 >/dev/null 2>&1
		nap 1
	done
	# Longer than it takes, mostly: who looks meanwhile is counted.
	nap 10
	while ! grep -qs end /tmp/rows && kill -0 $server; do
		nap 10
	done
	kill $server
	wait $server
	grep '^row ' /tmp/rows
	grep -q '^end' /tmp/rows || {
		cat /tmp/said
		return 1
	}
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
		userring | queues | urdns) use userring ;;
		dpdk) use uio_pci_generic ;;
		*) use "$(option stock)" ;;
		esac
		case $method in
		urdns | nsd | knot)
			dns "$method" 2>&1 || echo "# $method failed"
			continue
			;;
		esac
		"/bin/bench-$method" "$(option packets)" "$(option ops)" \
			$port0 $port1 $traffic0 $traffic1 2>&1 || echo "# $method failed"
	done
	echo '# bench done'
} | out
poweroff -f

#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The demo's guest: a kernel, the module, and urdns, which has the NIC's queue and
# shares it with Linux. What it prints goes to the host's terminal; lines from
# there say what to do. A second NIC is on the same wire: it is another host's, by
# IPv6, in a network namespace of its own.
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

other() { nsenter -t "$other" -n "$@"; }

zone=/etc/example.org.zone
echo "guest: Linux $(uname -r)"
show insmod /lib/userring.ko
show /bin/ip address add 10.0.2.15/24 dev eth0
show /bin/ip link set eth0 up
if [ -e /sys/class/net/eth1 ]; then
	show /bin/ip address add fd00::53/64 dev eth0 nodad
	unshare -n sleep 1000 &
	other=$!
	sleep 0.2
	/bin/ip link set eth1 netns "$other"
	other /bin/ip address add fd00::9/64 dev eth1 nodad
	other /bin/ip link set eth1 up
fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && break
	sleep 0.2
done
# Something that Linux serves on the same port.
head -c 1000000 /dev/urandom >/www/file
md5sum </www/file >/www/sum
httpd -p 80 -h /www
echo "guest# urdns --zone $zone eth0"
urdns --zone $zone eth0 &
app=$!
sleep 0.5
show urctl status
stty -echo
echo "guest: ready"

# ask6 NAME TYPE : each line of the answer, in one line
ask6() {
	echo "guest: $1 $2: $(other kdig -6 +short +timeout=5 @fd00::53 "$1" "$2" | sort | xargs)"
}

by_ipv6() {
	ask6 www.example.org AAAA
	ask6 ftp.example.org A
	ask6 example.org MX
	other ping -6 -c 20 -i 0.2 -W 5 fd00::53 | grep received | sed 's/^/guest: ping6: /'
	echo "guest: TCP by IPv6: $(other wget -q -O - "http://[fd00::53]/file" | md5sum | cut -d' ' -f1)"
	echo "guest: sum: $(cut -d' ' -f1 /www/sum)"
}

while read -r line; do
	case $line in
	ipv6)
		by_ipv6
		;;
	ping)
		ping -c 20 -i 0.2 -W 5 10.0.2.2 | grep received | sed 's/^/guest: ping: /'
		;;
	reload)
		sed -i 's/^www.*192.0.2.80/www A 192.0.2.81/' $zone
		kill -HUP $app
		;;
	*) break ;;
	esac
done
kill -INT $app
wait $app
echo "guest: urdns ended with $?"
show /bin/ip -s link show eth0
poweroff -f

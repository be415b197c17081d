#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The demo's guest: a kernel, the module, and urdns, which has the NIC's queue and
# shares it with Linux. What it prints goes to the host's terminal; lines from
# there say what to do.
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

zone=/etc/example.org.zone
echo "guest: Linux $(uname -r)"
show insmod /lib/userring.ko
show /bin/ip address add 10.0.2.15/24 dev eth0
show /bin/ip link set eth0 up
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
while read -r line; do
	case $line in
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

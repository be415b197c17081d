#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The /init of a guest of upstream.sh, in Debian's user space: runs the kernel's
# selftests that the command line names (ur.tests=A,B) against eth0, and says on the
# debug port, beside what they print (KTAP):
#	# begin NAME
#	# dmesg: LINE		(a line that no test may leave behind)
#	# end NAME hang|rc=N
# A test that does not end in time may hold locks that all others wait for, so the
# guest ends with it. The other end of eth0's wire is eth1, in a network namespace.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /run/netns /dev/shm
ln -s /proc/self/fd /dev/fd
export PATH=/usr/local/bin:/usr/sbin:/usr/bin HOME=/tmp LANG=C.UTF-8 TERM=dumb PYTHONDONTWRITEBYTECODE=1

# Debian 13's ethtool has no JSON for -l, which a test asks for.
cat >/usr/local/bin/ethtool <<'EOS'
#!/bin/bash
[ "$1 $2" = '--json -l' ] || exec /usr/sbin/ethtool "$@"
channels=$(/usr/sbin/ethtool -l "$3") || exit
combined=$(sed -n '/^Current/,$s/^Combined:[[:space:]]*//p' <<<"$channels")
echo "[{\"combined\": ${combined/n\/a/0}}]"
EOS
chmod +x /usr/local/bin/ethtool

# What a clean kernel log does not have.
bad='WARNING|BUG|Oops|Call Trace|DMAR:.*fault|DMA-API|leak|refcount|UBSAN|hung|blocked for'
bad="$bad|NETDEV WATCHDOG|deprecated workqueue|unregister_netdevice: waiting"

bad_lines() { grep -E "$bad" | sed 's/^/# dmesg: /' | /out; }

option() { tr ' ' '\n' </proc/cmdline | sed -n "s/^ur\.$1=//p"; }

# What was said before the first test began is of no test.
finish() {
	dmesg | sed '/upstream: begin/,$d' | bad_lines
	dmesg | /out 0xea
	echo '# guest-done' | /out
	echo o >/proc/sysrq-trigger
	sleep 60
}

export NETIF=eth0 REMOTE_TYPE=netns REMOTE_ARGS=peer
export LOCAL_V4=192.0.2.1 LOCAL_V6=2001:db8::1 REMOTE_V4=192.0.2.2 REMOTE_V6=2001:db8::2

# Before each test: the one before may have put the port down, and lost its addresses.
# A queue for each CPU, as igb has by itself, or as many as there are. The stock
# driver of an 82574L refuses, and keeps its one.
port_up() {
	ip link set eth0 up
	ethtool -L eth0 combined "$(nproc)" || ethtool -L eth0 combined 2
	ip address replace $LOCAL_V4/24 dev eth0
	ip address replace $LOCAL_V6/64 dev eth0 nodad
	for _ in {1..50}; do
		[ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && return
		sleep 0.1
	done
}

peer_up() {
	ip netns add peer
	ip link set eth1 netns peer
	ip -n peer link set lo up
	ip -n peer link set eth1 up
	ip -n peer address add $REMOTE_V4/24 dev eth1
	ip -n peer address add $REMOTE_V6/64 dev eth1 nodad
}

# run_test NAME SECONDS : false if it had to be given up
run_test() {
	local name=$1 program=/linux/tools/testing/selftests/drivers/net/$1.py end=hang reader
	echo "# begin $name" | /out
	echo "upstream: begin $name" >/dev/kmsg
	port_up >/dev/null 2>&1
	{
		cd "$(dirname "$program")" && python3 -u "$program" </dev/null 2>&1
		echo $? >/tmp/rc
	} | /out &
	reader=$!
	for ((i = 0; i < $2; i++)); do
		sleep 1
		kill -0 $reader 2>/dev/null && continue
		end="rc=$(cat /tmp/rc)"
		break
	done
	dmesg | sed "1,/upstream: begin ${name//\//\\/}\$/d" | bad_lines
	echo "# end $name $end" | /out
	[ "$end" != hang ] && return
	# who waits for what
	echo w >/proc/sysrq-trigger
	return 1
}

ip link set lo up
case $(option driver) in
userring) insmod /userring.ko ;;
*) modprobe "$(option driver)" ;;
esac
modprobe virtio_net
peer_up
for test in $(option tests | tr ',' ' '); do
	run_test "$test" "$(option timeout)" || break
done
finish

#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The guest's /init: runs the test programs named on the kernel command line
# (ur.tests=A,B), and says on the debug port how each one ended:
#	# begin NAME
#	... what the program prints ...
#	# dmesg: LINE		(a line that no test may leave behind)
#	# end NAME rc=N
# and "# userring-tests-done" at the end. ktap.awk reads that.
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mkdir -p /usr/bin /usr/sbin /sbin /tmp /run /etc
/bin/busybox --install -s
mount -t debugfs debug /sys/kernel/debug
mount -t tmpfs tmp /tmp
# tcpdump asks who root is
echo 'root:x:0:0:root:/tmp:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
export PATH=/bin:/sbin:/usr/bin:/usr/sbin LD_LIBRARY_PATH=/lib HOME=/tmp
cd /tmp || exit 1

# What a clean kernel log does not have.
bad='WARNING|BUG|Oops|Call Trace|DMAR:.*fault|DMA-API|leak|refcount|UBSAN|hung'
bad="$bad|pagealloc:|lockdep|possible recursive|suspicious RCU|unregister_netdevice: waiting"
# The report of a process that its group's limit killed has a call trace; that a
# test meant it is in its last line.
bad="$bad|CONSTRAINT_NONE"
group_oom='/invoked oom-killer:/,/oom-kill:constraint=/{/oom-kill:constraint=/!d}'
# What the debug kernel has to say, beside what it says as one of the above.
bad="$bad|ODEBUG|KASAN|non-static key|self-detected stall|detected stalls"
# And what it says of itself when all is well; and of a process that is there to be ended.
fine='oom-kill:.*task=ballast,|DMA-API: (preallocated|debugging enabled|dma_debug_entry pool grown)|RCU lockdep checking is enabled'

# Several times a name: the last one is the one that counts, as for the kernel.
option() {
	tr ' ' '\n' </proc/cmdline | sed -n "s/^ur\.$1=//p" | tail -n 1
}

# found_in_log : the bad lines of the log on stdin.
found_in_log() {
	grep -E "$bad" | grep -vE "$fine"
}

# Some of the debug kernel's means stop for good when they have found something, or when
# they have no room: from then on a clean log says nothing.
no_longer_looks() {
	! grep -qs 'debug_locks: *0' /proc/lockdep_stats || echo 'lockdep has stopped'
	! grep -qs Y /sys/kernel/debug/dma-api/disabled || echo 'debugging of DMA has stopped'
}

# A process that a program left behind would disturb the next one, and keep the
# pipe open. Kernel threads have no exe; init and out are ours, and busybox's
# timeout stays until its time is up.
kill_leftovers() {
	for process in /proc/[0-9]*; do
		readlink "$process/exe" >/dev/null || continue
		name_of=$(cat "$process/comm" 2>/dev/null)
		case $name_of in
		init | out | '') continue ;;
		timeout) ;;
		*) echo "# left running: $name_of" ;;
		esac
		kill -KILL "${process#/proc/}"
	done
}

# /dev/ttyS1 is the line to the far end: bytes as they are, no echo.
stty -F /dev/ttyS1 raw -echo 115200
# Debian's fq_codel drops what has waited for long, as on a host that is busy, and the
# device does not count that: a test that wants to see each frame could not tell.
echo pfifo_fast >/proc/sys/net/core/default_qdisc
ip link set lo up
timeout=$(option timeout)

for name in $(option tests | tr ',' ' '); do
	echo "# begin $name" | out
	echo "userring-tests: begin $name" >/dev/kmsg
	# A test may have taken it out. The file is absent only when the bench itself
	# is tried without a module.
	if [ -e /lib/userring.ko ] && ! grep -q '^userring ' /proc/modules; then
		insmod /lib/userring.ko || echo '# dmesg: userring.ko did not load' | out
	fi
	{
		timeout -k 5 "$timeout" "/tests/$name" </dev/null 2>&1
		echo $? >/tmp/rc
		kill_leftovers
	} | out
	{
		dmesg | sed "1,/userring-tests: begin $name\$/d" | sed "$group_oom" | found_in_log
		no_longer_looks
	} | sed 's/^/# dmesg: /' | out
	echo "# end $name rc=$(cat /tmp/rc)" | out
done
if dmesg | sed '/userring-tests: begin/,$d' | found_in_log >/tmp/early; then
	sed 's/^/# dmesg: /' /tmp/early | out
fi
dmesg | out 0xea
echo '# userring-tests-done' | out
poweroff -f

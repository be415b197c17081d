# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # out, status and the names of the machine are drive.sh's
# The quick start of README.md, word for word, as an ordinary user types it in a fresh
# copy of the source. Two words differ: the interface's name is the guest's, and urdump,
# which runs until ^C, gets its SIGINT once it has shown a packet.

# The block's lines, a file each: what is typed one after the other into one shell.
quick_start_block() {
	awk '/^## / { there = /^## Quick start on a machine/ }
		there && /^```$/ { exit }
		there && text { print }
		there && /^```sh$/ { text = 1 }' "$top/README.md"
}

# Each command is run in the same shell, its number and its status said around it.
quick_start_script() {
	local n=0 line
	echo 'cd ~/userring'
	# Both CPUs, as they are emulated ones.
	echo 'export MAKEFLAGS=-j2'
	while IFS= read -r line; do
		n=$((n + 1))
		# shellcheck disable=SC2016  # the script's own variables
		printf 'echo "@@ begin %s"\n%s\nstatus=$?\necho; echo "@@ end %s $status"\n' "$n" "$line" "$n"
		# For a person who waits: `make` takes minutes on an emulated CPU.
		echo "sudo sh -c 'echo \"line $n: status \$1, \$(uptime -p)\" >/dev/console' - \$status"
	done <"$run/block"
}

# step PATTERN : leaves number, said and status of the command that has it
step() {
	number=$(grep -nE -e "$1" "$run/block" | head -1 | cut -d : -f 1)
	if [ -z "$number" ]; then
		not_ok "README.md's quick start has a line with: $1"
		return 1
	fi
	out=$(sed -n "/^@@ begin $number\$/,/^@@ end $number /p" "$run/quick" | grep -v '^@@ ' || true)
	status=$(sed -n "s/^@@ end $number //p" "$run/quick")
}

# succeeds PATTERN : the step was there and its status 0
succeeds() {
	if step "$1"; then
		expect_ok "quick start: $(sed -n "${number}{s/  *#.*//; p; }" "$run/block" | cut -c 1-60)"
	fi
}

# SIGINT for urdump after it has shown a packet; ping makes the router answer.
# A process of its own, because the script is the one that is waited for.
stop_urdump() {
	cat <<-EOS
		for i in \$(seq 3000); do pgrep -x urdump >/dev/null && break; sleep 1; done
		sleep 5
		ping -c 5 -i 2 -W 2 -I $nic fe80::2 >/dev/null 2>&1
		pkill -INT -x urdump
	EOS
}

scenario() {
	local began
	media_add_source
	quick_start_block | sed "s/\\beth1\\b/$nic/g" >"$run/block"
	[ -s "$run/block" ] || die 'README.md has no quick start'
	quick_start_script >"$run/media/quick.sh"
	stop_urdump >"$run/media/stop.sh"
	machine_start "$own"
	driver_is 'the stock driver has the port' e1000e
	ask tester 'cp -r /media/source ~/userring' 120
	expect_ok 'the source is copied to the home'

	began=$SECONDS
	ask root 'systemd-run --quiet --collect bash /media/stop.sh'
	ask tester 'bash /media/quick.sh' 2400
	printf '%s\n' "$out" >"$run/quick"
	say "# the quick start took $((SECONDS - began)) s"
	expect_ok 'the quick start came to its end'
	succeeds '^sudo apt install'
	succeeds '^make( |$)'
	succeeds 'insmod'
	if step 'urctl doctor'; then
		expect_line 'doctor says how to bind the port' "urctl bind $nic" "$out"
	fi
	succeeds 'urctl bind'
	expect_line 'bind says the name that udev gave' "interface $nic\\b" "$out"
	succeeds 'ip link set'
	succeeds 'urdump'
	expect_line 'urdump shows a packet' '(ICMP6|IP6|ARP|IPv6)' "$out"
	succeeds 'urctl unbind'
	driver_is 'and the stock driver has it again' e1000e
	names
}

# The same by hand, as far as names and routes go.
names() {
	local urctl=userring/build/apps/urctl
	ask tester "sudo $urctl bind $nic"
	expect_ok 'bind once more'
	expect_line 'it says the name that is there' "interface $nic\\b" "$out"
	ask root "cat /sys/class/net/$nic/device/uevent"
	expect_line 'the interface of that name is driven by userring' '^DRIVER=userring$' "$out"
	ask root "ip link set $nic up; for i in \$(seq 30); do
		ip -6 route show default dev $nic | grep -q . && break; sleep 1; done
		ip -6 route show default dev $nic"
	expect_line 'a router is announced on the port' '^default .*proto ra' "$out"
	# The machine's own default route is another NIC's: only that of IPv6 would be cut.
	ask tester "sudo $urctl unbind $nic"
	if [ "$status" = 0 ]; then
		ok 'unbind with an announced route'
	else
		expect_line 'unbind with an announced route says what to do first' "ip link set $nic down" "$out"
		ask tester "sudo ip link set $nic down && sudo $urctl unbind $nic"
		expect_ok 'and that is enough'
	fi
	driver_is 'the stock driver has the port in the end' e1000e
	ask root 'dmesg --level=emerg,alert,crit,err,warn | grep -iE "userring|BUG|WARNING|Call Trace" |
		grep -v "taint\|out-of-tree\|verification failed"'
	expect 'the kernel has no complaint of userring' '' "$out"
}

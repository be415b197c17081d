# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # out, status and the names of the machine are drive.sh's
# The Debian packages from installation to purge: a port that is bound for good, a DNS
# server on it, reboots into both kernels, a kernel without the module.
# shellcheck source=qemu-tests/system/packages.sh
. "$here/packages.sh"
unit=userring@$nic_pci.service

# An address as an administrator gives it, and a zone to serve.
configure() {
	ask root "printf '[Match]\nName=$nic\n[Network]\nAddress=10.0.2.15/24\n' \
			>/etc/systemd/network/60-port.network
		networkctl reload
		mkdir -p /etc/urdns
		cp /media/source/apps/urdns/example.org.zone /etc/urdns/
		echo 'OPTIONS=--zone /etc/urdns/example.org.zone' >/etc/urdns/$nic.conf"
	expect_ok 'networkd is told the address of the port, urdns its zone'
}

# dig_says WHAT : from this machine, through QEMU's user network
dig_says() {
	local got=''
	for _ in $(seq 20); do
		got=$(dig @127.0.0.1 -p "$dns_port" +short +timeout=3 +tries=1 www.example.org A 2>&1) && break
		sleep 1
	done
	expect "$1" 192.0.2.80 "$got"
}

# After a boot: the port is bound, before the network was set up, and the server answers.
bound_after_boot() {
	driver_is "$1: userring has the port" userring
	ask tester 'urctl status'
	expect_line "$1: status lists it, bound at each boot" "bound at each boot, by $unit" "$out"
	ask root "systemctl show -p ActiveState --value $unit"
	expect "$1: the unit that binds it is active" active "$out"
	ask root "systemctl show -p ActiveEnterTimestampMonotonic --value $unit \
		network-pre.target systemd-networkd.service | xargs"
	local bound pre networkd
	read -r bound pre networkd <<<"$out"
	if [ "${bound:-0}" -gt 0 ] && [ "${pre:-0}" -ge "$bound" ] && [ "${networkd:-0}" -ge "$bound" ]; then
		ok "$1: it was bound before network-pre.target and networkd"
	else
		not_ok "$1: it was bound before network-pre.target and networkd"
		note "$unit, network-pre.target, networkd (us since boot): $out"
	fi
	ask root "systemctl is-active urdns@$nic.service"
	expect "$1: the unit of urdns is active" active "$out"
	dig_says "$1: urdns answers this machine"
	ask root "systemctl show -p NRestarts --value urdns@$nic.service"
	note "urdns was started again $out times"
}

# A kernel for which DKMS has no module, as when its headers were missing.
without_module() {
	ask root "dkms status -m userring 2>/dev/null | awk -F '[/,:] *' '/^userring/ && !n++ { print \$2 }'"
	version=$out
	ask root "dkms remove -m userring -v $version -k $own" 300
	expect_ok 'the module is taken from the kernel of the suite'
	machine_stop
	machine_power "$own"
	machine_up "$own" "urdns@$nic.service" "$unit"
	driver_is 'no module for this kernel: the stock driver has the port' e1000e
	ask tester 'urctl doctor'
	expect_line 'doctor says that this kernel has no module' "module.*$(literal "$own")|$(literal "$own").*module" "$out"
	ask root "journalctl -b -o cat -u $unit"
	expect_line 'and so does the journal of the unit' 'module' "$out"
	machine_reboot "$other"
	driver_is 'the other kernel still has it' userring
}

# The port is in use then: refused is right, if it says how to go on.
unbind_for_good() {
	ask root "systemctl stop urdns@$nic.service; systemctl disable urdns@$nic.service"
	ask tester "sudo urctl unbind --persist $nic"
	if [ "$status" != 0 ]; then
		expect_line 'unbind says what to do first' "ip link set $nic down" "$out"
		ask tester "sudo ip link set $nic down && sudo urctl unbind --persist $nic"
	fi
	expect_ok 'unbind --persist'
	driver_is 'the stock driver has the port at once' e1000e
	machine_reboot "$other"
	driver_is 'and after a reboot' e1000e
}

purge() {
	# To purge what is bound is what users do. networkd has given it its address again.
	ask tester "sudo ip link set $nic down && sudo urctl bind --persist $nic"
	expect_ok 'bind once more'
	ask root "dpkg-query -W -f '\${Package}\n' | grep -E 'userring|^urdns|^urids' |
		xargs apt-get -y -o Dpkg::Use-Pty=0 purge" 900
	expect_ok 'the packages are purged'
	machine_reboot "$other"
	driver_is 'after purge and reboot the stock driver has the port' e1000e
	ask root "find /etc -xdev | grep -E 'userring|urdns|urids|urecho' | grep -v -e '^/etc/urdns'"
	expect 'nothing of the packages is left in /etc' '' "$out"
	ask root 'find /lib/modules /usr/src /var/lib/dkms -name "*userring*"'
	expect 'nor among the modules' '' "$out"
}

# From a machine without them. PREPARED=1 in the environment: from one on which
# installed.sh has installed them, which spares the minutes that DKMS takes.
with_packages() {
	if [ -z "${PREPARED-}" ]; then
		packages_add
	else
		packages_installed
	fi
	media_add_source
	machine_start "$own"
	driver_is 'the stock driver has the port' e1000e
	[ -n "${PREPARED-}" ] || packages_install
}

scenario() {
	with_packages
	# shellcheck disable=SC2016  # the guest's variable
	ask tester 'for p in urctl urdump urecho urgen urfwd urdns urids urkeep; do command -v $p; done | wc -l'
	expect 'a user finds all commands' 8 "$out"
	ask tester 'urctl doctor'
	expect_line 'doctor says that urctl bind loads the module' 'urctl bind' "$out"
	driver_is 'installation alone takes no port' e1000e

	# Before it has an address: a port that is in use is not moved. The PATH is a
	# user's, without modprobe.
	ask tester "sudo env PATH=\$PATH urctl bind --persist $nic"
	expect_ok 'bind --persist'
	expect_line 'it says the name that udev gave' "interface $nic\\b" "$out"
	driver_is 'userring has the port' userring
	configure
	ask root "systemctl enable --now urdns@$nic.service"
	expect_ok 'the unit of urdns is enabled'
	dig_says 'urdns answers this machine'
	machine_reboot "$own"
	bound_after_boot 'reboot'
	machine_reboot "$other"
	bound_after_boot 'the other kernel'
	without_module
	unbind_for_good
	purge
}

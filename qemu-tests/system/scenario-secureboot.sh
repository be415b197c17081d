# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # out, status and the names of the machine are drive.sh's
# Secure Boot, with OVMF, Microsoft's keys, and Debian's signed shim, GRUB and kernel: the
# module that DKMS signed with this machine's own key is refused; the owner has that key
# enrolled, as `urctl doctor` says, by mokutil and MokManager; then it loads, and one
# without a signature is still refused.
# shellcheck source=qemu-tests/system/packages.sh
. "$here/packages.sh"
# shellcheck source=qemu-tests/system/secureboot.sh
. "$here/secureboot.sh"

# The screens of MokManager, as its user sees them. It waits for a key for 10 s.
enrol() {
	seen=0
	screen_says 'Press any key to perform MOK management' 300
	press x
	screen_says 'Enroll MOK' 60
	press down enter
	screen_says 'View key 0' 60
	press down enter
	screen_says 'Enroll the key' 60
	press down enter
	screen_says 'Password:' 60
	press "$mok_password" enter
	screen_says 'Reboot' 60
	press enter
	machine_gone
}

refused() {
	ask root 'modprobe userring'
	expect_refused "$1" 'Key was rejected by service|Required key not available|Operation not permitted'
}

scenario() {
	packages_installed
	use_secure_boot
	machine_start "$other"
	ask root 'mokutil --sb-state; cat /sys/kernel/security/lockdown'
	expect_line 'Secure Boot is on' 'SecureBoot enabled' "$out"
	expect_line 'and the kernel locked down' '\[integrity\]' "$out"
	refused 'the module is refused while nobody trusts its key'
	ask tester 'urctl doctor'
	expect_line 'doctor names Secure Boot' 'Secure Boot' "$out"
	expect_line 'and says what to type' 'mokutil --import /var/lib/dkms/mok.pub' "$out"

	ask root "mokutil --generate-hash=$mok_password >/root/hash &&
		mokutil --import /var/lib/dkms/mok.pub --hash-file /root/hash"
	expect_ok 'mokutil takes the key'
	ask tester 'urctl doctor'
	expect_line 'doctor says that the key waits to be enrolled' 'waits to be enrolled' "$out"
	machine_stop
	machine_power "$other"
	enrol
	machine_start "$other"
	ask root 'mokutil --test-key /var/lib/dkms/mok.pub'
	expect_line 'the key is enrolled' 'already enrolled' "$out"
	ask tester 'urctl doctor'
	expect_line 'doctor says that the firmware has the key' 'the firmware has the key' "$out"
	ask tester "sudo urctl bind $nic"
	expect_ok 'the module that is signed with it loads, and bind has the port'
	driver_is 'userring has it' userring
	ask tester "sudo urctl unbind $nic"
	expect_ok 'unbind'
	# shellcheck disable=SC2016  # the guest's variables
	ask root 'rmmod userring; ko=$(modinfo -n userring); cp $ko /run/; cd /run
		case $ko in *.xz) unxz ${ko##*/} ;; *.zst) zstd -qd --rm ${ko##*/} ;; esac
		strip --strip-debug userring.ko; insmod userring.ko'
	expect_refused 'without its signature it is refused' 'Key was rejected by service|Required key not available'
}

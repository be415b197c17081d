# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # out, status and the names of the machine are drive.sh's
# A kernel that is told to load only what is signed with a key that it has, as Secure
# Boot tells it: what DKMS built is signed with a key that it has not.
# shellcheck source=qemu-tests/system/packages.sh
. "$here/packages.sh"

scenario() {
	packages_installed
	machine_start "$own" 'lockdown=integrity module.sig_enforce=1'
	ask root 'cat /sys/kernel/security/lockdown'
	expect_line 'the kernel is locked down' '\[integrity\]' "$out"
	ask root 'modprobe userring'
	expect_refused 'the module is refused' 'Key was rejected by service|Required key not available'
	ask tester 'urctl doctor'
	expect "doctor's status says that there is a problem" 1 "$status"
	expect_line 'doctor says that only signed modules load' 'signed' "$out"
	expect_line 'and that it is the command line that wants this' 'command line' "$out"
	ask tester "sudo urctl bind $nic"
	expect_refused 'bind is refused' 'signed|Secure Boot|module|userring'
	driver_is 'and the stock driver keeps the port' e1000e
}

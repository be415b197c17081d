# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # it shares names with drive.sh
# Read by scenarios with Secure Boot; it only defines names. After use_secure_boot a
# machine starts by OVMF, with Microsoft's keys enrolled, and Debian's signed shim, GRUB
# and kernel, as an installed machine has them. They lie on a disk of their own, the EFI
# system partition.

firmware=/usr/share/OVMF
# The password for MokManager, which asks once.
mok_password=userring1

# esp_make KERNEL COMMAND-LINE : the kernel that GRUB is to start
esp_make() {
	local esp=$run/esp.img root=$machine/root
	rm -f "$esp"
	truncate -s 96M "$esp"
	mkfs.vfat -n ESP "$esp" >/dev/null
	mmd -i "$esp" ::EFI ::EFI/BOOT ::EFI/debian
	mcopy -i "$esp" "$root/usr/lib/shim/shimx64.efi.signed" ::EFI/BOOT/BOOTX64.EFI
	mcopy -i "$esp" "$root/usr/lib/shim/mmx64.efi.signed" ::EFI/BOOT/mmx64.efi
	mcopy -i "$esp" "$root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" ::EFI/BOOT/grubx64.efi
	mcopy -i "$esp" "$machine/vmlinuz-$1" ::vmlinuz
	mcopy -i "$esp" "$machine/initrd-$1" ::initrd
	cat >"$run/esp.cfg" <<-EOC
		set timeout=0
		linux /vmlinuz root=/dev/vda rw $kernel_line $2
		initrd /initrd
		boot
	EOC
	mcopy -i "$esp" "$run/esp.cfg" ::EFI/debian/grub.cfg
}

use_secure_boot() {
	cp "$firmware/OVMF_VARS_4M.ms.fd" "$run/vars"
	boot_options=secure_boot_options
}

# The variables stay from boot to boot, as in a machine's flash: an owner's key is there.
secure_boot_options() {
	esp_make "$1" "$2"
	# shellcheck disable=SC2054  # QEMU has commas in its arguments
	boot=(-M "q35,smm=on" -global "driver=cfi.pflash01,property=secure,value=on"
		-global ICH9-LPC.disable_s3=1
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.secboot.fd"
		-drive "if=pflash,unit=1,format=raw,file=vars"
		-drive "file=esp.img,if=none,id=esp,format=raw"
		-device "virtio-blk-pci,drive=esp,addr=7,bootindex=0")
}

# screen_says TEXT SECONDS : MokManager's, which it writes anew for each key
screen_says() {
	for _ in $(seq $(($2 * 5))); do
		if tail -c "+$((seen + 1))" "$console" | grep -aq -e "$1"; then
			seen=$(stat -c %s "$console")
			return 0
		fi
		kill -0 "$emulator_pid" 2>/dev/null || hang "the machine ended before MokManager said \"$1\""
		sleep 0.2
	done
	hang "MokManager did not say \"$1\" within $2 s"
}

# press KEY... : on the console
press() {
	local key
	for key in "$@"; do
		case $key in
		down) printf '\033[B' >&"$keys" ;;
		enter) printf '\r' >&"$keys" ;;
		*) printf '%s' "$key" >&"$keys" ;;
		esac
		sleep 0.5
	done
}

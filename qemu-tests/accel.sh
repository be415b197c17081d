#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# accel.sh : prints how QEMU should run guests here, kvm or tcg. That /dev/kvm
# opens says little (nested virtualisation may hang): a boot has to come to its end.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

if [ ! -s "$build/accel" ]; then
	answer=tcg
	if [ -w /dev/kvm ]; then
		dir=$(mktemp -d "$build/probe.XXXXXX")
		trap 'rm -rf "$dir"' EXIT
		mkdir "$dir/root"
		cp /bin/busybox "$dir/root/"
		printf '#!/busybox sh\necho probe-done\n/busybox poweroff -f\n' >"$dir/root/init"
		chmod +x "$dir/root/init"
		(cd "$dir/root" && find . | cpio --quiet -o -H newc) >"$dir/initramfs"
		# Any of those that were fetched.
		set -- "$build"/kernels/*/vmlinuz
		timeout -k 1 10 qemu-system-x86_64 -M q35,kernel-irqchip=split -accel kvm -m 256 \
			-nodefaults -no-reboot -display none -serial stdio \
			-kernel "$1" -initrd "$dir/initramfs" \
			-append 'console=ttyS0 quiet panic=-1' \
			</dev/null >"$dir/log" 2>/dev/null || true
		if grep -q probe-done "$dir/log"; then
			answer=kvm
		fi
	fi
	echo "$answer" >"$build/accel"
fi
cat "$build/accel"

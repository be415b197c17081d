# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Read by those who boot a guest; it only defines names. An initramfs is made of
# a folder: root_begin, what is to be in it, root_end.

# root_begin FOLDER INIT : busybox, ip, module tools and the guest's /init.
root_begin() {
	root=$1
	mkdir -p "$root"/{bin,lib,dev,proc,sys}
	cp /bin/busybox "$root/bin/"
	install -m 755 "$2" "$root/init"
	root_program ip
	root_program kmod
	for link in modprobe insmod rmmod lsmod modinfo; do
		ln -s kmod "$root/bin/$link"
	done
}

# A host's program with the libraries it needs, at their own places.
root_program() {
	local program
	program=$(command -v "$1") || die "$1 is not installed"
	cp -L "$program" "$root/bin/"
	ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "$root$(dirname "$lib")"
		cp -Lu "$lib" "$root$lib"
	done
}

# root_modules KERNEL-FOLDER VERSION MODULE... : the kernel's own modules, with
# those they depend on.
root_modules() {
	local from=$1 version=$2 to=$root/lib/modules/$2 ko
	shift 2
	mkdir -p "$to"
	cp "$from/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$to/"
	for module; do
		modprobe -d "$from" -S "$version" --show-depends "$module" |
			sed -n 's/^insmod \([^ ]*\).*/\1/p' | while read -r ko; do
			ko=${ko#"$from"/}
			mkdir -p "$root/$(dirname "$ko")"
			cp "$from/$ko" "$root/$ko"
		done
	done
	depmod -b "$root" "$version"
}

# root_userring KERNEL : what we built, as far as there is any.
# shellcheck disable=SC2154  # build is set by lib.sh
root_userring() {
	if [ -e "$build/module/$1/userring.ko" ]; then
		cp "$build/module/$1/userring.ko" "$root/lib/"
	fi
	for app in "$build"/apps/*; do
		if [ -f "$app" ] && [ -x "$app" ]; then
			root_program "$app"
		fi
	done
	for lib in "$build"/lib/*.so.*; do
		[ ! -e "$lib" ] || cp -P "$lib" "$root/lib/"
	done
}

root_end() {
	(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$1"
	rm -rf "$root"
}

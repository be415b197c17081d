#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# debug-kernel.sh : builds a kernel that looks for faults (dbg.config) from Debian's
# source package, and prints the folder that has it: version, vmlinuz,
# lib/modules/VERSION, headers (what a module is built against).
#
# The folder is kept outside of the checkout, in $XDG_CACHE_HOME/userring or
# ~/.cache/userring, under a name that all of these make: source, configuration,
# compiler, this script. The two that were used last stay.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

config=$top/qemu-tests/dbg.config
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/userring

"$top/qemu-tests/need.sh" check >&2
[ -e "$source_archive" ] || "$top/qemu-tests/kernel.sh" 6.1 >&2
key=$({
	sha256sum <"$source_archive"
	grep '^CONFIG_' "$config"
	cat "$0"
	gcc --version
	ld --version
} | sha256sum | cut -c1-16)
kernel=$cache/kernel-$key

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9

# Without what a guest and a module do not need: half of it.
unpack_source() {
	mkdir "$work/source"
	tar -xJf "$source_archive" -C "$work/source" --strip-components=1 \
		--exclude='*/Documentation/*/*' --exclude='*/tools/testing/*' \
		--exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/media/*.[ch]' \
		--exclude='*/sound/*.[ch]' --exclude='*.dts' --exclude='*.dtsi'
}

# Kconfig leaves out without a word what depends on something that is not there.
configure() {
	make -C "$work/source" "KCONFIG_ALLCONFIG=$config" allnoconfig >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die "Kconfig takes nothing of $config"
	}
	sort "$work/source/.config" >"$work/is"
	missing=$(grep '^CONFIG_' "$config" | sort | comm -23 - "$work/is")
	[ -z "$missing" ] || die "of dbg.config this kernel's Kconfig does not set: $missing"
}

compile() {
	make -C "$work/source" -j"$(nproc)" bzImage modules >"$work/log" 2>&1 || {
		grep -m 20 -E 'error:|Error |\*\*\*' "$work/log" >&2 || tail -n 20 "$work/log" >&2
		die 'the debug kernel does not build'
	}
}

# keep : what is used of the build tree, into $work/kernel.
keep() {
	mkdir "$work/kernel" "$work/kernel/headers"
	version=$(cat "$work/source/include/config/kernel.release")
	cp "$work/source/arch/x86/boot/bzImage" "$work/kernel/vmlinuz"
	make -C "$work/source" "INSTALL_MOD_PATH=$work/kernel" modules_install >"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		die 'the modules of the debug kernel do not install'
	}
	# They lead to the build tree, which goes.
	rm -f "$work/kernel/lib/modules/$version/build" "$work/kernel/lib/modules/$version/source"
	(cd "$work/source" && cp -a --parents Makefile .config Module.symvers include scripts \
		arch/x86/include arch/x86/Makefile* "$work/kernel/headers")
	[ ! -x "$work/source/tools/objtool/objtool" ] ||
		install -D "$work/source/tools/objtool/objtool" "$work/kernel/headers/tools/objtool/objtool"
	echo "$version" >"$work/kernel/version"
}

if [ ! -e "$kernel/version" ]; then
	# Who has the lock is alone: these are of builds that were broken off.
	rm -rf "$cache"/work.*
	work=$(mktemp -d "$cache/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	say "building the debug kernel of $source_package, once: some 8 minutes on two CPUs ..." >&2
	unpack_source
	configure
	compile
	keep
	# At once, so that there is no half of it under this name.
	mv "$work/kernel" "$kernel"
fi
touch "$kernel/version"
find "$cache" -mindepth 2 -maxdepth 2 -path '*/kernel-*/version' -printf '%T@ %h\n' | sort -rn | tail -n +3 |
	while read -r _ old; do
		rm -rf "$old"
	done
echo "$kernel"

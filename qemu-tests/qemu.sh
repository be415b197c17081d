#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# qemu.sh : fetches a QEMU that has Intel's igb (8.0 or newer), from
# bookworm-backports, and prints the command that runs it. The host's own QEMU
# is taken if it has that device.
#
# Nothing is installed on the host: build/roots/qemu is a root with the package
# and its libraries, from which the program is run by its own dynamic linker.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

root=$build/roots/qemu
# Each by name: apt would take what they depend on from bookworm.
packages=libc6
for package in qemu-system-x86 qemu-system-common qemu-system-data seabios; do
	packages=$packages,$package/bookworm-backports
done
mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-qemu"
flock 9

has_igb() { "$@" -device igb,help 2>&1 | grep -q '^igb options'; }

if has_igb qemu-system-x86_64; then
	echo qemu-system-x86_64
	exit 0
fi

wrapper=$root/qemu-system-x86_64
if [ ! -x "$wrapper" ]; then
	say 'making a root with the QEMU of bookworm-backports ...' >&2
	make_root bookworm "$root" --variant=extract --include="$packages"
	as_root tee "$wrapper" >/dev/null <<'EOS'
#!/bin/sh
# Made by qemu.sh.
root=$(dirname "$(readlink -f "$0")")
libs=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu
for sub in "$root"/usr/lib/x86_64-linux-gnu/*/; do libs=$libs:$sub; done
export QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"
exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$libs" \
	"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
EOS
	as_root chmod +x "$wrapper"
fi
has_igb "$wrapper" || die "$wrapper does not run, or has no igb"
echo "$wrapper"

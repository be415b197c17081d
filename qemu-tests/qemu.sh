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
	"$top/qemu-tests/need.sh" check >&2
	mirror=$(debian_mirror)
	if [ -z "$mirror" ]; then
		as_root apt-get -qq update >&2
		mirror=$(debian_mirror)
	fi
	[ -n "$mirror" ] || die 'found no Debian mirror in the configuration of apt'

	work=$(mktemp -d "$build/roots/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# The machine's own apt options (proxy, checks of dates) hold for the root.
	apt-config dump --format '%F "%v";%n' |
		grep -E '^Acquire::(Check|http|https)' >"$work/apt.conf" || true
	say 'making a root with the QEMU of bookworm-backports ...' >&2
	as_root rm -rf "$root"
	as_root mmdebstrap --quiet --mode=root --variant=extract --format=directory \
		--aptopt="$work/apt.conf" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$packages" \
		bookworm "$root" \
		"deb $mirror bookworm main" "deb $mirror bookworm-backports main" </dev/null >&2
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

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# suricata.sh : fetches Suricata from trixie, with which the tests compare urids,
# and prints the command that runs it.
#
# Nothing is installed on the host: build/roots/suricata is a root with the package
# and its libraries, from which the program is run by its own dynamic linker.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

root=$build/roots/suricata
wrapper=$root/suricata
mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-suricata"
flock 9

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
	say 'making a root with the Suricata of trixie ...' >&2
	as_root rm -rf "$root"
	as_root mmdebstrap --quiet --mode=root --variant=extract --format=directory \
		--aptopt="$work/apt.conf" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include=libc6,suricata \
		trixie "$root" "deb $mirror trixie main" </dev/null >&2
	as_root tee "$wrapper" >/dev/null <<'EOS'
#!/bin/sh
# Made by suricata.sh.
root=$(dirname "$(readlink -f "$0")")
libs=$root/usr/lib/x86_64-linux-gnu
for sub in "$libs"/*/; do libs=$libs:$sub; done
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libs" "$root/usr/bin/suricata" "$@"
EOS
	as_root chmod +x "$wrapper"
fi
"$wrapper" -V >/dev/null || die "$wrapper does not run"
echo "$wrapper"

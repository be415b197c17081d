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
	say 'making a root with the Suricata of trixie ...' >&2
	make_root trixie "$root" --variant=extract --include=libc6,suricata
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

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# need.sh [--print] build|check|demo|fresh|bench|cross|upstream|deb|system... : installs the
# Debian packages that are missing for these purposes. Says nothing when none is; else
# first what comes, how much of it, and whether sudo is used. --print: says what one types
# to install all.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
known_suite

for_build='make gcc libc6-dev libpcap-dev libck-dev libknot-dev libvectorscan-dev pkg-config'

# mount, procps and kmod are absent from minimal installations;
# bsdextrautils, groff and man-db check the man pages, perl runs checkpatch.
for_demo="$for_build qemu-system-x86 busybox-static cpio kmod xz-utils zstd
	iproute2 ethtool strace bind9-dnsutils"
for_check="$for_demo g++ clang llvm lld libclang-rt-$llvm-dev libcmocka-dev sparse
	shellcheck flex bison bc libelf-dev mmdebstrap debian-archive-keyring perl
	bsdextrautils man-db groff git tcpdump tshark jq knot-dnsutils dnsperf $libevent"
[ "$own_kernel" != 6.1 ] || for_check="$for_check $source_package"
for_bench="$for_demo jq gnuplot-nox libdpdk-dev libxdp-dev libbpf-dev"
for_upstream="$for_demo clang libbpf-dev mmdebstrap debian-archive-keyring"
for_fresh='git mmdebstrap debian-archive-keyring'
# whole machines, also with Secure Boot: qemu-tests/system
for_system="$for_demo mmdebstrap debian-archive-keyring qemu-utils e2fsprogs git ovmf mtools dosfstools"
# the library's tests on other CPUs: make -C libuserring check-cross
for_cross="$for_build gcc-aarch64-linux-gnu gcc-s390x-linux-gnu gcc-i686-linux-gnu
	libc6-dev-arm64-cross libc6-dev-s390x-cross libc6-dev-i386-cross qemu-user-static"
# as in debian/control
for_deb='build-essential dpkg-dev debhelper dh-dkms pkgconf libck-dev libknot-dev libpcap-dev libvectorscan-dev'

print=
[ "${1-}" != --print ] || {
	print=y
	shift
}
[ $# -gt 0 ] || die 'usage: need.sh [--print] build|check|demo|fresh|bench|cross|upstream|deb|system...'
wanted=
for set in "$@"; do
	case $set in
	build) wanted="$wanted $for_build" ;;
	check) wanted="$wanted $for_check" ;;
	demo) wanted="$wanted $for_demo" ;;
	fresh) wanted="$wanted $for_fresh" ;;
	bench) wanted="$wanted $for_bench" ;;
	cross) wanted="$wanted $for_cross" ;;
	upstream) wanted="$wanted $for_upstream" ;;
	deb) wanted="$wanted $for_deb" ;;
	system) wanted="$wanted $for_system" ;;
	*) die "no such set of packages: $set" ;;
	esac
done

# shellcheck disable=SC2086  # a list of words
missing=$(
	# shellcheck disable=SC2016  # dpkg-query's own format fields
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
		awk -v wanted="$wanted" -v all="$print" '
			$1 == "installed" && !all { have[$2] = 1 }
			END {
				n = split(wanted, name)
				for (i = 1; i <= n; i++)
					if (!(name[i] in have) && !seen[name[i]]++)
						print name[i]
			}'
)
# shellcheck disable=SC2086
set -- install --no-install-recommends $missing
if [ -n "$print" ]; then
	say "apt-get $*"
	exit 0
fi
[ -n "$missing" ] || exit 0

# An ordinary user may have no sudo, or no right to use it.
by_hand="Debian packages are missing, and it takes root to install them: apt-get $*"
with=
if [ "$(id -u)" != 0 ]; then
	with=', with sudo'
	command -v sudo >/dev/null || die "$by_hand"
fi
say "missing Debian packages, which apt-get installs now$with: $(echo "$missing" | xargs)"
[ -z "$with" ] || sudo true || die "$by_hand"

log=$(mktemp)
trap 'rm -f "$log" "$log.status"' EXIT
# quietly COMMAND... : what it says is for when it fails.
quietly() {
	"$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		die "this failed: $*"
	}
}

say 'updating the package lists ...'
quietly as_root apt-get -qq update

# What apt would do: no kernel for this machine comes with it, and nothing goes.
quietly apt-get -s "$@"
unasked=$(sed -n 's/^Remv \([^ ]*\).*/-\1/p; s/^Inst \(linux-image[^ ]*\).*/+\1/p' "$log" | xargs)
[ -z "$unasked" ] || die "apt would also do this, so look at it yourself ($unasked): apt-get $*"
packages=$(grep -c '^Inst ' "$log")
quietly apt-get -qq --print-uris "$@"
fetched=$(awk '$3 ~ /^[0-9]+$/ { bytes += $3 } END { printf "%.0f", bytes / 1e6 }' "$log")
say "installing these and what they need: $packages packages, $fetched MB to fetch ..."

# percent : how far apt is, of its status lines, on a terminal
percent() {
	awk -F : -v terminal="$([ ! -t 2 ] || echo y)" '
		terminal && /^(dl|pm)status:/ {
			printf "\r\033[K%s %d %%", $1 == "dlstatus" ? "fetching" : "installing", $3 >"/dev/stderr"
		}
		END {
			if (terminal)
				printf "\r\033[K" >"/dev/stderr"
		}'
}
# sudo hands no other descriptors on, so one for the status is made behind it.
# shellcheck disable=SC2016  # for the inner shell
{
	as_root env DEBIAN_FRONTEND=noninteractive sh -c 'exec "$@" 3>&1 >&2' sh \
		apt-get -qq -y -o Dpkg::Use-Pty=0 -o APT::Status-Fd=3 "$@" </dev/null 2>"$log" ||
		echo failed >"$log.status"
} | percent
[ ! -e "$log.status" ] || {
	cat "$log" >&2
	die "this failed: apt-get $*"
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# need.sh build|check|demo|bench... : installs the Debian packages that are missing
# for these purposes. Says nothing when none is.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

for_build='make gcc libc6-dev linux-headers-amd64 libpcap-dev libck-dev libknot-dev libvectorscan-dev
	pkg-config'

# mount, procps and kmod are absent from minimal installations;
# bsdextrautils, groff and man-db check the man pages, perl runs checkpatch.
for_demo="$for_build qemu-system-x86 busybox-static cpio kmod xz-utils zstd
	iproute2 ethtool strace bind9-dnsutils"
for_check="$for_demo g++ clang llvm libclang-rt-14-dev libcmocka-dev sparse
	shellcheck linux-source-6.1 mmdebstrap debian-archive-keyring perl
	bsdextrautils man-db groff git tcpdump tshark jq knot-dnsutils dnsperf libevent-2.1-7"
for_bench="$for_demo jq gnuplot-nox libdpdk-dev libxdp-dev libbpf-dev"

[ $# -gt 0 ] || die 'usage: need.sh build|check|demo|bench...'
wanted=
for set in "$@"; do
	case $set in
	build) wanted="$wanted $for_build" ;;
	check) wanted="$wanted $for_check" ;;
	demo) wanted="$wanted $for_demo" ;;
	bench) wanted="$wanted $for_bench" ;;
	*) die "no such set of packages: $set" ;;
	esac
done

# shellcheck disable=SC2086  # a list of words
missing=$(
	# shellcheck disable=SC2016  # dpkg-query's own format fields
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
		awk -v wanted="$wanted" '
			$1 == "installed" { have[$2] = 1 }
			END {
				n = split(wanted, name)
				for (i = 1; i <= n; i++)
					if (!(name[i] in have) && !seen[name[i]]++)
						print name[i]
			}'
)
[ -n "$missing" ] || exit 0

# shellcheck disable=SC2086
set -- $missing
say "updating the package lists ..."
as_root apt-get -qq update
say "installing $* ..."
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
	--no-install-recommends -o Dpkg::Use-Pty=0 install "$@" </dev/null >/dev/null

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# upstream-root.sh : makes the root of the guests of upstream.sh and prints its folder,
# build/roots/upstream-X.Y: what the tests need of Debian 13, and in /linux those parts
# of the sources of Linux X.Y, the series of build/kernels/7, that the tests are in.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

"$top/qemu-tests/need.sh" upstream >&2
series=$(sed 's/^\([0-9]*\.[0-9]*\).*/\1/' "$build/kernels/7/version")
root=$build/roots/upstream-$series
exec 9>"$build/roots/.lock-upstream"
flock 9

tests=$root/linux/tools/testing/selftests
# The last thing that is made.
last=$tests/net/lib/xdp_dummy.bpf.o

# Of 1.7 GB of sources the tests need some 10 MB.
unpack_sources() {
	parts=
	for part in tools/testing/selftests/kselftest.h tools/testing/selftests/net \
		tools/testing/selftests/drivers/net tools/net/ynl Documentation/netlink; do
		parts="$parts linux-source-$series/$part"
	done
	as_root mkdir -p "$root/linux"
	# shellcheck disable=SC2086  # a list of words
	dpkg-deb --fsys-tarfile "$work"/linux-source-*.deb |
		tar -xO "./usr/src/linux-source-$series.tar.xz" |
		as_root tar -xJ -C "$root/linux" --strip-components=1 $parts
}

# helper NAME : a test's program, with the host's compiler; the root's C library is newer.
helper() {
	as_root gcc -O2 -I "$tests" -o "$tests/$1" "$tests/$1.c" >&2
}

make_it() {
	work=$(mktemp -d "$build/roots/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# apt outside of the root, with the root's package lists.
	cat >"$work/fetch" <<-HOOK
		#!/bin/sh
		set -eu
		cd "\$(dirname "\$0")"
		export APT_CONFIG="\$MMDEBSTRAP_APT_CONFIG"
		apt-get -qq -o APT::Sandbox::User=root download linux-source-$series
	HOOK
	chmod +x "$work/fetch"
	say "making a root of trixie with the selftests of Linux $series ..." >&2
	make_root trixie "$root" --variant=essential --dpkgopt=force-unsafe-io \
		--include=ethtool,iperf3,iproute2,iputils-ping,kmod,mount,procps,python3,python3-yaml,socat \
		--customize-hook="$work/fetch"
	unpack_sources
	helper net/lib/csum
	helper net/lib/xdp_helper
	helper drivers/net/napi_id_helper
	as_root clang -O2 -g -target bpf "-I/usr/include/$(gcc -print-multiarch)" \
		-c -o "$last" "$tests/net/lib/xdp_dummy.bpf.c" >&2
}

[ -e "$last" ] || make_it
echo "$root"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# all.sh [quick] : what `make bench` does: all methods on both NICs, or some of them on one
# within a few minutes. Leaves results.json and performance.svg in build/bench.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/../lib.sh"
here=$top/bench top=$(dirname "$top")
build=$top/build
out=$build/bench

# prepare KERNEL : the module, and what else the guest gets
prepare() {
	"$top/qemu-tests/kernel.sh" "$1"
	"$top/qemu-tests/build-module.sh" "$1" >/dev/null
	make -s -C "$top/libuserring" O="$build"
	make -s -C "$top/qemu-tests" O="$build" "$build/qemu-tests/out"
}

"$top/qemu-tests/need.sh" bench
prepare 6.1
if [ "${1-}" = quick ]; then
	"$here/bench.sh" --fast --packets 4096 --methods 'userring udp packet dpdk'
	cp "$out/e1000e-6.1.json" "$out/results.json"
else
	methods='userring queues dpdk xdp tpacket packet udp'
	"$here/bench.sh" --packets 8192 --methods "$methods"
	# AF_XDP without copies came to igb with 6.14.
	prepare 7
	"$here/bench.sh" --nic igb --kernel 7 --packets 8192 --methods "$methods"
	jq -s '{rows: map(.rows) | add}' "$out/e1000e-6.1.json" "$out/igb-7.json" >"$out/results.json"
fi
"$here/chart.sh" "$out/results.json" "$out/performance.svg"
say "rows: $out/results.json"
say "chart: $out/performance.svg"

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

# measure NIC KERNEL OURS PACKETS OTHERS [OPTION...] : two lists of methods. A visit of
# userring's timer is for a thousand packets and more: its rows have enough for many.
measure() {
	local rows=$out/$1-$2.json at=(--nic "$1" --kernel "$2")
	"$here/bench.sh" "${at[@]}" "${@:6}" --packets 40960 --methods "$3"
	mv "$rows" "$out/userring.json"
	"$here/bench.sh" "${at[@]}" "${@:6}" --packets "$4" --methods "$5"
	jq -s '{rows: (.[0].rows + (.[1].rows | map(select(.method != "bench"))))}' \
		"$out/userring.json" "$rows" >"$out/all.json"
	mv "$out/all.json" "$rows"
}

others='dpdk xdp tpacket packet udp'
"$top/qemu-tests/need.sh" bench
prepare 6.1
if [ "${1-}" = quick ]; then
	measure e1000e 6.1 userring 4096 'udp packet dpdk' --fast
	cp "$out/e1000e-6.1.json" "$out/results.json"
else
	make -s -C "$top/apps" O="$build" "$build/apps/urdns"
	measure e1000e 6.1 'userring queues' 8192 "$others urdns nsd knot"
	# AF_XDP without copies came to igb with 6.14.
	prepare 7
	measure igb 7 'userring queues' 8192 "$others"
	jq -s '{rows: map(.rows) | add}' "$out/e1000e-6.1.json" "$out/igb-7.json" >"$out/results.json"
fi
"$here/chart.sh" "$out/results.json" "$out/performance.svg"
say "rows: $out/results.json"
say "chart: $out/performance.svg"

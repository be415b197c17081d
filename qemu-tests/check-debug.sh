#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# check-debug.sh : the programs of qemu-tests/guest on the debug kernel (kernel.sh dbg),
# one guest after the other, and what was found at the end. Some hours. Without t_bench,
# which measures the stock driver.
#   NICS='e1000 e1000e igb'	the NICs under test
#   CPUS='2 1'			how many the guests have
#   FORM=			ur.quick=1: the long programs in their short form
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top"

logs=$build/check-debug
rm -rf "$logs"
mkdir -p "$logs"
qemu-tests/need.sh build check
qemu-tests/build-module.sh dbg
programs=$(cd qemu-tests/guest && printf '%s\n' t_*.c | sed 's/\.c$//' |
	grep -vx -e t_bench -e t_fwd -e t_ids -e t_lanes -e t_same -e t_vf -e t_victim | xargs)
found=''
for nic in ${NICS:-e1000 e1000e igb}; do
	for cpus in ${CPUS:-2 1}; do
		log=$logs/$nic-$cpus
		status=0
		qemu-tests/run.sh --kernel dbg --nic "$nic" --smp "$cpus" \
			--tests "$programs" ${FORM:+--args "$FORM"} >"$log" 2>&1 </dev/null || status=$?
		grep -E '^(pass|fail|skip|config) ' "$log" || true
		[ "$status" = 0 ] || found="$found $log"
	done
done
[ -n "$found" ] || {
	say 'nothing found'
	exit 0
}
for log in $found; do
	say "found, in $log:"
	grep -E '^fail ' "$log" || tail -n 5 "$log"
done
exit 1

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# check.sh : everything that must hold before a change goes in; what CI runs.
# Each stage counts as one test, or as many as it says itself in a closing line
# "N passed, N failed". What cannot run has failed. The last line is the total.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top"

# Another name of the compiler would build all of it anew.
export CC=gcc
# On what differs in one thing: other kernels, another board, no MSI, two CPUs.
short_tests='t_netdev t_poll t_mmap t_frames'
# What is used after it was freed, or written beyond its end, shows itself.
memory_checks='page_poison=1 slub_debug=FZPU'

# LONG=1: the long form of the long tests everywhere, an hour or more.
form=ur.quick=1
[ -z "${LONG:-}" ] || form=''

logs=$build/check
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0 failures=()

# How a line begins that says that a test failed.
# cmocka's fail_msg() writes past its TAP, to stderr.
a_failure='^(fail|not ok|FAILED|ERROR:|[[]  FAILED) '

log_of() { echo "$logs/${1//[^a-zA-Z0-9.]/-}"; }

# take LOG STATUS SECONDS NAME : counts a finished stage and says how it went.
take() {
	local counts names p=1 f=0
	counts=$(grep -oE '[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1) || true
	if [ -n "$counts" ]; then
		p=${counts%% *}
		f=${counts#*, }
		f=${f%% *}
	elif [ "$2" != 0 ]; then
		p=0
	fi
	# A stage that failed without counting a failure, or counted nothing.
	if [ "$f" = 0 ] && { [ "$2" != 0 ] || [ "$p" = 0 ]; }; then
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f))
	if [ "$f" = 0 ]; then
		printf 'ok     %4d s  %s (%d)\n' "$3" "$4" "$p"
	else
		printf 'FAILED %4d s  %s (%d passed, %d failed)\n' "$3" "$4" "$p" "$f"
		names=$(grep -E "$a_failure" "$1") || true
		failures+=("$4${names:+$'\n'$(head -n 20 <<<"$names")}")
		[ -n "$names" ] || echo 'no test of it says so'
		# Each with what it says of itself, which comes behind it.
		awk -v failure="$a_failure" '
			$0 ~ failure || told && /^(  \||#)/ { print; told = 1; next }
			{ told = 0 }' "$1" | head -n 100
		grep -vE '^(pass|fail) ' "$1" | tail -n 60 | sed 's/^/  | /'
	fi
}

# stage NAME COMMAND... : runs it and counts it.
stage() {
	local name=$1 log start=$SECONDS status=0
	log=$(log_of "$1")
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	take "$log" "$status" "$((SECONDS - start))" "$name"
}

checkpatch() {
	local dir=$build/kselftest
	tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$dir" --strip-components=2 \
		--occurrence=1 linux-source-6.1/scripts/checkpatch.pl \
		linux-source-6.1/scripts/spelling.txt \
		linux-source-6.1/scripts/const_structs.checkpatch &&
		perl "$dir/checkpatch.pl" --no-tree --terse --show-types --no-summary \
			--max-line-length=100 -f driver/*.[ch] uapi/*.h
}

headers_alone() {
	local header status=0
	local flags='-Wall -Wextra -Werror -fsyntax-only -Iuapi -Ilibuserring/include'
	for header in uapi/*.h $(find libuserring/include -name '*.h'); do
		# As an include, because a main file is told off for "#pragma once" and
		# for static functions that nobody calls.
		# shellcheck disable=SC2086  # a list of words
		echo "#include \"$header\"" | gcc -std=c11 -pedantic -I. $flags -x c - || status=1
		# A check of layouts is nothing that a C++ program includes.
		[ "$header" != uapi/layout_check.h ] || continue
		# shellcheck disable=SC2086
		echo "#include \"$header\"" | g++ -I. $flags -x c++ - || status=1
	done
	return $status
}

scripts_clean() {
	local scripts
	mapfile -t scripts < <(git ls-files -co --exclude-standard |
		xargs grep -lE '^#!/bin/(ba|busybox )?sh' --)
	shellcheck -x "${scripts[@]}" qemu-tests/lib.sh
}

# What has a guest: two run at a time, each is reported as it ends.
declare -A job_log=() job_name=() job_start=()
job() {
	local name=$1 log
	log=$(log_of "$1")
	shift
	[ "${#job_log[@]}" -lt 2 ] || job_ended
	"$@" >"$log" 2>&1 </dev/null &
	job_log[$!]=$log job_name[$!]=$name job_start[$!]=$SECONDS
}

guest() {
	local name=$1
	shift
	job "$name" qemu-tests/run.sh "$@"
}

job_ended() {
	local pid status=0
	wait -n -p pid || status=$?
	grep -E '^(pass|skip) ' "${job_log[$pid]}" || true
	take "${job_log[$pid]}" "$status" "$((SECONDS - job_start[$pid]))" "${job_name[$pid]}"
	unset "job_log[$pid]"
}

module() {
	stage "module for $1, W=1" qemu-tests/build-module.sh "$1"
	# Debian's headers of 7 lack scripts/checker-valid.sh, without which C=2 does nothing.
	[ "$1" = 7 ] || stage "module for $1, sparse" \
		qemu-tests/build-module.sh "$1" C=2 CF=-D__CHECK_ENDIAN__
}

stage 'packages' qemu-tests/need.sh build check
for kernel in 6.1 6.12 7; do
	stage "kernel $kernel" qemu-tests/kernel.sh "$kernel"
done
# What a guest has; then the longest one, beside all that needs none.
module 6.1
stage 'library, gcc' make -j"$(nproc)" -C libuserring O="$build"
stage 'apps, gcc' make -j"$(nproc)" -C apps O="$build"
stage 'far end and guest tests' make -j"$(nproc)" -C qemu-tests O="$build"
stage 'accelerator' qemu-tests/accel.sh
guest 'guest e1000e, iommu on, 6.1' --nic e1000e

module 6.12
module 7
stage 'library, clang' make -C libuserring O="$top/build-clang" CC=clang
stage 'apps, clang' make -C apps O="$top/build-clang" CC=clang
stage 'library tests, sanitizers' make -C libuserring O="$build" check
stage 'library tests, sanitizers, clang' make -C libuserring O="$top/build-clang" CC=clang check
stage 'library tests, threads' make -C libuserring O="$build" check-threads
stage 'apps tests' make -C apps O="$build" check
stage 'urids as Suricata' make -C apps O="$build" check-suricata
stage 'urids on any bytes' make -C apps O="$build" fuzz-ids FUZZ_S=15
stage 'urdns and NSD' make -C apps O="$build" check-dns
stage 'apps tests, threads' make -C apps O="$build" check-threads
stage 'headers alone' headers_alone
stage 'checkpatch' checkpatch
stage 'shellcheck' scripts_clean

# Once, before two guests want it at the same time.
stage 'QEMU with igb' qemu-tests/qemu.sh
stage 'demo' qemu-tests/demo.sh
# The whole suite, the longest first: the long form of the long tests once a family.
guest 'guest e1000, iommu on, 6.1' --nic e1000
guest 'guest igb, iommu on, 6.1' --nic igb --args "$form"
for nic in e1000e e1000 igb; do
	guest "guest $nic, iommu off, 6.1" --nic "$nic" --iommu off --args "$form"
done
job 'instructions a packet' qemu-tests/bench/bench.sh --gate
for nic in e1000e igb; do
	job "urdns in a guest, $nic" qemu-tests/demo.sh --nic "$nic" --test
done
for nic in igb e1000 e1000e; do
	for iommu in off on; do
		guest "guest $nic, iommu $iommu, chaos" --nic "$nic" --iommu "$iommu" \
			--tests t_chaos --args "$memory_checks ur.rounds=200"
	done
done
for kernel in 6.12 7; do
	guest "guest e1000e, kernel $kernel" --kernel "$kernel" --tests "$short_tests"
done
# A million frames and more from port to port, both ways.
guest 'guest e1000e to e1000, iommu on' --nic e1000e --nic2 e1000 \
	--tests 't_fwd t_ids t_same'
guest 'guest e1000 to e1000e, iommu off' --nic e1000 --nic2 e1000e --iommu off \
	--tests 't_fwd t_same' --args "$form"
guest 'guest igb to e1000e, iommu on' --nic igb --nic2 e1000e --tests 't_fwd t_lanes t_ids t_same'
guest 'guest 82545EM' --nic e1000-82545em --tests "$short_tests"
guest 'guest e1000e, INTx' --args pci=nomsi --tests "$short_tests"
for nic in e1000 e1000e; do
	guest "guest $nic, instructions" --nic "$nic" --icount
done
guest 'guest e1000e, two CPUs' --smp 2 --tests "$short_tests t_tap t_host t_host_wire t_host_tx"
guest 'guest igb, virtual functions' --nic igb --args "$form" --tests t_vf
guest 'guest igb, two CPUs' --nic igb --smp 2 \
	--tests "$short_tests t_queues t_neighbours t_rss"
while [ "${#job_log[@]}" -gt 0 ]; do
	job_ended
done

for failure in "${failures[@]}"; do
	say "failed: $failure"
done
say "in $((SECONDS / 60)) min $((SECONDS % 60)) s"
say "$passed passed, $failed failed"
[ "$failed" = 0 ]

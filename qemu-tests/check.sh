#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# check.sh : everything that must hold before a change goes in; what CI runs.
# Each stage counts as one test, or as many as it says itself in a closing line
# "N passed, N failed". What cannot run has failed. The last line is the total.
#
# A line "begin" says what comes, and how long the rest took the last time; on a
# terminal it is one line that changes in place.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top"
known_suite

# Another name of the compiler would build all of it anew.
export CC=gcc
# On what differs in one thing: other kernels, another board, no MSI, two CPUs.
short_tests='t_netdev t_poll t_mmap t_frames'
# What is mapped for a device, and when it is not any more.
memory_tests='t_attach t_pools t_nomem t_mmap t_memory t_ring t_frames t_traffic t_hostile'
memory_tests="$memory_tests t_scribble t_lifecycle t_handover t_crash t_storm t_unplug t_reset"
memory_tests="$memory_tests t_netdev t_host t_host_wire t_host_tx t_tap"
# What is used after it was freed, or written beyond its end, shows itself.
memory_checks='page_poison=1 slub_debug=FZPU'
# Locks, lifetimes, and whatever takes the device or the queue away from somebody.
debug_tests='t_unplug t_locks t_fair t_reset t_handover t_storm t_hostile t_queues t_chaos'

# Where a newcomer's first steps are tried.
other_suite=trixie
[ "$host_suite" != trixie ] || other_suite=bookworm

# LONG=1: the long form of the long tests everywhere, an hour or more.
form=ur.quick=1
[ -z "${LONG:-}" ] || form=''

logs=$build/check
rm -rf "$logs"
mkdir -p "$logs"
touch "$logs/jobs" "$logs/ended" "$logs/taken" "$logs/times"
passed=0 failed=0
declare -A failures=()

# How a line begins that says that a test failed.
# cmocka's fail_msg() writes past its TAP, to stderr.
a_failure='^(fail|not ok|FAILED|ERROR:|[[]  FAILED) '

log_of() { echo "$logs/${1//[^a-zA-Z0-9.]/-}"; }

# ---- what is under way ----

# When each stage began the last time, in seconds, and "total".
# Kept outside of the checkout, as the debug kernel is.
times=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/userring/check.times
declare -A last_began=()
read_times() {
	local seconds name
	while read -r seconds name; do
		last_began[$name]=$seconds
	done <"$times"
}
[ ! -r "$times" ] || read_times

# On a terminal a line that is complete goes over the one that changes.
wipe='' columns=80
if [ -t 1 ]; then
	wipe=$'\r\033[K'
	columns=$(tput cols 2>/dev/null) || columns=80
fi
emit() { sed -u "s/^/$wipe/"; }

# so_far TEXT LEFT : LEFT is empty where no run before this one says it.
so_far() { echo "$1; $((SECONDS / 60)) min so far${2:+, about $((($2 + 59) / 60)) left}"; }

# shown_in_place : the last beginning, again each second.
shown_in_place() {
	local at left text
	while sleep 1; do
		IFS='|' read -r at left text <"$logs/now" || continue
		[ -z "$left" ] || left=$((left > SECONDS - at ? left - SECONDS + at : 0))
		text=$(so_far "$text" "$left")
		printf '%s%s' "$wipe" "${text:0:columns-1}"
	done
}

# While stages are counted none begins.
plan='' planned=0
# begin NAME
begin() {
	local left='' text
	echo "$SECONDS $1" >>"$logs/times"
	text="$(wc -l <"$logs/times") of $planned: $1"
	if [ -n "${last_began[total]-}" ] && [ -n "${last_began[$1]-}" ]; then
		left=$((last_began[total] - last_began[$1]))
	fi
	[ -n "$wipe" ] || say "begin  $(so_far "$text" "$left")"
	echo "$SECONDS|$left|$text" >"$logs/now.$BASHPID"
	mv "$logs/now.$BASHPID" "$logs/now"
}

# ---- stages ----

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
	failed_here=$f
	if [ "$f" = 0 ]; then
		printf '%sok     %4d s  %s (%d)\n' "$wipe" "$3" "$4" "$p"
	else
		printf '%sFAILED %4d s  %s (%d passed, %d failed)\n' "$wipe" "$3" "$4" "$p" "$f"
		names=$(grep -E "$a_failure" "$1") || true
		failures[$4]=$(head -n 20 <<<"$names")
		why "$1" "$names" | emit
	fi
}

# why LOG FAILURES
why() {
	[ -n "$2" ] || echo 'no test of it says so'
	# Each with what it says of itself, which comes behind it.
	awk -v failure="$a_failure" '
		$0 ~ failure || told && /^(  \||#)/ { print; told = 1; next }
		{ told = 0 }' "$1" | head -n 100
	grep -vE '^(pass|fail) ' "$1" | tail -n 60 | sed 's/^/  | /'
}

# stage NAME COMMAND... : runs it and counts it.
stage() {
	local name=$1 log start=$SECONDS status=0
	[ -z "$plan" ] || {
		planned=$((planned + 1))
		return 0
	}
	log=$(log_of "$1")
	begin "$name"
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	take "$log" "$status" "$((SECONDS - start))" "$name"
	collect
}

checkpatch() {
	local dir=$build/kselftest
	tar -xJf "$source_archive" -C "$dir" --strip-components=2 --occurrence=1 \
		"$source_package/scripts/checkpatch.pl" \
		"$source_package/scripts/spelling.txt" \
		"$source_package/scripts/const_structs.checkpatch" &&
		perl "$dir/checkpatch.pl" --no-tree --terse --show-types --no-summary \
			--max-line-length=100 -f driver/*.[ch] driver/hw/*.[ch] ring/*.h uapi/*.h
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

# ---- jobs ----

# What has a guest, which uses one CPU and waits at times, runs beside the stages: a worker
# takes one job after the other. When the stages are over a second one helps it. What passes
# is shown at once, each line says on which configuration; what fails is told when the job
# has ended, with all of it.
#	$logs/jobs	NAME|COMMAND, one a line; last "|", when there come no more
#	$logs/ended	STATUS SECONDS NAME
job() {
	local name=$1
	[ -z "$plan" ] || {
		planned=$((planned + 1))
		return 0
	}
	shift
	echo "$name|${*@Q}" >>"$logs/jobs"
}

declare -A guest_command=()
guest() {
	local name=$1
	shift
	guest_command[$name]=${*@Q}
	job "$name" qemu-tests/run.sh "$@"
}

# next_job : the next one into "next", once there is one
next_job() {
	local taken
	while :; do
		exec 8>>"$logs/taken"
		flock 8
		taken=$(wc -l <"$logs/taken")
		next=$(sed -n "$((taken + 1))p" "$logs/jobs")
		[ -z "$next" ] || [ "$next" = '|' ] || echo x >&8
		exec 8>&-
		[ -z "$next" ] || return 0
		sleep 1
	done
}

worker() {
	local next name log words start status pid=''
	trap '[ -z "$pid" ] || kill "$pid"; exit 143' TERM
	next_job
	while [ "$next" != '|' ]; do
		name=${next%%|*} start=$SECONDS status=0
		log=$(log_of "$name")
		eval "words=(${next#*|})"
		begin "$name"
		"${words[@]}" >"$log" 2>&1 </dev/null &
		pid=$!
		tail --pid="$pid" -s 0.3 -n +1 -F "$log" 2>/dev/null |
			sed -nu "/^\(pass\|skip\) /s/^/$wipe/p" &
		wait "$pid" || status=$?
		pid=''
		wait
		echo "$status $((SECONDS - start)) $name" >>"$logs/ended"
		next_job
	done
}

# collect : counts the jobs that have ended since
collected=0
collect() {
	local status seconds name
	while read -r status seconds name; do
		collected=$((collected + 1))
		take "$(log_of "$name")" "$status" "$seconds" "$name"
		[ "$failed_here" = 0 ] || late "$name" "$(log_of "$name")"
	done < <(tail -n +"$((collected + 1))" "$logs/ended")
}

workers=()
start_worker() {
	[ -z "$plan" ] || return 0
	worker &
	workers+=($!)
}

# finish_jobs : waits for them
finish_jobs() {
	[ "${#workers[@]}" -gt 0 ] || return 0
	echo '|' >>"$logs/jobs"
	start_worker
	while kill -0 "${workers[@]}" 2>/dev/null; do
		sleep 1
		collect
	done
	workers=()
	collect
}

# What a guest does in a given time depends on what else this machine does. So a program
# in which a test failed runs once more, with nothing beside it, and what fails then has
# failed. That holds for a few; and not at all for a guest whose kernel complained, or that
# did not come to its end: such a thing needs to happen only once.
again_most=3
declare -A again_programs=() again_count=()

# late NAME LOG : remembers what is to run again
late() {
	local names programs
	names=$(sed -n 's,^fail  *[0-9.]* s  *\([^/]*\)/\([^ ]*\) .*,\1 \2,p' "$2")
	[ -n "${guest_command[$1]-}" ] && [ -n "$names" ] || return 0
	! grep -qE '[(](dmesg|end|plan|program|boot|guest|qemu)[)]' <<<"$names" || return 0
	programs=$(cut -d ' ' -f 1 <<<"$names" | sort -u | tr '\n' ' ')
	again_programs[$1]=${programs% }
	again_count[$1]=$failed_here
}

run_again() {
	local name log words
	[ "${#again_programs[@]}" -le "$again_most" ] || return 0
	for name in "${!again_programs[@]}"; do
		log=$(log_of "$name, again")
		eval "words=(${guest_command[$name]})"
		say "again  ${again_programs[$name]} of $name, with nothing beside it"
		qemu-tests/run.sh "${words[@]}" --tests "${again_programs[$name]}" \
			>"$log" 2>&1 </dev/null || {
			why "$log" "$(grep -E "$a_failure" "$log")"
			continue
		}
		failed=$((failed - again_count[$name])) passed=$((passed + again_count[$name]))
		say "passed when it ran again: $name"$'\n'"${failures[$name]}"
		unset "failures[$name]"
	done
}

module() {
	stage "module for $1, W=1" qemu-tests/build-module.sh "$1"
	case $1 in
	# Debian's headers of 7 lack scripts/checker-valid.sh, without which C=2 does nothing.
	7 | dbg) return ;;
	esac
	stage "module for $1, sparse" qemu-tests/build-module.sh "$1" C=2 CF=-D__CHECK_ENDIAN__
}

packages() { stage 'packages' qemu-tests/need.sh build check; }

# All on the kernel that most have. The first is the longest one.
guests_of_6_1() {
	guest 'guest e1000e, iommu on, 6.1' --nic e1000e
	for nic in e1000 igb; do
		guest "guest $nic, iommu on, 6.1" --nic "$nic" --args "$form"
	done
	guest 'guest e1000e, iommu off, 6.1' --nic e1000e --iommu off --args "$form"
	for nic in e1000 igb; do
		guest "guest $nic, iommu off, 6.1" --nic "$nic" --iommu off --args "$form" \
			--tests "$memory_tests"
	done
	for nic in igb e1000 e1000e; do
		for iommu in off on; do
			guest "guest $nic, iommu $iommu, chaos" --nic "$nic" --iommu "$iommu" \
				--tests t_chaos --args "$memory_checks ur.rounds=200"
		done
	done
	# A million frames and more from port to port, both ways.
	guest 'guest e1000e to e1000, iommu on' --nic e1000e --nic2 e1000 \
		--tests 't_fwd t_ids t_same'
	guest 'guest e1000 to e1000e, iommu off' --nic e1000 --nic2 e1000e --iommu off \
		--tests 't_fwd t_same' --args "$form"
	guest 'guest igb to e1000e, iommu on' --nic igb --nic2 e1000e --tests 't_fwd t_lanes t_ids t_same'
	guest 'guest 82545EM' --nic e1000-82545em --tests "$short_tests"
	guest 'guest e1000e, INTx' --args pci=nomsi --tests "$short_tests"
	guest 'guest igb, virtual functions' --nic igb --args "$form" --tests t_vf
	for nic in e1000 e1000e; do
		guest "guest $nic, instructions" --nic "$nic" --icount
	done
}

# Two CPUs, so that two can want a lock at once.
guests_of_two_cpus() {
	guest 'guest e1000e, debug kernel' --kernel dbg --smp 2 --args ur.quick=1 --tests "$debug_tests"
	guest 'guest igb, debug kernel' --kernel dbg --nic igb --smp 2 --args ur.quick=1 \
		--tests 't_unplug t_storm t_queues'
	for kernel in 6.12 7; do
		guest "guest e1000e, kernel $kernel" --kernel "$kernel" --smp 2 --tests "$short_tests t_locks"
	done
	guest 'guest igb, kernel 7' --kernel 7 --nic igb --smp 2 --tests 't_napi t_tap t_reset'
	guest 'guest e1000e, two CPUs' --smp 2 --tests "$short_tests t_locks t_fair t_tap t_host t_host_wire t_host_tx"
	guest 'guest igb, two CPUs' --nic igb --smp 2 \
		--tests "$short_tests t_queues t_neighbours t_rss"
}

all() {
	# What a guest has; then the guests, beside all that needs none.
	stage 'kernel 6.1' qemu-tests/kernel.sh 6.1
	module 6.1
	stage 'library, gcc' make -j"$(nproc)" -C libuserring O="$build"
	stage 'apps, gcc' make -j"$(nproc)" -C apps O="$build"
	stage 'link partner and guest tests' make -j"$(nproc)" -C qemu-tests O="$build"
	stage 'accelerator' qemu-tests/accel.sh
	stage 'QEMU with igb' qemu-tests/qemu.sh
	# Two CPUs, and nothing beside them.
	stage 'guest e1000e, a neighbour of a process' qemu-tests/run.sh --smp 2 --tests t_victim
	guests_of_6_1
	start_worker

	for kernel in 6.12 7 dbg; do
		stage "kernel $kernel" qemu-tests/kernel.sh "$kernel"
	done
	module dbg
	module 6.12
	module 7
	stage 'library, clang' make -C libuserring O="$top/build-clang" CC=clang
	stage 'apps, clang' make -C apps O="$top/build-clang" CC=clang
	stage 'library tests, sanitizers' make -C libuserring O="$build" check
	stage 'library tests, sanitizers, clang' make -C libuserring O="$top/build-clang" CC=clang check
	stage 'library tests, compilers' make -C libuserring O="$build" check-compilers QUICK=1
	stage 'library tests, threads' make -C libuserring O="$build" check-threads
	stage 'apps tests' make -C apps O="$build" check
	stage 'urids as Suricata' make -C apps O="$build" check-suricata
	stage 'urids on any bytes' make -C apps O="$build" fuzz-ids FUZZ_S=15
	stage 'urdns and NSD' make -C apps O="$build" check-dns
	stage 'apps tests, threads' make -C apps O="$build" check-threads
	stage 'headers alone' headers_alone
	stage 'words of the texts' qemu-tests/words.sh
	stage 'pictures' docs/pictures/make.sh --check
	stage 'checkpatch' checkpatch
	stage 'shellcheck' scripts_clean
	stage 'install and uninstall' qemu-tests/install.sh
	stage 'Debian packages' qemu-tests/packages.sh "$host_suite"
	stage 'demo' qemu-tests/demo.sh
	stage 'suites of Debian' qemu-tests/suites-test.sh
	stage "a fresh machine of $other_suite" qemu-tests/fresh.sh "$other_suite" demo

	job 'instructions a packet' qemu-tests/bench/bench.sh --gate
	for nic in e1000e igb; do
		job "urdns in a guest, $nic" qemu-tests/demo.sh --kernel 6.1 --nic "$nic" --test
	done
	guests_of_two_cpus
}

# What else goes on beside the stages.
beside=()
stop_beside() {
	for pid in "${beside[@]}" "${workers[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	beside=()
}

# finish : what is still under way, then the whole result
finish() {
	finish_jobs
	run_again
	stop_beside
	printf '%s' "$wipe"
	for name in "${!failures[@]}"; do
		say "failed: $name${failures[$name]:+$'\n'${failures[$name]}}"
	done
	say "in $((SECONDS / 60)) min $((SECONDS % 60)) s"
	say "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

plan=y
packages
all
plan=''
say "$planned stages on $host_suite${last_began[total]:+; the last time it took $((last_began[total] / 60)) min}"
trap stop_beside EXIT
trap 'exit 130' INT TERM HUP
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then
	# Its questions would be among what stages say, and a password holds for minutes only.
	sudo true || die 'some stages need root, and sudo does not give it'
	while sleep 60; do sudo -n true; done >/dev/null 2>&1 &
	beside+=($!)
fi
if [ -n "$wipe" ]; then
	shown_in_place 2>/dev/null &
	beside+=($!)
fi
packages
# Without them nothing else can be done.
[ "$failed" = 0 ] || finish
all
status=0
finish || status=$?
echo "$SECONDS total" >>"$logs/times"
mkdir -p "$(dirname "$times")"
cp "$logs/times" "$times"
[ "$status" = 0 ]

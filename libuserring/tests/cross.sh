#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# cross.sh FOLDER TEST...: builds the library and these tests for CPUs of another byte
# order, of 32 bits, or with another order of memory, and runs them: a line each, then
# the count of all. In QEMU's user mode, but for i386, which an x86 runs itself: there
# QEMU fails at signals and at folders. Debian's cross compilers; what they have to be
# linked with is fetched for the CPU and unpacked into FOLDER, and nothing of it is
# installed.
#
# QEMU on x86 shows no weak order of memory. CPUS='arm64 i386': only these.
set -eu

dir=$1
shift
tests=$*
passed=0
failed=0

# fetch ARCH ROOT : unpacks the libraries of that architecture
fetch() {
	[ ! -e "$2/done" ] || return 0
	mkdir -p "$2/deb/lists/partial" "$2/deb/archives/partial"
	root=$2
	set -- -o APT::Architecture="$1" -o APT::Architectures="$1" \
		-o Dir::State::Lists="$2/deb/lists" -o Dir::State::Status=/dev/null \
		-o Dir::Cache="$2/deb" -o APT::Sandbox::User=root
	# a list of a mirror that is just changing is not needed
	apt-get -qq "$@" update || :
	(cd "$root/deb" &&
		apt-get -qq "$@" download libcmocka0 libcmocka-dev libck0 libck-dev libc6)
	for deb in "$root"/deb/*.deb; do
		dpkg-deb -x "$deb" "$root"
	done
	touch "$root/done"
}

# run_by CPU TRIPLET PATH : the command in front of a program
run_by() {
	case $1 in
	arm64) echo "qemu-aarch64-static -L /usr/$2 -E LD_LIBRARY_PATH=$3" ;;
	s390x) echo "qemu-s390x-static -L /usr/$2 -E LD_LIBRARY_PATH=$3" ;;
	i386) echo "/usr/$2/lib/ld-linux.so.2 --library-path $3" ;;
	esac
}

# one ARCH TRIPLET
one() {
	root=$dir/root-$1
	o=$dir/$1
	log=$dir/$1.log
	fetch "$1" "$root"
	cmocka=$(echo "$root"/usr/lib/*/libcmocka.so.*.*)
	lib=$(dirname "$cmocka")
	# what is linked to libc is that of the compiler
	programs=
	for test in $tests; do
		programs="$programs $o/tests/libuserring/test_$test"
	done
	# what a test has asserted its compiler does not see everywhere
	# shellcheck disable=SC2086  # a list of words
	if ! make -s O="$o" CC="$2-gcc" CFLAGS='-O2 -g' SANITIZE= \
		WARN='-Wall -Wextra -Werror -Wno-maybe-uninitialized' \
		CPPFLAGS="-I../uapi -Iinclude -I.. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -idirafter $root/usr/include -idirafter $root/usr/include/$2" \
		CMOCKA="$cmocka" PCAP= $programs > "$log" 2>&1; then
		ok=0
		bad=1
		grep -E 'error|warning' "$log" | head -n 5
	else
		RUN=$(run_by "$1" "$2" "$lib:/usr/$2/lib") tests/run.sh $programs >> "$log" 2>&1 || :
		count=$(tail -n 1 "$log")
		ok=${count%% *}
		bad=${count#*, }
		bad=${bad%% *}
		grep -E '^(not ok|#|ERROR)' "$log" | head -n 40 || :
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	echo "$1: $ok passed, $bad failed"
}

for cpu in ${CPUS:-arm64 s390x i386}; do
	case $cpu in
	arm64) one arm64 aarch64-linux-gnu ;;
	s390x) one s390x s390x-linux-gnu ;;
	i386) one i386 i686-linux-gnu ;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

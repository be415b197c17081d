#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# suites-test.sh : what the scripts make of a machine's suite: refusals, the packages they
# name, what a user without sudo is told, the mirror they find in the lists of apt.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
# expect WHAT WANT GOT : WANT is a pattern
expect() {
	# shellcheck disable=SC2053
	if [[ $3 == $2 ]]; then
		passed=$((passed + 1))
		say "pass $1"
	else
		failed=$((failed + 1))
		say "fail $1" "  | wanted: $2" "  | came: $3"
	fi
}

# on CODENAME COMMAND... : as on a machine of that suite; what it says, and its status
on() {
	printf 'PRETTY_NAME="%s"\nVERSION_CODENAME=%s\n' "Debian of $1" "$1" >"$dir/os-release"
	shift
	# shellcheck disable=SC2016  # for the inner shell
	as_root unshare -m sh -c 'mount --bind "$0" "$(readlink -f /etc/os-release)" && exec "$@"' \
		"$dir/os-release" "$@" 2>&1 || echo "status $?"
}

refusal='works on Debian 12 (bookworm) and 13 (trixie), and this machine has Debian of forky'
for script in 'need.sh check' 'kernel.sh own' check.sh 'demo.sh --build' 'knot.sh'; do
	# shellcheck disable=SC2086  # with its arguments
	expect "refused/${script%.sh*}" "${script%% *}: $refusal"$'\n''status 1' \
		"$(on forky "$top/qemu-tests/"$script)"
done
expect packages/bookworm '*libclang-rt-14-dev*libevent-2.1-7 linux-source-6.1' \
	"$(on bookworm "$top/qemu-tests/need.sh" --print check)"
expect packages/trixie '*libclang-rt-19-dev*libevent-2.1-7t64' \
	"$(on trixie "$top/qemu-tests/need.sh" --print check)"

# nobody COMMAND... : as a user without sudo, who has no packages installed either
nobody() {
	as_root cp -r "$top/qemu-tests" "$dir/"
	as_root chmod 755 "$dir"
	mkdir -p "$dir/bin"
	printf '#!/bin/sh\nexit 0\n' >"$dir/bin/dpkg-query"
	# All that is needed up to the refusal, and no sudo.
	for program in sh dirname basename awk id xargs; do
		ln -sf "$(command -v "$program")" "$dir/bin/"
	done
	chmod 755 "$dir/bin/dpkg-query"
	as_root setpriv --reuid=65534 --regid=65534 --clear-groups \
		env -i PATH="$dir/bin" "$@" 2>&1 || echo "status $?"
}
expect refused/no-sudo "need.sh: Debian packages are missing, and it takes root to install them: $(
	"$top/qemu-tests/need.sh" --print demo)"$'\n''status 1' "$(nobody "$dir/qemu-tests/need.sh" demo)"

# list URI SUITE ORIGIN LABEL CODENAME : as apt has it after an update
lists=$dir/lists
list() {
	echo "deb [trusted=yes] $1 $2 main" >>"$dir/sources"
	local name=${1#*:}
	name=${name#//}
	name=${name%/}
	name=$lists/${name//\//_}_dists_$2
	printf 'Origin: %s\nLabel: %s\nSuite: %s\nCodename: %s\n' "$3" "$4" "$2" "$5" >"${name}_Release"
	: >"${name}_main_binary-amd64_Packages"
}

# mirror_found CODENAME [LABEL] : with these lists
mirror_found() {
	cat >"$dir/apt.conf" <<-CONF
		Dir::Etc::sourcelist "$dir/sources";
		Dir::Etc::sourceparts "/dev/null";
		Dir::State::lists "$lists";
		Dir::Cache "$dir";
	CONF
	host_suite=$1 APT_CONFIG=$dir/apt.conf debian_mirror ${2+"$2"}
}

# lists_anew
lists_anew() {
	rm -rf "$lists"
	mkdir -p "$lists/partial"
	: >"$dir/sources"
}

lists_anew
list http://other.invalid/apt trixie 'Other' 'Other' trixie
list http://safe.invalid/debian-security trixie-security Debian Debian-Security trixie
list http://back.invalid/debian bookworm Debian Debian bookworm
list http://own.invalid/debian/ trixie Debian Debian trixie
expect mirror/own http://own.invalid/debian "$(mirror_found trixie)"
expect mirror/older http://back.invalid/debian "$(mirror_found bookworm)"
expect mirror/any http://back.invalid/debian "$(mirror_found sid)"
expect mirror/security http://safe.invalid/debian-security "$(mirror_found trixie Debian-Security)"
lists_anew
printf '# some\nhttp://listed.invalid/debian/\tpriority:1\nhttp://second.invalid/debian\n' >"$dir/mirrors"
list "mirror+file:$dir/mirrors" trixie Debian Debian trixie
expect mirror/listed http://listed.invalid/debian "$(mirror_found trixie)"
lists_anew
list http://other.invalid/apt trixie 'Other' 'Other' trixie
list http://safe.invalid/debian-security trixie-security Debian Debian-Security trixie-security
expect mirror/none '' "$(mirror_found trixie)"

say "$passed passed, $failed failed"
[ "$failed" = 0 ]

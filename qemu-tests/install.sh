#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# install.sh : what "make install" puts where, that "make uninstall" takes away just
# that, and that all parts are of the version that VERSION says. Installs into a folder
# of its own. The last line is "N passed, N failed".
set -u
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1

mkdir -p "$build"
dir=$(mktemp -d "$build/install.XXXXXX")
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

t() {
	local name=$1
	shift
	if "$@" >"$dir/log" 2>&1; then
		passed=$((passed + 1))
		say "ok $name"
	else
		failed=$((failed + 1))
		say "not ok $name"
		sed 's/^/# /' "$dir/log"
	fi
}

# The version -----------------------------------------------------------

version=$(cat VERSION)

# says WHAT VERSION
says() { [ "$2" = "$version" ] || { echo "$1 says '$2', VERSION '$version'"; return 1; }; }

defined() { sed -n "s/^#define[[:space:]]$1[[:space:]]*\"\(.*\)\"/\1/p" "$2"; }

t 'VERSION is a version' grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' VERSION
t 'version of the module' says driver/urk.h "$(defined URK_VERSION driver/urk.h)"
t 'version of the apps' says apps/common/common.h "$(defined APP_VERSION apps/common/common.h)"
t 'version of the packages' says debian/changelog \
	"$(sed -n '1s/^userring (\(.*\)) .*/\1/p' debian/changelog)"
# A symbol that is new there belongs into both, with the version of the next release.
symbols() {
	diff <(sed -n 's/^[[:space:]]*\(ur_[a-z0-9_]*\);$/\1/p' libuserring/libuserring.map | sort) \
		<(sed -n 's/^ \(ur_[a-z0-9_]*\)@.*/\1/p' debian/libuserring1.symbols | sort)
}
t 'libuserring1.symbols has what libuserring.map has' symbols
# Its first heading with a version, if it has one yet.
if [ -e CHANGELOG.md ]; then
	t 'version of the changes' says CHANGELOG.md \
		"$(grep -E '^## ' CHANGELOG.md | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)"
fi

# Library and programs --------------------------------------------------

root=$dir/root
apps='urdump urecho urgen urfwd urdns urids urctl urkeep'

# into TARGET... : as a user types it.
into() { make -s -j"$(nproc)" DESTDIR="$root" "$@"; }
files() { (cd "$root" && find . ! -type d | sort); }

t 'make install' into install

programs() {
	local app
	for app in $apps; do
		[ -x "$root/usr/local/bin/$app" ] || { echo "no bin/$app"; return 1; }
		# a backtrace has names
		nm "$root/usr/local/bin/$app" | grep -q ' T main$' || { echo "stripped: $app"; return 1; }
		[ -e "$root/usr/local/share/man/man8/$app.8" ] || { echo "no man page of $app"; return 1; }
		grep -q "^complete .*\<$app\>" "$root/usr/local/share/bash-completion/completions/$app" ||
			{ echo "no completion of $app"; return 1; }
	done
	[ ! -e "$root/usr/local/sbin" ]
}
t 'programs, their pages and completion' programs

# What a page names is found by that name, and is the page that it is said to be.
pages() {
	local page name of status=0
	local man3=$root/usr/local/share/man/man3
	[ -e "$man3/ur_rx_peek.3" ] || return 1
	for page in docs/man/*.3; do
		sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \(ur_[a-z0-9_]*\).*/\1/p
			s/^\.Fn \(ur_[a-z0-9_]*\).*/\1/p' "$page" | sort -u >"$dir/names"
		[ -s "$dir/names" ] || { echo "$page names nothing"; return 1; }
		while read -r name; do
			of=$man3/$name.3
			[ -s "$of" ] || { echo "$page names $name, which has no page"; status=1; continue; }
			of=$(sed -n '1s|^\.so man3/||p' "$of")
			[ -z "$of" ] || [ -s "$man3/$of" ] || { echo "$name: no $of"; status=1; }
		done <"$dir/names"
	done
	return $status
}
t 'a page for each function that a page names' pages
units() {
	local unit found=0
	for unit in "$root"/usr/local/lib/systemd/system/*@.service; do
		found=$((found + 1))
		! grep -Hn '@BINDIR@' "$unit" || return 1
		grep -q '^Exec.*/usr/local/bin/ur' "$unit" || { echo "$unit"; return 1; }
		case $unit in */userring@.service) continue ;; esac
		grep -qx 'After=userring@%i.service sys-subsystem-net-devices-%i.device' "$unit" ||
			{ echo "${unit##*/} does not start behind its port"; return 1; }
	done
	[ "$found" -ge 3 ]
}
t 'units' units

pkg_config() {
	local PKG_CONFIG_PATH=$root/usr/local/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
	export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
	says pkg-config "$(pkg-config --modversion libuserring)" &&
		printf '#include <libuserring.h>\nint main(void) { return !ur_strerror(0); }\n' >"$dir/p.c" ||
		return 1
	# shellcheck disable=SC2046  # a list of words
	cc -o "$dir/p" "$dir/p.c" $(pkg-config --cflags --libs libuserring) &&
		LD_LIBRARY_PATH=$root/usr/local/lib "$dir/p"
}
t 'pkg-config' pkg_config

uninstalled() {
	local header=$root/usr/local/include/userring/mine.h
	: >"$header"
	into uninstall || return 1
	[ "$(files)" = ./usr/local/include/userring/mine.h ] || { files; return 1; }
	# a folder of ours goes when it is empty
	rm "$header"
	into install && into uninstall && files && [ -z "$(files)" ] || return 1
	[ ! -e "${header%/*}" ]
}
t 'make uninstall leaves nothing, and what others put there' uninstalled

elsewhere() {
	local made
	into install PREFIX=/usr LIBDIR=/usr/lib/triplet || return 1
	# shellcheck disable=SC2016  # for pkg-config
	grep -qxF 'libdir=${prefix}/lib/triplet' "$root/usr/lib/triplet/pkgconfig/libuserring.pc" || return 1
	made=$(files)
	[ -n "$made" ] && ! grep -v '^\./usr/' <<<"$made" && ! grep local <<<"$made" || return 1
	into uninstall PREFIX=/usr LIBDIR=/usr/lib/triplet && [ -z "$(files)" ]
}
t 'install and uninstall with other folders' elsewhere

rules() {
	into install-rules && [ "$(files | wc -l)" = 3 ] && into uninstall-rules && [ -z "$(files)" ]
}
t 'install-rules, uninstall-rules' rules

# The module ------------------------------------------------------------

module() {
	local ko
	into install-module KERNEL="$1" || return 1
	ko=$(cd "$root" && find . -name userring.ko)
	[ "$ko" = "./lib/modules/$(cat "build/kernels/$1/version")/updates/userring.ko" ] ||
		{ echo "it is at $ko"; return 1; }
	says "the module" "$(modinfo -F version "$root/$ko")" || return 1
	[ "$(stat -c %s "$root/$ko")" -lt 1000000 ] || { echo 'over 1 MB'; return 1; }
	! readelf -S "$root/$ko" | grep debug_info || return 1
	mkdir "${root:?}/${ko%/*/*}/updates/dkms" && : >"$root/${ko%/*/*}/updates/dkms/userring.ko"
	into uninstall-module && [ "$(files)" = "${ko%/*/*}/updates/dkms/userring.ko" ]
}
t 'install-module, uninstall-module' module "${1:-6.1}"

say "$passed passed, $failed failed"
[ "$failed" = 0 ]

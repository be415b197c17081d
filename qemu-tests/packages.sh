#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# packages.sh [--build FOLDER] [SUITE] : the Debian packages in roots of a suite (bookworm): they are built,
# lintian has nothing to say, they are installed, DKMS builds the module for that suite's
# kernel, the tests of debian/tests pass, and purging them leaves nothing. The last line
# is "N passed, N failed". --build: only the first of that, and the packages are left in
# that folder.
#
# Two roots are kept in build/roots, and made again when debian/control asks for other
# packages: packages-SUITE-build, and packages-SUITE-test, over which each run has a layer
# of its own.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top"

only=
[ "${1-}" != --build ] || {
	only=$2
	shift 2
}
suite=${1:-bookworm}
version=$(cat VERSION)
builder=$build/roots/packages-$suite-build
pristine=$build/roots/packages-$suite-test
mkdir -p "$build/roots"
exec 9>"$build/roots/.lock-packages-$suite"
flock 9

work=$(mktemp -d "$build/packages.XXXXXX")
chmod 755 "$work"
root=$work/root
trap 'as_root rm -rf "$work"' EXIT
passed=0 failed=0

# t NAME COMMAND... : runs a test and counts it; its own lines "ok ..." are shown.
t() {
	local name=$1 start=$SECONDS
	shift
	if "$@" >"$work/log" 2>&1 </dev/null; then
		passed=$((passed + 1))
		grep '^ok ' "$work/log" | sed 's/^/# /' || true
		say "ok $name ($((SECONDS - start)) s)"
	else
		failed=$((failed + 1))
		say "not ok $name ($((SECONDS - start)) s)"
		tail -n 60 "$work/log" | sed 's/^/# /'
	fi
}

over() {
	say "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

# in_root ROOT COMMAND... : without a network, and nothing that it starts stays.
in_root() {
	local root=$1
	shift
	# shellcheck disable=SC2016  # for the inner shell
	as_root unshare --mount --pid --net --fork --kill-child sh -c '
		[ ! -d "$0.layer" ] || mount -t overlay overlay "$0" \
			-o "lowerdir=$1,upperdir=$0.layer,workdir=$0.overlay" || exit
		shift
		mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$pristine" \
		env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="parallel=$(nproc)" "$@"
}

# kept ROOT PACKAGES OPTION... : a root with these, made unless it is there.
kept() {
	local root=$1 packages=$2
	shift 2
	[ "$(cat "$root/packages" 2>/dev/null)" != "$packages" ] || return 0
	say "making $root ..."
	make_root "$suite" "$root" --variant=minbase --include="$packages" "$@"
	# man pages and documents of what is installed now are to be there
	as_root rm -f "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
	echo "$packages" | as_root tee "$root/packages" >/dev/null
}

# Of lines of a control file: names of packages, with commas between.
names() {
	sed 's/[,|]/\n/g' | sed 's/([^)]*)//; s/\[[^]]*\]//; s/[[:space:]]//g; s/^debhelper-compat$/debhelper/' |
		grep -vE '^$|^\$|^(userring-tools|userring-dkms|libuserring1|libuserring-dev|urdns|urids)$' |
		sort -u | paste -sd,
}

# field FILE NAME : a field of a control file, without its name.
field() {
	awk -v name="$2:" '/^[^ ]/ { inside = $1 == name } inside' "$1" | sed "s/^$2://"
}

# Built ------------------------------------------------------------------

kept "$builder" "build-essential,lintian,$(field debian/control Build-Depends | names)"

# the same path in both roots and each time
source=/build/userring-$version

built() {
	as_root rm -rf "$builder/build"
	qemu-tests/deb.sh --copy "$work/source" && as_root mkdir -p "$builder/build" &&
		as_root cp -R "$work/source" "$builder$source" &&
		in_root "$builder" sh -c "cd $source && dpkg-buildpackage -us -uc"
}
# left FOLDER
left() {
	mkdir -p "$1"
	find "$builder/build" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*' -exec cp -t "$1" {} +
}

t "packages of $suite are built" built
if [ "$failed" != 0 ]; then
	over
	exit 1
fi
if [ -n "$only" ]; then
	left "$only"
	exit
fi

t 'lintian: no error, no warning' in_root "$builder" lintian --allow-root --no-tag-display-limit \
	--fail-on error,warning "/build/userring_${version}_amd64.changes"

# Installed by make, into the system: with the flags of the packages nothing is built again.
listed() { in_root "$1" sh -c 'cd / && find . -xdev \( "$@" \) -prune -o -print' - "${unlisted[@]}" | sort; }

by_make() {
	# shellcheck disable=SC2016  # for the inner shell
	in_root "$builder" sh -c 'cd "$0" && export DEB_BUILD_MAINT_OPTIONS=hardening=+all &&
		eval "$(dpkg-buildflags --export=sh)" && make -s "$@"' "$source" "$@"
}
made() {
	local unlisted=(-path ./proc -o -path ./build -o -path ./tmp -o -path ./var/cache)
	listed "$builder" >"$work/before" && by_make install && in_root "$builder" "$source/debian/tests/tools" &&
		in_root "$builder" "$source/debian/tests/library" || return 1
	by_make uninstall && listed "$builder" >"$work/after" || return 1
	# folders that were not there, such as share/man/man3, may stay
	comm -13 "$work/before" "$work/after" >"$work/more"
	while read -r file; do
		[ -d "$builder/$file" ] || { echo "left: $file"; return 1; }
		case $file in */userring*) echo "left: $file"; return 1 ;; esac
	done <"$work/more"
	! comm -23 "$work/before" "$work/after" | grep .
}
t 'make install: a program that is linked with the library runs; make uninstall' made

# Installed --------------------------------------------------------------

left "$work/packages"
depends=$(
	for deb in "$work/packages"/*.deb; do
		dpkg-deb -f "$deb" Depends Pre-Depends | sed 's/^[A-Za-z-]*://; s/$/,/; s/|[^,]*//g'
	done
	# without those of the kernel, which bring an image as well
	field debian/tests/control Depends | sed 's/$/,/; s/linux-headers[^,]*//g'
)
# shellcheck disable=SC2016  # for the shell of the root
headers='apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $(apt-cache depends linux-headers-amd64 |
	sed -n "s/.*Depends: \(linux-headers-[0-9][^ ]*\)$/\1/p") >/dev/null'
# The kernel of a machine that is kept up to date is of the suite's security updates.
security=$(
	# shellcheck disable=SC2016  # apt's own format fields
	apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 ~ /-security$/ { sub("/$", "", $2); print $2; exit }'
)
kept "$pristine" "$(names <<<"$depends")" --customize-hook="chroot \"\$1\" sh -c '$headers'" \
	${security:+"--setup-hook=echo \"deb $security $suite-security main\" >\"\$1/etc/apt/sources.list.d/security.list\""}
mkdir "$root" "$root.layer" "$root.overlay"
cp -R "$work/source" "$root.layer/sources"
cp -R "$work/packages" "$root.layer/packages.new"

# What is not compared:
unlisted=(
	-path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp
	# what apt, dpkg and others write of their work
	-o -path ./var/log -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache
	# the last version but one
	-o -name group- -o -name gshadow-
	# depmod's lists, and DKMS's key, which it makes when it builds for the first time
	-o -path './usr/lib/modules/*/modules.*' -o -path './var/lib/dkms/mok.*'
)
listed "$root" >"$work/before"

installed() {
	in_root "$root" sh -c 'apt-get -y --no-install-recommends -o Dpkg::Use-Pty=0 install /packages.new/*.deb || {
		tail -n 20 /var/lib/dkms/userring/*/build/make.log
		exit 1
	}'
}
t 'packages are installed' installed
if [ "$failed" != 0 ]; then
	over
	exit 1
fi

own=$(for deb in "$work/packages"/*.deb; do dpkg-deb -f "$deb" Package; done | paste -sd' ')
t 'group userring' in_root "$root" getent group userring
for test in debian/tests/*; do
	test=${test##*/}
	[ "$test" != control ] || continue
	t "debian/tests/$test" in_root "$root" "/sources/debian/tests/$test"
done

# As a user enables them, who then purges without disabling.
enabled() {
	in_root "$root" systemctl enable urdns@eth1.service urids@eth1.service urecho@eth1.service &&
		in_root "$root" test -L /etc/systemd/system/multi-user.target.wants/urdns@eth1.service
}
t 'units are enabled' enabled

purged() {
	# shellcheck disable=SC2086  # a list of words
	in_root "$root" dpkg --purge $own || return 1
	listed "$root" >"$work/after"
	diff "$work/before" "$work/after" && ! in_root "$root" getent group userring
}
t 'purge leaves nothing' purged
over

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fresh.sh [--user] bookworm|trixie TARGET... : what somebody sees who begins: a minimal
# root of that suite with a clone of HEAD, in which README.md's first apt line is typed,
# and then "make TARGET...". Its status is that of make.
#   --user	as an ordinary user who has sudo, else as root
#   --keep	leaves the root in place, and says where
#
# What runs in there sees this machine's network and devices, and only its own
# processes. Root and mounts go at the end.
set -eu
# shellcheck source=qemu-tests/lib.sh
. "$(dirname "$0")/lib.sh"

user='' keep=''
while :; do
	case ${1-} in
	--user) user=y ;;
	--keep) keep=y ;;
	*) break ;;
	esac
	shift
done
suite=${1-}
case $suite in
bookworm | trixie) ;;
*) die 'usage: fresh.sh [--user] [--keep] bookworm|trixie TARGET...' ;;
esac
shift
[ $# -gt 0 ] || die 'which target of make? demo, or check'

# On a terminal the demo would wait for ^C.
[ ! -t 1 ] || exec > >(cat)

begin=$(sed -n 's/^sudo \(apt install [^#]*[^# ]\).*/\1/p' "$top/README.md" | head -n 1)
[ -n "$begin" ] || die 'README.md has no line with apt to begin with'
"$top/qemu-tests/need.sh" fresh >&2
mirror_or_die

mkdir -p "$build"
dir=$(mktemp -d "$build/fresh.XXXXXX")
root=$dir/root
child=
# shellcheck disable=SC2317  # called by the trap
child_of() { cut -d ' ' -f 1 "/proc/$1/task/$1/children"; }

# first_inside : the process without which the others in there are not; sudo may be above it.
# shellcheck disable=SC2317
first_inside() {
	local pid=$child
	while [ "$(cat "/proc/$pid/comm")" != unshare ]; do
		pid=$(child_of "$pid")
	done
	child_of "$pid"
}
# shellcheck disable=SC2317  # called by the trap
cleanup() {
	if [ -n "$child" ]; then
		as_root kill -KILL "$(first_inside)" 2>/dev/null || true
		wait "$child" || true
	fi
	if [ -n "$keep" ]; then
		say "kept: $root" >&2
	else
		as_root rm -rf --one-file-system "$dir"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# Only what each machine has: the suite itself with its security updates, and sudo for
# its user.
packages=${user:+sudo} security=$(security_of "$suite")
case $mirror in
https:*) packages=${packages:+$packages,}ca-certificates ;;
esac
say "making a minimal root of $suite ..."
as_root mmdebstrap --quiet --mode=root --format=directory --variant=minbase \
	--aptopt="$(apt_options)" --dpkgopt=force-unsafe-io ${packages:+--include="$packages"} \
	"$suite" "$root" "deb $mirror $suite main" ${security:+"$security"} </dev/null >&2

# HEAD and not the files: what is not committed is not what others get.
home=/root
if [ -n "$user" ]; then
	home=/home/user
	as_root chroot "$root" useradd -m -s /bin/bash user
	echo 'user ALL=(ALL) NOPASSWD: ALL' | as_root tee "$root/etc/sudoers.d/user" >/dev/null
fi
git clone --quiet --depth 1 "file://$(git -C "$top" rev-parse --absolute-git-dir)" "$dir/userring"
git -C "$dir/userring" -c advice.detachedHead=false checkout --quiet "$(git -C "$top" rev-parse HEAD)"
as_root cp /etc/hosts "$root/etc/hosts"
as_root mv "$dir/userring" "$root$home/"
[ -z "$user" ] || as_root chroot "$root" chown -R user: "$home"

# type COMMAND... : as that user, in the clone
cat >"$dir/type" <<EOS
set -eu
${user:+export HOME=$home USER=user}
export DEBIAN_FRONTEND=noninteractive
cd $home/userring
echo '# $begin'
${user:+sudo} apt-get -qq update
${user:+sudo -E} ${begin/apt install/apt-get -qq -y install} </dev/null >/tmp/begin 2>&1 || {
	cat /tmp/begin
	exit 1
}
# Are there all packages that the scripts name?
for set in build check demo fresh bench cross upstream; do
	\$(qemu-tests/need.sh --print "\$set") -s -qq >/dev/null
done
echo '# make $*'
exec make $*
EOS
as_root cp "$dir/type" "$root/type"
inside=(/bin/sh /type)
[ -z "$user" ] || inside=(su user -c '/bin/sh /type')

began=$SECONDS status=0
# In the background, as a signal for this script would wait for what is in there.
# Processes, mounts and their ends are its own. The root is a mount, as scripts in there
# want to have mounts of their own.
# shellcheck disable=SC2016  # for the inner shell
as_root unshare --mount --pid --fork --kill-child sh -c 'mount --bind "$0" "$0" && cd "$0" && mount --rbind /dev dev &&
	mount --rbind /sys sys && mount -t proc proc proc && mount -t tmpfs tmpfs run &&
	exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		TERM="${TERM:-dumb}" LANG=C.UTF-8 chroot . "$@"' "$root" "${inside[@]}" </dev/null &
child=$!
wait "$child" || status=$?
child=
say "$suite${user:+, an ordinary user}: make $* ended with $status after $((SECONDS - began)) s"
exit "$status"

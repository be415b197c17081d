# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # out, status and the names of the machine are drive.sh's
# Read by the scenarios that have the Debian packages in their machine; it only defines
# names.

# packages_of SUITE : the folder of its packages, built from this tree as it is.
# PACKAGES in the environment names another.
packages_of() {
	local folder=$build/system/packages-$1 key
	if [ -n "${PACKAGES-}" ]; then
		echo "$PACKAGES"
		return
	fi
	key=$(cd "$top" && git ls-files -z -- . ':!qemu-tests' ':!docs/*.md' ':!.ci' | xargs -0 cat | sha256sum)
	if [ "$(cat "$folder/key" 2>/dev/null)" != "$key" ]; then
		rm -rf "$folder"
		"$top/qemu-tests/packages.sh" --build "$folder" "$1" >&2
		echo "$key" >"$folder/key"
	fi
	echo "$folder"
}

# packages_add : the suite's packages onto the media; leaves installed, where the disk of
# a machine is kept that has them
packages_add() {
	local debs key
	debs=$(packages_of "$suite")
	mkdir "$run/media/debs"
	cp "$debs"/*.deb "$run/media/debs/"
	key=$(cat "$machine/key" "$debs"/*.deb | sha256sum | cut -c 1-16)
	installed=$build/system/installed-$suite-$key
}

# packages_install : by apt, from local files; DKMS builds the module for both kernels.
# An emulated CPU needs minutes for that.
packages_install() {
	local began=$SECONDS
	ask root 'DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 install /media/debs/*.deb' 2400
	say "# apt took $((SECONDS - began)) s"
	expect_ok 'apt installs the packages from local files'
	ask root 'dkms status'
	expect_line 'DKMS has built the module for the kernel of the suite' "^userring.*$(literal "$own"), .*installed" "$out"
	expect_line 'and for that of the backports' "^userring.*$(literal "$other"), .*installed" "$out"
}

# packages_installed : a machine, off, that has the packages; made once for these.
packages_installed() {
	packages_add
	if [ ! -e "$installed" ]; then
		rm -f "$build/system/installed-$suite-"*
		"$here/installed.sh" "$machine" "$run/media/debs" "$installed"
	fi
	qemu-img create -q -f qcow2 -F raw -b "$installed" "$run/disk"
}

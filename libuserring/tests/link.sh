#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# link.sh FOLDER COMPILER: the library as it is installed into FOLDER links with the
# lines that the manual gives, and a program that they made opens a capture, or says
# why it does not. A line a way, then the count.
set -u

dir=$1
cc=$2
passed=0
failed=0

export PKG_CONFIG_PATH="$dir/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$dir"
export LD_LIBRARY_PATH="$dir/usr/lib"

cat > "$dir/prog.c" <<'END'
#include <stdio.h>
#include <libuserring.h>

int main(void)
{
	struct ur_error err;
	struct ur_port *port;

	if (ur_port_open(&port, "pcap:,prog.pcap", &err))
		puts(err.text);
	else
		puts("open");
	ur_port_close(port);
	return 0;
}
END

# way NAME WORDS COMMAND... : it links without a word, and says these when it runs.
way() {
	name=$1
	words=$2
	shift 2
	rm -f "$dir/prog"
	if said=$("$@" 2>&1) && [ -z "$said" ] &&
		said=$(cd "$dir" && ./prog 2>&1) &&
		case $said in *"$words"*) ;; *) false ;; esac; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "not ok $name: $*"
		echo "$said" | sed 's/^/# /'
	fi
}

inc=$(pkg-config --cflags libuserring)
lib=$dir/usr/lib/libuserring.a
src="$dir/prog.c -o $dir/prog"

# The words of a line are many.
# shellcheck disable=SC2046,SC2086
{
	way 'shared' open \
		$cc $inc $src $(pkg-config --libs libuserring)
	way 'shared, --as-needed' open \
		$cc $inc $src -Wl,--as-needed $(pkg-config --libs libuserring)
	# as on a machine where only the archive is
	rm "$dir"/usr/lib/libuserring.so*
	way 'static, pkg-config' open \
		$cc $inc $src $(pkg-config --static --libs libuserring)
	way 'static, pkg-config, --as-needed' open \
		$cc -Wl,--as-needed $inc $src $(pkg-config --static --libs libuserring)
	way 'static, by hand' open \
		$cc $inc $src $lib -pthread -Wl,--no-as-needed -lpcap
	way 'static, without captures' 'linked without libpcap' \
		$cc $inc $src $lib -pthread
	way 'all static' 'linked without libpcap' \
		$cc -static $inc $src $lib -pthread
	way 'all static, pkg-config' 'linked without libpcap' \
		$cc -static $inc $src $(pkg-config --static --libs libuserring)
}
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# native.sh PROGRAM OPTION...: runs the bench, with a veth pair in a network
# namespace of its own for AF_PACKET, which takes no root where users may make
# such namespaces.
set -eu

# In the namespace: as long as nothing else uses the pair, no packet is not ours.
pair='echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add ur0 type veth peer name ur1
ip link set ur0 up
ip link set ur1 up'

# For root, as who one is in the namespace, DPDK would write to /var/run.
RUNTIME_DIRECTORY=$(dirname "$1")
export RUNTIME_DIRECTORY

# Others who use the machine are noise; root may ask for less of it.
nice=
[ "$(id -u)" != 0 ] || nice='nice -n -5'

if why=$(unshare -Urn sh -ec "$pair" 2>&1); then
	# shellcheck disable=SC2086,SC2016  # words; the inner shell's own variables
	exec $nice unshare -Urn sh -ec "$pair"'
exec "$@" --packet ur0,ur1' sh "$@"
fi
# shellcheck disable=SC2086
exec $nice "$@" --no-packet "no veth pair in a namespace: $why"

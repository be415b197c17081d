#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's end of drive.sh: reads from a serial port
#   ID SECONDS USER COMMAND-IN-BASE64
# runs the command as that user, from a login shell, and answers with what it
# printed, a "|" before each line, and at the end ">ID STATUS".
set -u
port=/dev/ttyS1
exec <>"$port" >&0 2>/dev/null
stty raw -echo
out=$(mktemp /run/test-agent.XXXXXX)

echo '>ready 0'
while read -r id seconds user code; do
	[ -n "${code-}" ] || continue
	command=$(base64 -d <<<"$code")
	timeout -k 5 "$seconds" runuser -l "$user" -c "$command" </dev/null >"$out" 2>&1
	status=$?
	awk '{ gsub("\r", ""); print "|" $0 }' "$out"
	printf '>%s %s\n' "$id" "$status"
done

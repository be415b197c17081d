#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# ids_suricata.sh SURICATA : the same rules and the same packets through urids and
# through Suricata, offline; each alert must be there twice: which packet, which
# rule, which action.  BIN and TEST are folders of the apps and the test programs.
# The last line is "N passed, N failed".  What differs by design is in
# docs/urids.md, and not in these rules.
set -u
suricata=${1:?}
BIN=$(realpath "${BIN:?}")
TEST=$(realpath "${TEST:?}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

# Packets for themselves: no stream is asked to be there, no sum is looked at.
cat >"$dir/suricata.yaml" <<'EOS'
%YAML 1.1
---
vars:
  address-groups:
    HOME_NET: "10.0.0.0/8"
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types:
        - alert
stream:
  checksum-validation: no
  midstream: true
  inline: no
packet-alert-max: 64
EOS

# both HOW N : rules and packets of ids_corpus
both() {
	rm -rf "$dir/c"
	mkdir "$dir/c"
	"$TEST/ids_corpus" "$1" "$2" "$dir/c" || return 1
	timeout 300 "$suricata" -c "$dir/suricata.yaml" -S "$dir/c/rules" -r "$dir/c/in.pcap" \
		-l "$dir/c" -k none --simulate-ips >"$dir/c/log" 2>&1 || return 1
	grep -o '[0-9]* rules successfully loaded, 0 rules failed' "$dir/c/log" || return 1
	timeout 300 "$BIN/urids" --json --rules "$dir/c/rules" --var HOME_NET=10.0.0.0/8 \
		--alert-rate 0 --alerts "$dir/c/alerts" "pcap:$dir/c/in.pcap" sim: >"$dir/c/total" || return 1
	grep -q '"alerts_lost": 0' "$dir/c/total" || return 1
	"$TEST/ids_corpus" hits "$dir/c/eve.json" | sort >"$dir/c/theirs"
	"$TEST/ids_corpus" hits "$dir/c/alerts" | sort >"$dir/c/ours"
	echo "$(wc -l <"$dir/c/ours") alerts"
	[ "$(wc -l <"$dir/c/ours")" -gt "$2" ] && diff "$dir/c/ours" "$dir/c/theirs"
}

for how in 'make 1000' 'draw 1000'; do
	# shellcheck disable=SC2086  # two words
	if both $how; then
		passed=$((passed + 1))
		echo "ok - as Suricata: $how"
	else
		failed=$((failed + 1))
		echo "not ok - as Suricata: $how"
		tail -n 20 "$dir/c/log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

# SPDX-License-Identifier: GPL-2.0-only
# Tables of a guest that counted accesses to registers and of one that did not, to rows
# of JSON. A line of a table:
#	row METHOD VARIANT OP BURST PACKETS LOST WRONG USER KERNEL SYSCALLS INTERRUPTS MMIO
function key() { return $2 " " $3 " " $4 " " $5 }
function per_packet(n) { return sprintf("%.4g", n / $6) }

NF != 13 { print "not a row: " $0 >"/dev/stderr"; failed = 1; exit 1 }
FILENAME ~ /mmio\.table$/ { mmio[key()] = per_packet($13); next }
# Loops of two instructions: if these are not found, no other number is of use.
$4 == "loop" || $4 == "pauses" {
	if ($9 / $6 >= 2 && $9 / $6 < 2.05)
		next
	print "the count is wrong: a loop of two instructions took " $9 / $6 >"/dev/stderr"
	failed = 1
	exit 1
}
$4 == "parse" { parser = per_packet($9) }
# Each program measures what is in all rows; once is enough.
seen[key()]++ { next }
{
	row = sprintf("{\"method\":\"%s\",\"variant\":\"%s\",\"nic\":\"%s\",\"linux\":\"%s\"", $2, $3, nic, kernel)
	row = row sprintf(",\"op\":\"%s\",\"burst\":%d,\"packets\":%d", $4, $5, $6)
	row = row sprintf(",\"insn\":%.2f,\"user\":%.2f,\"kernel\":%.2f", ($9 + $10) / $6, $9 / $6, $10 / $6)
	row = row sprintf(",\"parser\":%s", $4 == "rx" && $2 != "udp" ? parser : 0)
	row = row sprintf(",\"syscalls\":%s,\"interrupts\":%s", per_packet($11), per_packet($12))
	row = row sprintf(",\"mmio\":%s", key() in mmio ? mmio[key()] : "null")
	row = row sprintf(",\"lost\":%d,\"wrong\":%d}", $7, $8)
	rows = rows (rows ? ",\n" : "") row
}
END {
	if (failed || !rows)
		exit 1
	printf "{\"rows\": [\n%s\n]}\n", rows
}

# SPDX-License-Identifier: GPL-2.0-only
# Reads what a guest said on the debug port (see guest/init.sh); writes what each
# test that failed had said, and what came behind a program's last test if that
# program failed or did not end.
function say_all(  i) {
	print "in " program ":"
	for (i = 1; i <= n; i++)
		print "  " lines[i]
	n = 0
}
{ sub(/\r$/, "") }
$2 == "#" && $3 == "begin" {
	if (program && n)
		say_all()
	n = 0
	program = $4
	next
}
{ lines[++n] = $0 }
/^[0-9.]+ # dmesg: / { warned = 1 }
$2 == "not" && $3 == "ok" {
	say_all()
	told = 1
}
$2 == "ok" { n = 0 }
$2 == "#" && $3 == "end" {
	if (warned || $5 != "rc=0" && !told)
		say_all()
	n = warned = told = 0
	program = ""
}
END {
	if (program && n)
		say_all()
}

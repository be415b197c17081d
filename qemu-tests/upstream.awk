# SPDX-License-Identifier: GPL-2.0-only
# Puts what upstream.sh's guests said (see upstream-init.sh) side by side:
#	awk -v nic=NIC -v tests='A B' -f upstream.awk upstream.accepted STOCK.ktap USERRING.ktap
# A row for each test: NIC, name, result with the stock driver, with userring, and what
# there is to say of it. Beside the tests' own results a program has "(end)": it ran all
# that it planned; and "(log)": the kernel's log stayed clean. The last line counts;
# the exit status is 1 if a row is neither as good as it has to be nor accepted.
function take(name, verdict) {
	if (!(name in row)) {
		row[name] = ++rows
		names[rows] = name
	}
	result[name, column] = verdict
}
function close_program() {
	if (program != "")
		take(program ".(end)", ended != "" ? ended : "died")
	program = ""
}
function of(name, i) { return (name, i) in result ? result[name, i] : "none" }

# A skip is good enough if the stock driver does not pass either, a failure never.
function good(stock, ours) {
	return ours == "pass" || (ours == "skip" || ours == "xfail") && stock != "pass"
}

FNR == 1 { close_program(); column = file++ }
{ sub(/\r$/, "") }
file == 1 {
	if ($1 == nic || $1 == "*") {
		name = $2
		sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "")
		accepted[name] = $0
	}
	next
}
{ sub(/^[0-9.]+ /, "") }
# An earlier run of the stock driver may have more tests.
/^# begin / { ignore = index(" " tests " ", " " $3 " ") == 0 }
ignore { next }
/^# begin / {
	close_program()
	program = $3
	sub(/.*\//, "", program)
	plan = -1
	count = 0
	ended = ""
	if (!(("guest.(log)", column) in result))
		take("guest.(log)", "pass")
	take(program ".(log)", "pass")
}
/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0 }
/^(not )?ok [0-9]+ / {
	count++
	verdict = $1 == "not" ? "fail" : /# SKIP/ ? "skip" : /# XFAIL/ ? "xfail" : "pass"
	take($1 == "not" ? $4 : $3, verdict)
}
/^# dmesg: / {
	take((ended != "" || program == "" ? "guest" : program) ".(log)", "fail")
	log_lines[column] = log_lines[column] nic (column == 1 ? ", stock: " : ", userring: ") substr($0, 10) "\n"
}
/^# end / {
	# what it planned to skip as a whole has one result
	ended = $4 == "hang" ? "hang" : plan == count ? "pass" : "fail"
}
END {
	close_program()
	for (i = 1; i <= rows; i++) {
		name = names[i]
		stock = of(name, 1)
		ours = of(name, 2)
		note = ""
		if (good(stock, ours)) {
			same++
			if (name in accepted) {
				note = "STALE: no longer poorer"
				bad++
			}
		} else if (name in accepted) {
			note = "accepted: " accepted[name]
			spared++
		} else {
			note = stock == ours ? "FAILS, as does the stock driver" : "POORER"
			bad++
		}
		if (note != "" || name !~ /\)$/ || stock != ours)
			printf "%-7s %-60s %-6s %-8s %s\n", nic, name, stock, ours, note
	}
	printf "%s", log_lines[1] log_lines[2]
	printf "%s: %d as good, %d accepted, %d not\n", nic, same, spared, bad
	exit bad > 0 || same == 0
}

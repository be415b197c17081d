# SPDX-License-Identifier: GPL-2.0-only
# Reads what a guest said on the debug port (see guest/init.sh); writes a line
# "pass|fail|skip PROGRAM/TEST SECONDS [reason]" for each test, and one for all
# that should have been there and was not.
#	-v programs="A B"	every one must have run to its end
#	-v allowed="A/x B/y"	these may skip
#	-v live=1		the guest goes on: nothing of what is not there yet
function report(verdict, name, seconds, reason) {
	printf "%s %s/%s %.2f%s\n", verdict, program, name, seconds, reason ? " " reason : ""
	failed += verdict == "fail"
	skipped += verdict == "skip"
}
function close_program(reason) {
	if (program == "")
		return
	if (reason)
		report("fail", "(end)", now - since, reason)
	else if (plan != count)
		report("fail", "(plan)", 0, "planned " (plan < 0 ? "nothing" : plan) ", ran " count \
			", exit code " code)
	program = ""
}
BEGIN {
	split(allowed, words, " ")
	for (i in words)
		may_skip[words[i]] = 1
}
{
	now = $1
	sub(/^[0-9.]+ /, "")
	sub(/\r$/, "")
}
/^# begin / {
	close_program("did not end")
	program = $3
	plan = -1
	count = failed = skipped = 0
	since = now
	next
}
/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0 }
/^1\.\.0/ {
	report((program "/(all)") in may_skip ? "skip" : "fail", "(all)", now - since, $0)
}
/^# +RUN / { running = $3 }
/^(not )?ok [0-9]+/ {
	count++
	verdict = $1 == "ok" ? "pass" : "fail"
	name = $0
	reason = ""
	sub(/^(not )?ok [0-9]+( -)? */, "", name)
	if ((at = index(name, "# SKIP")) > 0) {
		reason = substr(name, at + 2)
		name = at > 1 ? substr(name, 1, at - 2) : running
		verdict = (program "/" name) in may_skip ? "skip" : "fail"
	}
	report(verdict, name, now - since, reason)
	since = now
}
/^# dmesg: / {
	if (program == "")
		program = "(boot)"
	report("fail", "(dmesg)", 0, substr($0, 10))
}
/^# end / {
	ended[program] = 1
	sub(/rc=/, "", $4)
	code = $4
	# 4 is "skipped", and has been judged where the skip was said.
	if ($4 != 0 && !failed && !($4 == 4 && skipped))
		report("fail", "(exit)", 0, $4 == 143 ? "out of time" : "exit code " $4)
	close_program("")
}
/^# userring-tests-done/ { done = 1 }
END {
	if (live)
		exit
	close_program("did not end")
	n = split(programs, words, " ")
	for (i = 1; i <= n; i++)
		if (!(words[i] in ended)) {
			program = words[i]
			report("fail", "(program)", 0, "was not run to its end")
		}
	if (!done) {
		program = "(guest)"
		report("fail", "(end)", 0, "the guest did not come to its end")
	}
}

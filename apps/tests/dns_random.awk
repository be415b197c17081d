# SPDX-License-Identifier: BSD-2-Clause
#
# dns_random.awk: writes small random zones, and asks for every name and type of each
# and for names around them:
#
#	awk -f dns_random.awk -v seed=N -v zones=N -v dir=DIR > QUERIES
#
# makes DIR/zN.test, and a query a line as dns_zone.awk does.  Names have at most three
# labels of a few letters, so that zone cuts, wildcards, empty non-terminals and
# CNAMEs meet at the same names.

function random(n) {
	state = (state * 16807) % 2147483647
	return int(state / 2147483647 * n)
}

function pick(list,	a) {
	return a[1 + random(split(list, a, " "))]
}

function label() { return pick("a b c d ns www * *") }

function owner(	name, n) {
	n = random(10)
	if (n == 0)
		return "@"
	name = label()
	if (n > 4)
		name = label() "." name
	if (n > 8)
		name = label() "." name
	return name
}

# Where a CNAME or NS leads to: often to a name of the zone, or below one.
function target(	n) {
	n = random(12)
	if (n == 0)
		return "www.example.net."
	if (n == 1)
		return "@"
	if (n < 5)
		return below(name[1 + random(names)], pick("x y"))
	if (n < 9)
		return name[1 + random(names)]
	return owner()
}

function is_wild(o) { return o ~ /^\*/ }

# ---- a zone ----

function note(o,	n) {
	for (;;) {
		if (!(o in known)) {
			known[o] = 1
			name[++names] = o
		}
		n = index(o, ".")
		if (!n)
			break
		o = substr(o, n + 1)
	}
}

function rr(o, type, data) {
	if (type == "CNAME" ? (o in has) : (has[o] ~ /CNAME/))
		return
	if (is_wild(o) && type == "NS" || type == "NS" && o ~ /\.\*|^\*/)
		return
	has[o] = has[o] " " type
	note(o)
	print o, type, data >file
}

function address() { return "192.0.2." random(256) }

function any_rr(	o, k) {
	o = owner()
	k = random(16)
	if (k < 4)
		rr(o, "A", address())
	else if (k == 4)
		rr(o, "AAAA", "2001:db8::" random(256))
	else if (k == 5)
		rr(o, "MX", random(20) " " target())
	else if (k == 6)
		rr(o, "TXT", "\"" random(1000) "\"")
	else if (k < 11 && o != "@")
		rr(o, "CNAME", target())
	else if (k < 14 && o != "@")
		rr(o, "NS", target())
	else if (k == 14 && has[o] ~ / NS/ && o != "@")
		rr(o, "DS", "1 8 2 " sprintf("%064d", random(1000)))
	else
		rr(o, "SRV", "1 2 53 " target())
}

function zone(	i) {
	delete has
	delete known
	delete name
	names = 0
	print "$ORIGIN", origin "\n$TTL 300" >file
	rr("@", "SOA", "ns h 1 7200 900 1209600 60")
	rr("@", "NS", "ns")
	if (random(3) == 0)
		rr("*", pick("A A TXT"), "192.0.2.66")
	for (i = 5 + random(20); i; i--)
		any_rr()
	close(file)
}

# ---- queries ----

function ask(o, type) {
	o = o == "@" ? origin : o "." origin
	print o, type, pick("- 1232"), pick("- r d rc")
}

function ask_all(o) {
	for (k = 1; k <= types; k++)
		ask(o, type[k])
}

function below(o, prefix) { return o == "@" ? prefix : prefix "." o }

function queries(	i, o) {
	for (i = 1; i <= names; i++) {
		o = name[i]
		ask_all(o)
		ask(below(o, "q"), pick("A MX TXT"))
		ask(below(o, "q"), "CNAME")
		ask(below(o, "q"), pick("NS DS ANY AAAA"))
		ask(below(o, "*"), pick("A CNAME MX"))
		ask(below(o, "x.y"), pick("A A CNAME TXT"))
		ask(below(o, "q.*"), pick("A MX"))
		ask(below(o, label()), pick("A CNAME NS SRV"))
	}
	for (i = 0; i < 4; i++)
		ask(owner(), pick("A CNAME MX NS DS"))
}

BEGIN {
	types = split("A AAAA MX TXT CNAME NS DS SRV SOA ANY", type, " ")
	state = 1 + seed % 2147483646
	for (i = 0; i < 9; i++)
		random(1)
	for (z = 0; z < zones; z++) {
		origin = "z" z ".test."
		file = dir "/z" z ".test"
		zone()
		queries()
	}
}

# SPDX-License-Identifier: BSD-2-Clause
#
# dns_zone.awk: writes a zone of 100,000 records, the same each time, and asks
# about it: awk -f dns_zone.awk -v what=zone, or what=queries (5,000 lines, "name
# type edns flags", where edns is a size or -).

function random(n) {
	seed = (seed * 16807) % 2147483647
	return int(seed / 2147483647 * n)
}

function pick(list,	a) {
	return a[1 + random(split(list, a, " "))]
}

# ---- the zone ----

function rr(owner, type, data) {
	print owner, type, data
	records++
}

function address() {
	return "192.0." random(256) "." random(256)
}

function host(i) { return sprintf("h%05d.d%02d", i, i % 97) }

function hosts(	i, name) {
	for (i = 0; i < 40000; i++) {
		name = host(i)
		rr(name, "A", address())
		if (i % 2)
			rr(name, "AAAA", sprintf("2001:db8::%x", i))
		if (i % 4 == 0)
			rr(name, "MX", random(99) " " host(random(40000)))
		if (i % 5 == 0)
			rr(name, "TXT", "\"v=" random(1000000) " Text;(" i ")\"")
		if (i % 50 == 0)
			rr(name, "CAA", "0 issue \"ca" i ".example.net\"")
		if (i % 100 == 0)
			rr("_sip._udp." name, "SRV", "1 2 5060 " host(i + 1))
	}
}

function oddities(	i, k) {
	for (i = 0; i < 100; i++) {
		rr("*.w" i, "A", address())
		rr("*.w" i, "MX", "5 mail.w" i)
		rr("there.w" i, "TXT", "\"no wildcard here\"")
		rr("a.b.c.ent" i, "A", address())
		rr("*.wtext" i, "TXT", "\"only text\"")
		rr("*.walias" i, "CNAME", host(i))
		rr("foo.*.wempty" i, "A", address())
		rr("*.wout" i, "CNAME", "www.example.net.")
		rr("alias" i, "CNAME", host(i * 7))
		rr("alias-alias" i, "CNAME", "alias" i)
		rr("alias-wild" i, "CNAME", "x.y.w" i)
		rr("alias-walias" i, "CNAME", "z.walias" i)
		rr("alias-none" i, "CNAME", "nobody" i)
		rr("alias-out" i, "CNAME", "www" i ".example.com.")
		rr("alias-sub" i, "CNAME", "www.sub" i)
		rr("alias-cut" i, "CNAME", "sub" i)
		rr("sub" i, "NS", "ns.sub" i)
		rr("sub" i, "NS", "ns.sub" (i + 1) % 100)
		rr("sub" i, "NS", "NS" i ".Example.COM.")
		rr("sub" i, "NS", "ns1")
		rr("ns.sub" i, "A", address())
		rr("ns.sub" i, "AAAA", "2001:db8:1::" i)
		rr("deep.sub" i, "NS", "ns.deep.sub" i)
		if (i % 2)
			rr("sub" i, "DS", "12345 8 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE" \
			   sprintf("%024d", i))
		rr("MiXed" i, "PTR", "Some.Where.Else" i)
		rr("any" i, "HINFO", "\"cpu\" \"os\"")
		rr("naptr" i, "NAPTR", "10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp." host(i))
		rr("tlsa" i, "TLSA", "3 1 1 " sprintf("%064d", i))
		rr("unknown" i, "TYPE65280", "\\# 4 0a0b0c" sprintf("%02d", i))
		for (k = 0; k < 40; k++) {
			rr("many" i, "A", "10." i ".0." k)
			if (i < 20)
				rr("most" i, "AAAA", "2001:db8:2::" k)
		}
		for (k = 0; k < 7; k++)
			rr("text" i, "TXT", sprintf("\"%0" (30 + i) "d\"", k))
	}
	rr("loop1", "CNAME", "loop2")
	rr("loop2", "CNAME", "loop1")
	rr("self", "CNAME", "self")
	rr("top", "CNAME", "@")
	rr(label(63) "." label(63) "." label(63), "TXT", "\"long\"")
}

function label(n) { return sprintf("%0" n "d", 7) }

function zone() {
	print "$ORIGIN example.org.\n$TTL 3600"
	rr("@", "SOA", "ns1 Host.Master 2026 7200 900 1209600 300")
	rr("@", "NS", "ns1")
	rr("@", "NS", "ns2")
	rr("@", "NS", "ns.example.net.")
	rr("@", "A", "192.0.2.80")
	rr("@", "MX", "10 mail")
	rr("ns1", "A", "192.0.2.1")
	rr("ns1", "AAAA", "2001:db8::1")
	rr("ns2", "A", "192.0.2.2")
	rr("mail 60", "A", "192.0.2.25")
	hosts()
	oddities()
	while (records < 100000)
		rr("fill" records, "A", address())
}

# ---- queries ----

function name(	i, k) {
	i = random(100)
	k = random(60)
	if (k < 16) return host(random(40000))
	if (k == 16) return host(random(40000)) ".x"
	if (k == 17) return "no" i ".d" i % 97
	if (k == 18) return "no.such.name" i
	if (k == 19) return "d" i
	if (k == 20) return "x.w" i
	if (k == 21) return "a.b.C.w" i
	if (k == 22) return "there.w" i
	if (k == 23) return "below.there.w" i
	if (k == 24) return "*.w" i
	if (k == 25) return "c.ent" i
	if (k == 26) return "x.b.c.ent" i
	if (k == 27) return "some.wtext" i
	if (k == 28) return "some.other.walias" i
	if (k == 29) return "bar.wempty" i
	if (k == 30) return "q.wout" i
	if (k == 31) return "alias" i
	if (k == 32) return "alias-alias" i
	if (k == 33) return "alias-wild" i
	if (k == 34) return "alias-walias" i
	if (k == 35) return "alias-none" i
	if (k == 36) return "alias-out" i
	if (k == 37) return "alias-sub" i
	if (k == 38) return "alias-cut" i
	if (k == 39) return "sub" i
	if (k == 40) return "www.sub" i
	if (k == 41) return "a.b.deep.sub" i
	if (k == 42) return "ns.sub" i
	if (k == 43) return "mixed" i
	if (k == 44) return "any" i
	if (k == 45) return "naptr" i
	if (k == 46) return "tlsa" i
	if (k == 47) return "unknown" i
	if (k == 48) return "many" i
	if (k == 49) return "most" i % 20
	if (k == 50) return "text" i
	if (k == 51) return pick("loop1 loop2 self top ns1 ns2 mail")
	if (k == 52) return "_sip._udp." host(random(400) * 100)
	if (k == 53) return "_udp." host(random(400) * 100)
	if (k == 54) return label(63) "." label(63) "." label(63)
	if (k == 55) return label(49) "." label(63) "." label(63) ".w" i % 10
	if (k == 56) return "@"
	if (k == 57) return pick("www.example.com. org. . com. x.example.orgy. example.net.")
	return "a.b.c.d.e.f.g.h.i.j." host(random(40000))
}

# A type that is there more often than not.
function type_of(n) {
	if (random(3) == 0)
		return pick("A AAAA MX TXT NS SOA CNAME SRV PTR CAA DS ANY TYPE999 NAPTR TLSA")
	if (n ~ /^(text|wtext|there|some.wtext|0)/) return "TXT"
	if (n ~ /^_sip/) return "SRV"
	if (n ~ /^mixed/) return "PTR"
	if (n ~ /^most/) return "AAAA"
	if (n ~ /^any/) return "HINFO"
	if (n ~ /^naptr/) return "NAPTR"
	if (n ~ /^tlsa/) return "TLSA"
	if (n ~ /^unknown/) return "TYPE65280"
	return pick("A A A AAAA MX TXT")
}

function queries(	i, n, flags) {
	for (i = 0; i < 5000; i++) {
		n = name()
		flags = ""
		if (random(3) == 0) flags = flags "r"	# RD
		if (random(10) == 0) flags = flags "c"	# CD
		if (random(10) == 0) flags = flags "d"	# DO
		if (random(60) == 0) flags = flags "v"	# EDNS of version 1
		if (random(100) == 0) flags = flags "h"	# class CH
		if (random(100) == 0) flags = flags "o"	# an opcode
		if (random(20) == 0) flags = flags "m"	# some bytes are wrong
		if (random(40) == 0) flags = flags "t"	# the end is missing
		if (random(40) == 0) flags = flags "2"	# two OPT
		print n, type_of(n), pick("- - 512 100 1232 4096 600 800 1000"), flags "-"
	}
}

BEGIN {
	seed = 20261
	if (what == "zone")
		zone()
	else
		queries()
}

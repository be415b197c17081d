# SPDX-License-Identifier: BSD-2-Clause
#
# Zones that are large, or cost more than they are long:
#
#	awk -f zone.awk -v what=WHAT -v n=N [-v types=N]
#
#	plain	N names of 28 bytes
#	same-hash	N names of 28 bytes that all had the same hash while it had no key
#	compress	N names that point to one with 20 long names in its data
#	copies	a name with so many types of 1,000 bytes, and N that point to it
BEGIN {
	print "$ORIGIN x.\n$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.other."
	if (what == "plain")
		plain()
	else if (what == "same-hash")
		same_hash()
	else if (what == "compress")
		compress()
	else if (what == "copies")
		copies()
}

function repeat(text, times,    all) {
	while (times-- > 0)
		all = all text
	return all
}

function plain(    i) {
	for (i = 0; i < n; i++)
		printf "n%027d A 192.0.2.1\n", i
}

function compress(    i) {
	for (i = 0; i < 20; i++)
		printf "t MX %d q%s.h%d.z%s\n", i, repeat(".q", 39), i, repeat(".z", 39)
	for (i = 0; i < n; i++)
		print "c" i " CNAME t"
}

function copies(    i, data) {
	data = repeat("00", 1000)
	for (i = 0; i < types; i++)
		printf "t TYPE%d \\# 1000 %s\n", 1000 + i, data
	for (i = 0; i < n; i++)
		print "c" i " CNAME t"
}

# The hash took a name in words of 64 bits: h = (h rotated by 32 ^ word) * K.  The first
# word differs from name to name, and the second one is what brings h back.  Words are
# four times 16 bits here, the low ones first.
function xor16(a, b) { return xor8[int(a / 256), int(b / 256)] * 256 + xor8[a % 256, b % 256] }

function times_k(w, to,    i, j, sum) {
	for (i = 0; i < 4; i++)
		sum[i] = 0
	for (i = 0; i < 4; i++)
		for (j = 0; i + j < 4; j++)
			sum[i + j] += w[i] * k[j]
	for (i = 0; i < 4; i++) {
		to[i] = sum[i] % 65536
		sum[i + 1] += int(sum[i] / 65536)
	}
}

function text_of(word,    i, byte, text) {
	for (i = 0; i < 8; i++) {
		byte = i % 2 ? int(word[int(i / 2)] / 256) : word[int(i / 2)] % 256
		# upper case is another letter by the time it is hashed
		if (byte >= 65 && byte <= 90)
			return ""
		text = text (byte >= 97 && byte <= 122 ? sprintf("%c", byte) : sprintf("\\%03d", byte))
	}
	return text
}

function same_hash(    a, b, i, bit, x, number, left, label, c, w, h, second, sum, first) {
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			x = 0
			for (bit = 1; bit < 256; bit *= 2)
				x += bit * (int(a / bit) % 2 != int(b / bit) % 2)
			xor8[a, b] = x
		}
	k[0] = 31765; k[1] = 32586; k[2] = 31161; k[3] = 40503
	for (number = 0; n > 0; number++) {
		# a length and seven digits to the base of 26
		left = number
		label = ""
		c[0] = 28
		for (i = 1; i < 8; i++) {
			c[i] = 97 + left % 26
			label = label sprintf("%c", c[i])
			left = int(left / 26)
		}
		for (i = 0; i < 4; i++)
			w[i] = c[2 * i] + 256 * c[2 * i + 1]
		# the length of the name, 32, was there before, and is in the low half by now
		w[0] = xor16(w[0], 32)
		times_k(w, h)
		for (i = 0; i < 4; i++) {
			if (!number)
				sum[i] = xor16(h[(i + 2) % 4], 25185 + 514 * i)
			second[i] = xor16(h[(i + 2) % 4], sum[i])
		}
		first = text_of(second)
		if (first == "")
			continue
		print label first "zzzzzzzzyyyyy A 192.0.2.1"
		n--
	}
}

# SPDX-License-Identifier: BSD-2-Clause
#
# Queries of DNS as text for text2pcap, a frame for each line "NAME TYPE":
#
#	awk -f queries.awk [-v tag=N]
function add(byte) { frame = frame sprintf(" %02x", byte) }
function add16(n) { add(int(n / 256)); add(n % 256) }
function add_words(words,    word, i, n) {
	n = split(words, word)
	for (i = 1; i <= n; i++)
		add16(word[i])
}
function add_name(name,    label, i, k, n) {
	n = split(name, label, ".")
	for (i = 1; i <= n && label[i] != ""; i++) {
		add(length(label[i]))
		for (k = 1; k <= length(label[i]); k++)
			add(ord[substr(label[i], k, 1)])
	}
	add(0)
}

# of the words of a header
function checksum(words,    word, i, n, sum) {
	n = split(words, word)
	for (i = 1; i <= n; i++)
		sum += word[i]
	while (sum > 65535)
		sum = int(sum / 65536) + sum % 65536
	return 65535 - sum
}

BEGIN {
	for (i = 0; i < 256; i++)
		ord[sprintf("%c", i)] = i
	number["A"] = 1; number["NS"] = 2; number["CNAME"] = 5; number["SOA"] = 6
	number["MX"] = 15; number["TXT"] = 16
}

{
	name = $1
	sub(/\.$/, "", name)
	len = 12 + length(name) + 2 + 4
	# IPv4: 192.0.2.200 asks 192.0.2.1
	before = 17664 " " 28 + len " 1 0 16401"
	after = "49152 712 49152 513"
	frame = ""
	add_words("512 0 2 512 0 1")
	if (tag)
		add_words("33024 " tag)
	add_words("2048 " before " " checksum(before " " after) " " after)
	add_words("40000 53 " 8 + len " 0")
	add_words(4660 + NR " 0 1 0 0 0")
	add_name(name)
	add_words(number[$2] " 1")
	print "000000" frame
}

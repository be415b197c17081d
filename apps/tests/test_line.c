// SPDX-License-Identifier: BSD-2-Clause
/* Lines of urdump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "urdump/line.h"

#define MACS	"\x02\0\0\0\0\x02" "\x02\0\0\0\0\x01"
#define IP4(proto, total) "\x45\0\0" total "\0\x07\x40\0\x40" proto "\0\0" \
			  "\x0a\0\0\x01\x0a\0\0\x02"
#define UDP	"\x04\0\0\x09\0\x0a\0\0hi"
#define IP6(next, len) "\x60\0\0\0\0" len next "\xff" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"

#define FRAME(bytes)	bytes, sizeof(bytes) - 1

static void expect(const char *bytes, size_t len, const char *want)
{
	uint8_t *frame = malloc(len ? len : 1);
	char line[DUMP_LINE];
	size_t size;

	assert_non_null(frame);
	memcpy(frame, bytes, len);
	dump_line(line, sizeof(line), frame, (uint32_t)len);
	assert_string_equal(line, want);
	/* cut where there is no room */
	for (size = 1; size < 100; size++) {
		char *cut = malloc(size);

		assert_non_null(cut);
		dump_line(cut, size, frame, (uint32_t)len);
		assert_true(strlen(cut) < size);
		assert_int_equal(strncmp(cut, want, strlen(cut)), 0);
		free(cut);
	}
	free(frame);
}

static void test_ipv4(void **state)
{
	(void)state;
	expect(FRAME(MACS "\x08\0" IP4("\x11", "\x1e") UDP),
	       "IP 10.0.0.1.1024 > 10.0.0.2.9: UDP, length 2");
	expect(FRAME(MACS "\x08\0" IP4("\x01", "\x1e") "\x08\0\0\0\0\x05\0\x06hi"),
	       "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 5, seq 6, length 10");
	expect(FRAME(MACS "\x08\0" IP4("\x01", "\x1c") "\x03\x01\0\0\0\0\0\0"),
	       "IP 10.0.0.1 > 10.0.0.2: ICMP type 3, code 1, length 8");
	expect(FRAME(MACS "\x08\0" IP4("\x06", "\x28")
		     "\x04\0\0\x50\0\0\0\1\0\0\0\2\x50\x12\0\0\0\0\0\0"),
	       "IP 10.0.0.1.1024 > 10.0.0.2.80: TCP, flags [S.], length 0");
	expect(FRAME(MACS "\x08\0" IP4("\x2f", "\x16") "ab"),
	       "IP 10.0.0.1 > 10.0.0.2: protocol 47, length 2");
	expect(FRAME(MACS "\x08\0" "\x45\0\0\x16\0\x07\x20\xb9\x40\x11\0\0"
		     "\x0a\0\0\x01\x0a\0\0\x02" "ab"),
	       "IP 10.0.0.1 > 10.0.0.2: fragment of id 7 at 1480+, protocol 17");
}

static void test_ipv6(void **state)
{
	(void)state;
	expect(FRAME(MACS "\x86\xdd" IP6("\x11", "\x0a") UDP),
	       "IP6 2001:db8::1.1024 > 2001:db8::2.9: UDP, length 2");
	expect(FRAME(MACS "\x86\xdd" IP6("\x3a", "\x08") "\x81\0\0\0\0\x05\0\x06"),
	       "IP6 2001:db8::1 > 2001:db8::2: ICMP6 echo reply, id 5, seq 6, length 8");
	expect(FRAME(MACS "\x86\xdd" IP6("\x3a", "\x20") "\x88\0\0\0\0\0\0\0"
		     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
		     "\x02\x01\x02\0\0\0\0\x02"),
	       "IP6 2001:db8::1 > 2001:db8::2: ICMP6 neighbour advertisement, is 2001:db8::2 at 02:00:00:00:00:02");
	expect(FRAME(MACS "\x86\xdd" IP6("\x3a", "\x08") "\x87\0\0\0\0\0\0\0"),
	       "IP6 2001:db8::1 > 2001:db8::2: ICMP6 neighbour message truncated");
}

static void test_arp(void **state)
{
	(void)state;
	expect(FRAME(MACS "\x08\x06" "\0\x01\x08\0\x06\x04\0\x01"
		     "\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02"),
	       "ARP, who-has 10.0.0.2 tell 10.0.0.1");
	expect(FRAME(MACS "\x08\x06" "\0\x01\x08\0\x06\x04\0\x02"
		     "\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02"),
	       "ARP, 10.0.0.1 is-at 02:00:00:00:00:01");
	expect(FRAME(MACS "\x08\x06" "\0\x01\x08\0\x06\x04\0\x01"),
	       "ARP truncated");
}

static void test_tags(void **state)
{
	(void)state;
	expect(FRAME(MACS "\x81\0\x60\x64\x08\0" IP4("\x11", "\x1e") UDP),
	       "vlan 100 p 3, IP 10.0.0.1.1024 > 10.0.0.2.9: UDP, length 2");
	expect(FRAME(MACS "\x88\xa8\0\xc8\x81\0\0\x64\x08\0" IP4("\x11", "\x1e")
		     UDP),
	       "vlan 200, vlan 100, IP 10.0.0.1.1024 > 10.0.0.2.9: UDP, length 2");
	expect(FRAME(MACS "\x81\0\0"), "Ethernet truncated, 15 bytes");
}

static void test_odd(void **state)
{
	(void)state;
	expect("", 0, "Ethernet truncated, 0 bytes");
	expect(FRAME(MACS "\x88\xcc" "abc"), "ethertype 0x88cc, length 17");
	expect(FRAME(MACS "\0\x03" "abc"), "802.3, length 17");
	expect(FRAME(MACS "\x08\0" "\x45\0\0\x1e"), "IP truncated, 4 bytes");
	expect(FRAME(MACS "\x08\0" "\x44\0\0\x1e\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	       "IP malformed, 20 bytes");
	expect(FRAME(MACS "\x08\0" IP4("\x11", "\x1e") "\x04\0\0\x09\0\x0b\0\0hi"),
	       "IP 10.0.0.1 > 10.0.0.2: UDP malformed");
	expect(FRAME(MACS "\x08\0" IP4("\x06", "\x16") "ab"),
	       "IP 10.0.0.1 > 10.0.0.2: TCP truncated");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

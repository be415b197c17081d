// SPDX-License-Identifier: BSD-2-Clause
/*
 * urecho as a whole on a software NIC, with the far end in another thread:
 * answers on the wire, tags, a port that goes down, a reset, SIGTERM.
 */
#include <stdint.h>
#include <string.h>

#include <libuserring/build.h>
#include <libuserring/sim.h>

int urecho_main(int argc, char **argv);

#define main urecho_main
#include "urecho/main.c"
#undef main

#include "live.h"

static void start(const char *device)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "urecho --json --ip 10.0.0.2/24 --ip 2001:db8::2/64 %s", device);
	live_start(urecho_main, command, 1);
}

/* With Linux's addresses, which on a NIC in software are all. */
static void start_shared(const char *device)
{
	char command[128];

	snprintf(command, sizeof(command), "urecho --json %s", device);
	live_start(urecho_main, command, 1);
}

/* ------------------------------------------------------------------------
 * The far end
 */

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };	/* the sim's */
static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 1 };

static uint32_t build_udp(uint8_t *frame, const char *payload)
{
	const struct ur_build_udp b = {
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.src = { 10, 0, 0, 1 },
		.dst = { 10, 0, 0, 2 },
		.sport = 5000,
		.dport = 7,
	};
	uint32_t len = (uint32_t)strlen(payload);

	memset(frame, 0, 60);
	memcpy(frame + 42, payload, len);
	ur_build_udp4(frame + 42, len, &b);
	return len + 42 < 60 ? 60 : len + 42;
}

/* One there and back.  at is where IP begins in the answer. */
static void echo_once(const char *payload, const struct ur_sim_meta *meta,
		      int at)
{
	uint8_t frame[128], answer[256];
	uint32_t len = build_udp(frame, payload);
	int n;

	assert_int_equal(ur_sim_inject(port[0], frame, len, meta), 0);
	n = collect(ur_sim_collect, 0, answer, sizeof(answer));
	assert_int_equal(n, (int)len + at - 14);
	assert_memory_equal(answer, peer_mac, 6);
	assert_memory_equal(answer + 6, our_mac, 6);
	assert_memory_equal(answer + at + 28, payload, strlen(payload));
	assert_int_equal(ur_csum(answer + at, 20), 0);
	assert_int_equal(ur_csum_udp4(answer + at + 12, answer + at + 16,
				      answer + at + 20,
				      strlen(payload) + 8), 0);
	if (at == 18) {
		assert_int_equal(ur_get_be16(answer + 12), 0x8100);
		assert_int_equal(ur_get_be16(answer + 14), 0x6064);
	}
}

static void test_answers(void **state)
{
	static const uint8_t arp[60] =
		"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\0\x01\x08\0"
		"\x06\x04\0\x01\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02";
	struct ur_sim_meta bad = { .errors = UR_RXX_ERR_L4E,
				   .status = UR_RXD_STAT_IPCS | UR_RXD_STAT_L4CS |
					     UR_RXD_STAT_UDPCS };
	uint8_t buf[256];

	start(*state);
	assert_int_equal(ur_sim_inject(port[0], arp, sizeof(arp), NULL), 0);
	assert_int_equal(collect(ur_sim_collect, 0, buf, sizeof(buf)), 60);
	assert_int_equal(ur_get_be16(buf + 20), 2);
	assert_memory_equal(buf + 22, our_mac, 6);

	echo_once("one", NULL, 14);
	build_udp(buf, "bad");
	assert_int_equal(ur_sim_inject(port[0], buf, 60, &bad), 0);
	echo_once("two", NULL, 14);
	live_finish(true, 0);
	expect("arp", 1);
	expect("udp", 2);
	expect("bad_checksum", 1);
	expect("tx_packets", 3);
	expect("refused", 0);
}

/* The tag that was stripped goes out again, by NIC or in the frame. */
static void test_tag(void **state)
{
	static const struct ur_sim_meta meta = {
		.status = UR_RXD_STAT_VP | UR_RXD_STAT_IPCS | UR_RXD_STAT_L4CS |
			  UR_RXD_STAT_UDPCS,
		.vlan = 0x6064,
	};

	start(*state);
	echo_once("a tagged frame that is longer than the least", &meta, 18);
	live_finish(true, 0);
}

static void test_down_and_reset(void **state)
{
	char *text;

	start(*state);
	echo_once("before", NULL, 14);
	ur_sim_set_up(port[0], false);
	live_says("is down, waiting", 1);
	/* once, however long it lasts */
	sleep_ms(1500);
	ur_sim_set_up(port[0], true);
	live_says("is up again", 1);
	live_says("was reset", 1);
	echo_once("after down", NULL, 14);
	ur_sim_reset(port[0]);
	live_says("was reset", 2);
	echo_once("after reset", NULL, 14);
	live_finish(true, 0);
	expect("udp", 3);
	text = contents(err_name);
	assert_int_equal(count_of(text, "is down, waiting"), 1);
	assert_int_equal(count_of(text, "is up again"), 1);
	assert_true(count_of(text, "was reset") >= 1);
}

/* Expects that Linux gets this frame, as it came. */
static void linux_gets(const uint8_t *frame, uint32_t len)
{
	uint8_t buf[256];

	assert_int_equal(collect(ur_sim_host, 0, buf, sizeof(buf)), (int)len);
	assert_memory_equal(buf, frame, len);
}

/* UDP to the port comes back; all else, and what is not ours, is Linux's. */
static void test_shares(void **state)
{
	static const uint8_t arp[60] =
		"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\0\x01\x08\0"
		"\x06\x04\0\x01\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02";
	static const struct ur_sim_meta tagged = {
		.status = UR_RXD_STAT_VP | UR_RXD_STAT_IPCS | UR_RXD_STAT_L4CS |
			  UR_RXD_STAT_UDPCS,
		.vlan = 0x2005,
	};
	uint8_t frame[128];
	uint32_t len;

	start_shared(*state);
	assert_int_equal(ur_sim_inject(port[0], arp, sizeof(arp), NULL), 0);
	linux_gets(arp, sizeof(arp));
	echo_once("one", NULL, 14);

	/* to another port, another MAC address, a group; from a port of ours */
	len = build_udp(frame, "other port");
	frame[37] = 8;
	assert_int_equal(ur_sim_inject(port[0], frame, len, NULL), 0);
	linux_gets(frame, len);
	build_udp(frame, "other host");
	frame[5] = 9;
	assert_int_equal(ur_sim_inject(port[0], frame, len, NULL), 0);
	linux_gets(frame, len);
	build_udp(frame, "to a group");
	memcpy(frame, "\x01\0\x5e\0\0\x01", 6);
	memcpy(frame + 30, "\xe0\0\0\x01", 4);
	assert_int_equal(ur_sim_inject(port[0], frame, len, NULL), 0);
	linux_gets(frame, len);
	build_udp(frame, "would loop");
	frame[34] = 0;
	frame[35] = 7;
	assert_int_equal(ur_sim_inject(port[0], frame, len, NULL), 0);
	linux_gets(frame, len);
	/* in a VLAN Linux may have other addresses; 0 is the number of none */
	len = app_insert_vlan(frame, build_udp(frame, "tagged"), sizeof(frame), 5);
	assert_int_equal(ur_sim_inject(port[0], frame, len, NULL), 0);
	linux_gets(frame, len);
	build_udp(frame, "stripped tag");
	assert_int_equal(ur_sim_inject(port[0], frame, 60, &tagged), 0);
	len = app_insert_vlan(frame, 60, sizeof(frame), tagged.vlan);
	linux_gets(frame, len);
	echo_once("two", NULL, 14);
	live_finish(true, 0);
	expect("udp", 2);
	expect("arp", 0);
	expect("loop", 1);
	expect("host_packets", 7);
	expect("tx_packets", 2);
	expect("refused", 0);
}

int main(void)
{
#define TEST(f, device) \
	{ #f " " device, f, NULL, live_teardown, (void *)(uintptr_t)device }
	const struct CMUnitTest tests[] = {
		TEST(test_answers, "sim:format=legacy"),
		TEST(test_answers, "sim:format=extended"),
		TEST(test_shares, "sim:format=legacy"),
		TEST(test_shares, "sim:format=extended"),
		TEST(test_shares, "sim:format=advanced"),
		TEST(test_tag, "sim:format=legacy"),
		TEST(test_tag, "sim:format=extended"),
		TEST(test_tag, "sim:format=advanced"),
		TEST(test_down_and_reset, "sim:format=extended"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

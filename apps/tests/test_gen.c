// SPDX-License-Identifier: BSD-2-Clause
/*
 * urgen as a whole on software NICs of several queues: which flow leaves by which
 * queue, what is said of flows that arrive by several, what Linux gets.
 */
#include <stdint.h>
#include <string.h>

#include <libuserring/build.h>
#include <libuserring/sim.h>

int urgen_main(int argc, char **argv);

#define main urgen_main
#include "urgen/main.c"
#undef main

#include "live.h"

/* What orders DMA is a fence that ThreadSanitizer does not see. */
#ifdef __SANITIZE_THREAD__
#define FENCES_ARE_UNSEEN	true
#else
#define FENCES_ARE_UNSEEN	false
#endif

static void start(const char *arguments, uint32_t queues)
{
	char command[512];

	snprintf(command, sizeof(command), "urgen --json %s", arguments);
	live_start(urgen_main, command, queues);
}

static void expect_text(const char *text)
{
	if (!strstr(contents(out_name), text))
		fail_msg("no %s in %s", text, contents(out_name));
}

/* A frame of another urgen. */
static void inject(uint32_t queue, uint16_t stream, uint16_t flow, uint64_t seq)
{
	const struct ur_build_udp b = {
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.src = { 10, 0, 0, 1 },
		.dst = { 10, 0, 0, 2 },
		.sport = 9000,
		.dport = 7,
	};
	const struct urgen_payload u = { stream, flow, seq, 0 };
	uint8_t frame[128];

	urgen_write(frame + 42, 30, &u);
	ur_build_udp4(frame + 42, 30, &b);
	assert_int_equal(ur_sim_inject(port[queue], frame, 72, NULL), 0);
}

/* Flow f leaves by queue f % 3, from the f / 2-th port and the f % 2-th host. */
static void sends(void **state)
{
	static const uint8_t src[4] = { 192, 0, 2, 1 };
	const uint32_t queues = 3, flows = 8, rounds = 5;
	uint32_t seen[8] = { 0 }, i, k;
	uint8_t frame[2048];

	(void)state;
	start("--queues 3 --flows 8 --hosts 2 --sport 5000 --rate 2k --dst 10.0.0.2 sim:queues=3",
	      3);
	for (k = 0; k < queues; k++) {
		uint32_t of_queue = (flows - k + queues - 1) / queues;

		for (i = 0; i < rounds * of_queue; i++) {
			struct urgen_payload u = { 0 };
			struct ur_udp udp = { 0 };
			int len = collect(ur_sim_collect, k, frame,
					  sizeof(frame));

			assert_int_equal(len, 60);
			assert_int_equal(ur_parse_udp(frame, 60, &udp),
					 UR_PARSE_OK);
			assert_true(urgen_read(udp.payload, udp.payload_len,
					       &u));
			assert_int_equal(u.flow, k + i % of_queue * queues);
			assert_int_equal(u.seq, i / of_queue);
			assert_int_equal(udp.sport, 5000 + u.flow / 2);
			assert_int_equal(udp.dport, 7);
			assert_memory_equal(udp.src, src, 3);
			assert_int_equal(udp.src[3], 1 + u.flow % 2);
			assert_int_equal(ur_csum(frame + 14, 20), 0);
			assert_int_equal(ur_csum_udp4(udp.src, udp.dst,
						      frame + 34, 26), 0);
			seen[u.flow]++;
		}
	}
	for (i = 0; i < flows; i++)
		assert_int_equal(seen[i], rounds);
	live_finish(true, 0);
}

/* A total rate and a total count, whatever the number of queues and flows. */
static void shares_out(void **state)
{
	static const uint64_t counts[] = { 1, 4, 99, 1000 };
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		snprintf(text, sizeof(text),
			 "--queues 3 --flows 7 --both --rate 5k --count %llu --dst 10.0.0.2 sim:loop,queues=3",
			 (unsigned long long)counts[i]);
		start(text, 0);
		live_finish(false, 0);
		expect("received", counts[i]);
		expect("lost", 0);
		expect("reordered", 0);
		expect("duplicates", 0);
		expect("flows", counts[i] < 7 ? counts[i] : 7);
		expect("foreign", 0);
	}
}

/* What is lost, doubled and out of order is told of the flow that it is of. */
static void flow_by_flow(void **state)
{
	uint16_t flow;
	uint64_t seq;

	(void)state;
	start("--receive --queues 2 --count 602 sim:queues=2", 2);
	for (seq = 0; seq < 100; seq++) {
		for (flow = 0; flow < 5; flow++) {
			/* flow 3 comes by both, in parts */
			uint32_t queue = flow == 3 ? seq >= 40 && seq < 70 :
						     flow % 2;

			/* of flow 1 two are missing; of flow 2 one is late */
			if ((flow == 1 && (seq == 50 || seq == 60)) ||
			    (flow == 2 && seq == 20))
				continue;
			inject(queue, 0x1111, flow, seq);
			if (flow == 2 && seq == 30)
				inject(queue, 0x1111, flow, 20);
			/* and of flow 4 one is doubled */
			if (flow == 4 && seq == 99)
				inject(queue, 0x1111, flow, 5);
		}
	}
	/* another urgen, whose numbers are others */
	for (seq = 0; seq < 50; seq++)
		inject(0, 0x2222, 0, 1000 + seq);
	for (seq = 0; seq < 53; seq++)
		inject(1, 0x2222, 1000, seq);
	live_finish(false, 1);
	expect("streams", 2);
	expect("flows", 7);
	expect("flows_lossy", 1);
	expect("flows_reordered", 1);
	expect("received", 601);
	expect("lost", 2);
	expect("duplicates", 1);
	expect("reordered", 1);
	expect("corrupt", 0);
	expect("other", 0);
	expect_text("{\"stream\": 4369, \"flow\": 1, \"received\": 98, \"lost\": 2, \"duplicates\": 0, \"reordered\": 0, \"late\": 0}");
	expect_text("{\"stream\": 4369, \"flow\": 2, \"received\": 100, \"lost\": 0, \"duplicates\": 0, \"reordered\": 1, \"late\": 0}");
	expect_text("{\"stream\": 4369, \"flow\": 4, \"received\": 100, \"lost\": 0, \"duplicates\": 1, \"reordered\": 0, \"late\": 0}");
	assert_null(strstr(contents(out_name), "\"flow\": 3"));
}

/* What is not urgen's is Linux's, also while it sends as fast as it can. */
static void linux_gets(void **state)
{
	static const struct {
		const char *options;
		bool take;
	} rows[] = {
		{ "--dst 10.0.0.2 --rate 1k", false },
		{ "--dst 10.0.0.2 --flat-out", false },
		{ "--dst 10.0.0.2 --flat-out --tx-size 64", false },
		{ "--both --dst 10.0.0.2 --flat-out", false },
		{ "--receive --src 192.0.2.1", false },
		{ "--receive --take --src 192.0.2.1", true },
		{ "--both --take --dst 10.0.0.2 --rate 1k", true },
	};
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	uint8_t buf[2048];
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "--queues 2 %s sim:queues=2",
			 rows[i].options);
		start(text, 2);
		for (uint8_t k = 0; k < 200; k++) {
			frame[14] = k;
			assert_int_equal(ur_sim_inject(port[k % 2], frame, 60,
						       NULL), 0);
			if (rows[i].take)
				continue;
			assert_int_equal(collect(ur_sim_host, k % 2, buf,
						 sizeof(buf)), 60);
			assert_memory_equal(buf, frame, 60);
		}
		live_finish(true, 0);
		expect("host_packets", rows[i].take ? 0 : 100);
		expect("missed", 0);
		expect("refused", 0);
	}
}

/* It answers ARP for the addresses that Linux has not, whatever it does. */
static void answers_arp(void **state)
{
	static const char *const rows[] = {
		"--dst 10.0.0.1 --src 10.0.0.2 --hosts 3 --rate 1",
		"--dst 10.0.0.1 --src 10.0.0.2 --hosts 3 --take --both --rate 1",
		"--receive --src 10.0.0.2 --hosts 3",
	};
	uint8_t arp[60] =
		"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\0\x01\x08\0"
		"\x06\x04\0\x01\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02";
	uint8_t buf[2048];
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "%s sim:", rows[i]);
		start(text, 1);
		for (uint8_t host = 2; host < 5; host++) {
			arp[41] = host;
			assert_int_equal(ur_sim_inject(port[0], arp, 60, NULL),
					 0);
			do {
				assert_int_equal(collect(ur_sim_collect, 0,
							 buf, sizeof(buf)), 60);
			} while (ur_get_be16(buf + 12) != UR_ETH_ARP);
			assert_int_equal(ur_get_be16(buf + 20), 2);
			assert_memory_equal(buf + 28, arp + 38, 4);
		}
		live_finish(true, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest alone[] = {
		cmocka_unit_test_teardown(shares_out, live_teardown),
	};
	/* the NIC's end of the wire is another thread than the queue's */
	static const struct CMUnitTest beside[] = {
		cmocka_unit_test_teardown(sends, live_teardown),
		cmocka_unit_test_teardown(flow_by_flow, live_teardown),
		cmocka_unit_test_teardown(linux_gets, live_teardown),
		cmocka_unit_test_teardown(answers_arp, live_teardown),
	};
	int failed = cmocka_run_group_tests_name("gen", alone, NULL, NULL);

	if (!FENCES_ARE_UNSEEN)
		failed += cmocka_run_group_tests_name("gen beside", beside,
						      NULL, NULL);
	return failed;
}

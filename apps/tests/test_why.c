// SPDX-License-Identifier: BSD-2-Clause
/* What the doctor makes of two looks at a port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "urctl/why.h"

static struct look before, after;
static struct findings found;

/* A process that receives as it should. */
static int setup(void **state)
{
	struct ur_queue_info *q = &before.queue[0];

	(void)state;
	memset(&before, 0, sizeof(before));
	strcpy(before.node, "userring0");
	strcpy(before.port.ifname, "eth9");
	memcpy(before.port.mac, "\x52\x54\x00\x12\x34\x56", 6);
	before.at = 1000000000;
	before.n_queues = 1;
	before.port.up = 1;
	before.port.link_up = 1;
	before.hw.known = true;
	*q = (struct ur_queue_info){
		.attached = 1, .pid = 42, .state = UR_STATE_ATTACHED,
		.comm = "urecho", .rx_size = 256, .rx_posted = 255,
		.rx_waiting = 3,
		.count = { .rx_packets = 10, .syncs = 2 },
	};
	after = before;
	after.at += 300000000;
	after.hw.rx_packets = 5;
	after.queue[0].count.rx_packets = 15;
	after.queue[0].count.syncs = 4;
	return 0;
}

static const struct finding *find(const char *words)
{
	unsigned i;

	why(&found, &before, &after);
	for (i = 0; i < found.n; i++)
		if (strstr(found.f[i].text, words))
			return &found.f[i];
	return NULL;
}

static unsigned problems(void)
{
	unsigned i, n = 0;

	why(&found, &before, &after);
	for (i = 0; i < found.n; i++)
		n += found.f[i].level == PROBLEM;
	return n;
}

static void expect(enum level level, const char *type, const char *words)
{
	const struct finding *f = find(words);

	if (!f)
		fail_msg("\"%s\" was not found", words);
	assert_int_equal(f->level, level);
	assert_string_equal(f->type, type);
}

static void test_well(void **state)
{
	(void)state;
	assert_int_equal(problems(), 0);
	assert_int_equal(found.n, 2);
	expect(NOTE, "sudo ip link set eth9 promisc on", "to see others'");
	expect(NOTE, "", "process 42 (urecho) has queue 0 of eth9");
	after.queue[0].attached = 0;
	after.port.promisc = 1;
	why(&found, &before, &after);
	assert_int_equal(found.n, 0);
}

static void test_hangs(void **state)
{
	(void)state;
	after.queue[0].count = before.queue[0].count;
	expect(PROBLEM, "sudo kill -9 42",
	       "process 42 (urecho) hangs: 3 packets wait in queue 0, and in 300 ms it took none");
	assert_non_null(find("--watchdog"));
	assert_int_equal(problems(), 1);
	/* the timer looks at the rings, whoever sleeps */
	after.queue[0].count.timer_syncs = 100;
	assert_int_equal(problems(), 1);
	after.queue[0].watchdog_ms = 500;
	assert_null(find("--watchdog"));

	/* any sign of life */
	after.queue[0].rx_waiting = 2;
	assert_int_equal(problems(), 0);
	after.queue[0].rx_waiting = 3;
	after.queue[0].count.syncs++;
	assert_int_equal(problems(), 0);
	after.queue[0].count.syncs--;
	after.queue[0].count.rx_packets++;
	assert_int_equal(problems(), 0);
	after.queue[0].count.rx_packets--;
	before.queue[0].rx_waiting = 0;
	assert_int_equal(problems(), 0);
}

static void test_starves(void **state)
{
	(void)state;
	before.queue[0].rx_posted = 0;
	before.queue[0].rx_waiting = 0;
	after.queue[0].rx_waiting = 0;
	assert_int_equal(problems(), 0);
	after.queue[0].rx_posted = 0;
	expect(PROBLEM, "sudo kill -9 42", "gives no buffers to queue 0");
	assert_int_equal(problems(), 1);
	/* full places are none, either */
	after.queue[0].rx_posted = 5;
	after.queue[0].rx_waiting = 5;
	assert_int_equal(problems(), 1);
	after.queue[0].rx_posted = 6;
	assert_int_equal(problems(), 0);
}

/* Two looks at different things are not compared. */
static void test_changes(void **state)
{
	(void)state;
	after.queue[0].count = before.queue[0].count;
	assert_int_equal(problems(), 1);
	before.queue[0].pid = 41;
	assert_int_equal(problems(), 0);
	before.queue[0].pid = 42;
	before.queue[0].attached = 0;
	assert_int_equal(problems(), 0);
	before.queue[0].attached = 1;
	after.queue[0].epoch++;
	assert_int_equal(problems(), 0);
	after.queue[0].epoch--;
	after.queue[0].state = UR_STATE_DOWN;
	assert_int_equal(problems(), 0);
}

static void test_slow(void **state)
{
	(void)state;
	after.hw.rx_missed = 7;
	expect(NOTE, "urctl top /dev/userring0",
	       "the NIC missed 7 frames in 300 ms: process 42 (urecho) is slower");
}

static void test_refused(void **state)
{
	(void)state;
	before.queue[0].count.rx_refused = 100;
	after.queue[0].count.rx_refused = 100;
	assert_int_equal(problems(), 0);
	after.queue[0].count.tx_refused = 4;
	after.queue[0].count.index_refused = 1;
	expect(PROBLEM, "urctl status", "wrote 5 entries in 300 ms that the module refuses");
}

static void test_filter(void **state)
{
	(void)state;
	after.hw.rx_packets = 0;
	expect(NOTE, "sudo ip link set eth9 promisc on",
	       "took no frame in 300 ms; if there were any, they were not to 52:54:00:12:34:56");
	after.port.promisc = 1;
	assert_null(find("took no frame"));
	after.port.promisc = 0;
	after.port.link_up = 0;
	assert_null(find("took no frame"));
	after.port.link_up = 1;
	after.hw.known = false;
	assert_null(find("took no frame"));
}

static void test_watchdog_and_tap(void **state)
{
	(void)state;
	assert_null(find("watchdog took"));
	assert_null(find("tcpdump"));
	after.hw.taken = 1;
	after.queue[0].tapped = 1;
	expect(NOTE, "sudo dmesg | grep 'taken back'",
	       "the watchdog took a queue of eth9 back from a process 1 time;");
	expect(NOTE, "", "somebody listens on eth9 (tcpdump)");
	after.queue[0].attached = 0;
	assert_non_null(find("watchdog took"));
}

static void test_queues(void **state)
{
	(void)state;
	assert_null(find("queues of"));
	before.n_queues = 4;
	after.n_queues = 4;
	expect(NOTE, "urctl top", "3 of the 4 queues of eth9 are the kernel's");
	after.queue[0].attached = 0;
	assert_null(find("queues of"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_well, setup),
		cmocka_unit_test_setup(test_hangs, setup),
		cmocka_unit_test_setup(test_starves, setup),
		cmocka_unit_test_setup(test_changes, setup),
		cmocka_unit_test_setup(test_slow, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_filter, setup),
		cmocka_unit_test_setup(test_watchdog_and_tap, setup),
		cmocka_unit_test_setup(test_queues, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

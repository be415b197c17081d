// SPDX-License-Identifier: BSD-2-Clause
/* urctl top: rates between two looks, consumers and ports that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "urctl/top.h"

static struct top_sample before, now;

/* One port with one queue, two seconds apart, that a process has. */
static int setup(void **state)
{
	struct look *l = &before.port[0];

	(void)state;
	memset(&before, 0, sizeof(before));
	before.n_ports = 1;
	strcpy(l->node, "userring3");
	l->at = 5000000000ULL;
	l->n_queues = 1;
	strcpy(l->port.ifname, "eth9");
	strcpy(l->port.pci, "0000:00:04.0");
	l->port.ifindex = 7;
	l->port.up = 1;
	l->port.link_up = 1;
	l->port.link_mbps = 1000;
	l->queue[0] = (struct ur_queue_info){
		.attached = 1, .pid = 42, .state = UR_STATE_ATTACHED,
		.comm = "urecho", .rx_size = 1024, .tx_size = 512,
		.rx_posted = 1023, .rx_waiting = 17, .fill_waiting = 5,
		.tx_pending = 3, .tx_waiting = 2, .kernel_tx_pending = 1,
		.watchdog_ms = 500, .tapped = 1, .sync_period_us = 100,
		.count = { .rx_packets = 1000, .rx_bytes = 64000,
			   .tx_packets = 10, .tx_bytes = 1000, .syncs = 7,
			   .timer_syncs = 8, .wakeups = 9, .interrupts = 10,
			   .host_packets = 3, .rx_refused = 1 },
	};
	l->hw = (struct look_hw){ .known = true, .rx_packets = 5000,
				  .rx_missed = 100, .taken = 2 };
	now = before;
	l = &now.port[0];
	l->at += 2000000000ULL;
	l->queue[0].count = (struct ur_counters){
		.rx_packets = 3000, .rx_bytes = 1064000, .tx_packets = 510,
		.tx_bytes = 251000, .syncs = 27, .timer_syncs = 48,
		.wakeups = 19, .interrupts = 16, .host_packets = 11,
		.rx_refused = 2, .tx_refused = 4, .index_refused = 1,
	};
	l->hw.rx_packets = 7100;
	l->hw.rx_missed = 104;
	l->hw.rx_no_buffer = 2;
	return 0;
}

static struct top_rates rates(void)
{
	struct top_rates r;

	top_queue_rates(&r, &now.port[0], top_before(&before, &now.port[0]), 0);
	return r;
}

#define SAME(a, b)	assert_true((a) > (b) - 1e-9 && (a) < (b) + 1e-9)

static void test_rates(void **state)
{
	struct top_rates r = rates();
	struct top_drops d;

	(void)state;
	assert_true(r.known);
	SAME(r.rx_pps, 1000);
	SAME(r.rx_mbit, 4);
	SAME(r.tx_pps, 250);
	SAME(r.tx_mbit, 1);
	SAME(r.host_pps, 4);
	SAME(r.wakeups, 5);
	SAME(r.interrupts, 3);
	SAME(r.syncs, 10);
	SAME(r.timer_syncs, 20);
	SAME(r.refused, 3);
	top_port_drops(&d, &now.port[0], &before.port[0]);
	assert_true(d.known);
	SAME(d.rx_pps, 1050);
	SAME(d.missed, 2);
	SAME(d.no_buffer, 1);
	SAME(d.tap_dropped, 0);
}

/* A successor goes on with the counters; a new process begins at 0. */
static void test_consumers(void **state)
{
	struct top_rates r;

	(void)state;
	now.port[0].queue[0].pid = 43;
	r = rates();
	SAME(r.rx_pps, 1000);

	now.port[0].queue[0].count.rx_packets = 30;
	r = rates();
	assert_true(r.known);
	SAME(r.rx_pps, 15);
	SAME(r.wakeups, 9.5);

	before.port[0].queue[0].attached = 0;
	now.port[0].queue[0].count.rx_packets = 3000;
	r = rates();
	SAME(r.rx_pps, 1500);

	/* the kernel has it again: its counters are of all time */
	before.port[0].queue[0].attached = 1;
	now.port[0].queue[0].attached = 0;
	assert_false(rates().known);
	before.port[0].queue[0].attached = 0;
	assert_true(rates().known);
	SAME(rates().rx_pps, 1000);
}

static void test_ports(void **state)
{
	(void)state;
	strcpy(now.port[0].port.ifname, "wan0");
	assert_true(rates().known);
	now.port[0].port.ifindex = 8;
	assert_false(rates().known);
	setup(NULL);
	strcpy(now.port[0].port.pci, "0000:00:05.0");
	assert_false(rates().known);
	setup(NULL);
	strcpy(now.port[0].node, "userring4");
	assert_false(rates().known);
	setup(NULL);
	before.n_ports = 0;
	assert_false(rates().known);
	setup(NULL);
	before.port[0].n_queues = 0;
	assert_false(rates().known);
}

/* ------------------------------------------------------------------------
 * What is written
 */

enum form { SCREEN, LINES, JSON };

static char *written(enum form form)
{
	static char *text;
	size_t size = 0;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	assert_non_null(out);
	if (form == SCREEN)
		top_screen(out, &now, &before);
	else if (form == LINES)
		top_lines(out, "12:34:56", &now, &before);
	else
		top_json(out, 17.5, &now, &before);
	fclose(out);
	return text;
}

static void has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in:\n%s", words, text);
}

static void test_screen(void **state)
{
	const char *text = written(SCREEN);

	(void)state;
	has(text, "userring3 eth9 0000:00:04.0  1000 Mb/s\n");
	has(text, " 1050 pps received  missed 2/s  no buffer 1/s  tap 0/s  in all: missed 104 watchdog 2\n");
	has(text, " q0  urecho[42] attached, watchdog 500 ms, period 100 us, tapped\n");
	has(text, "rx      1000 pps      4.0 Mb/s  ring 1024: posted 1023 waiting 17 fill 5\n");
	has(text, "tx       250 pps      1.0 Mb/s  ring 512: pending 3 waiting 2 kernel's 1\n");
	has(text, "host       4/s  wake-ups 5/s  interrupts 3/s  syncs 10/s  by timer 20/s\n");
	has(text, "refused    3/s  in all: rx 2 tx 4 index 1 host 0; resets 0\n");

	/* a port that has just come */
	before.n_ports = 0;
	text = written(SCREEN);
	has(text, "rx         - pps        - Mb/s  ring 1024");
	has(text, "missed -/s");

	now.port[0].queue[0] = (struct ur_queue_info){ .rx_size = 256 };
	now.port[0].port.link_up = 0;
	text = written(SCREEN);
	has(text, " q0  kernel\n");
	has(text, "0000:00:04.0  no link\n");
	now.port[0].port.up = 0;
	has(written(SCREEN), "0000:00:04.0  down\n");
}

static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(written(LINES),
			    "12:34:56 userring3 eth9 q0 urecho[42] attached, 1000 Mb/s; rx 1000 pps 4.0 Mb/s, tx 250 pps 1.0 Mb/s; posted 1023 waiting 17 pending 3; missed 2/s refused 3/s host 4/s; wake-ups 5/s interrupts 3/s syncs 10/s by timer 20/s; tapped\n");
	now.n_ports = 0;
	has(written(LINES), "no NIC belongs to userring");
	now.n_closed = 2;
	now.closed_error = 13;
	strcpy(now.closed, "userring1");
	assert_string_equal(written(LINES),
			    "/dev/userring1: Permission denied, and others\n");
}

static void test_json(void **state)
{
	const char *text = written(JSON);

	(void)state;
	has(text, "{\"type\": \"top\", \"time\": 17.500000, \"ports\": [{\"node\": \"userring3\", \"ifname\": \"eth9\"");
	has(text, "\"hardware\": {\"rx_packets\": 7100, \"rx_missed\": 104, ");
	has(text, "\"watchdog\": 2, \"rates\": {\"rx_pps\": 1050.000000, \"missed\": 2.000000,");
	has(text, "\"rx_waiting\": 17, \"fill_waiting\": 5, \"tx_pending\": 3, \"tx_waiting\": 2, \"kernel_tx_pending\": 1");
	has(text, "\"tapped\": true");
	has(text, "\"rates\": {\"rx_pps\": 1000.000000, \"rx_mbit\": 4.000000,");
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);

	/* no rates that are not known */
	before.n_ports = 0;
	assert_null(strstr(written(JSON), "rates"));
}

/* A name is a process's own choice: it is not to speak to the terminal. */
static void test_name(void **state)
{
	(void)state;
	strcpy(now.port[0].queue[0].comm, "\033[2J\x9b\n");
	has(written(SCREEN), " ?[2J??[42] attached");
	memset(now.port[0].queue[0].comm, 'x', UR_NAME_LEN);
	has(written(LINES), " xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx[42] ");
}

static void test_cut(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	top_cut(out, "abcdef\n\nghi\njk\nlost\n", 4, 3, "|");
	fclose(out);
	assert_string_equal(text, "abc||ghi|jk|");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rates, setup),
		cmocka_unit_test_setup(test_consumers, setup),
		cmocka_unit_test_setup(test_ports, setup),
		cmocka_unit_test_setup(test_screen, setup),
		cmocka_unit_test_setup(test_lines, setup),
		cmocka_unit_test_setup(test_json, setup),
		cmocka_unit_test_setup(test_name, setup),
		cmocka_unit_test_setup(test_cut, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads for queues: all run, where they are told to; all end when one does; a
 * count in common is met exactly; each queue of a software NIC has its own.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/queues.h"

#define N	4

static struct queues all;
static struct queue queue[LANES_MAX];

static void setup_with(const char *device, uint32_t n, uint64_t count)
{
	memset(&all, 0, sizeof(all));
	memset(queue, 0, sizeof(queue));
	queues_init(&all, "test_lanes", "");
	all.app.device = device;
	all.app.count = count;
	all.app.json = true;	/* no rates on a terminal */
	all.lanes.n = n;
	for (uint32_t i = 0; i < LANES_MAX; i++)
		all.queue[i] = &queue[i];
}

/* Takes an option as if it had been typed. */
static void option(int which, const char *text)
{
	optarg = (char *)(uintptr_t)text;
	queues_option(&all, which);
}

/* ------------------------------------------------------------------------
 * Lanes
 */

static struct lane lane[LANES_MAX];
static uint64_t done[LANES_MAX];

static void lanes_setup(uint32_t n, uint64_t count)
{
	setup_with("", n, count);
	memset(lane, 0, sizeof(lane));
	memset(done, 0, sizeof(done));
}

static void nothing(void *arg)
{
	(void)arg;
}

static void run(uint32_t n, void (*main)(struct lane *lane))
{
	for (uint32_t i = 0; i < n; i++) {
		lane[i].number = i;
		lane[i].main = main;
		lanes_place(&all.lanes, i, &lane[i]);
	}
	assert_int_equal(lanes_start(&all.lanes), 0);
	lanes_watch(&all.lanes, nothing, NULL);
}

/* Takes what it may, and uses only a part of it. */
static void take_some(struct lane *l)
{
	uint32_t x = l->number + 1;

	while (lanes_go_on(l->lanes) && !lanes_counted(l->lanes)) {
		uint32_t got = lanes_reserve(l->lanes, APP_BURST), used;

		x = x * 1664525 + 1013904223;
		used = got ? (x >> 16) % (got + 1) : 0;
		done[l->number] += used;
		lanes_used(l->lanes, got, used);
	}
}

static void count_is_met(void **state)
{
	static const uint64_t counts[] = { 1, 63, 64, 65, 1000, 100001 };
	uint64_t sum;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		lanes_setup(N, counts[i]);
		run(N, take_some);
		sum = 0;
		for (int k = 0; k < N; k++)
			sum += done[k];
		assert_int_equal(sum, counts[i]);
	}
}

/* The third one leaves; the others would go on for ever. */
static void leave_or_stay(struct lane *l)
{
	if (l->number == 2)
		return;
	while (lanes_go_on(l->lanes))
		usleep(1000);
	done[l->number] = 1;
}

static void one_ends_all(void **state)
{
	uint64_t start = app_clock();

	(void)state;
	lanes_setup(N, 0);
	run(N, leave_or_stay);
	assert_int_equal(done[0] + done[1] + done[3], 3);
	assert_int_equal(done[2], 0);
	assert_true(app_clock() - start < NS_PER_SEC);
}

static void stay(struct lane *l)
{
	while (lanes_go_on(l->lanes))
		usleep(1000);
}

static void ticks(void *arg)
{
	(*(int *)arg)++;
}

static void seconds(void **state)
{
	int n = 0;

	(void)state;
	lanes_setup(1, 0);
	all.app.seconds = 1.3;
	lane[0].main = stay;
	lanes_place(&all.lanes, 0, &lane[0]);
	assert_int_equal(lanes_start(&all.lanes), 0);
	lanes_watch(&all.lanes, ticks, &n);
	assert_int_equal(n, 1);
	assert_true(app_seconds(&all.app) >= 1.3);
}

static void where(struct lane *l)
{
	done[l->number] = (uint64_t)sched_getcpu();
}

static void cpus(void **state)
{
	(void)state;
	lanes_setup(N, 0);
	option(APP_OPT_CPUS, "3,5-7,0");
	assert_int_equal(all.lanes.n_cpus, 5);
	assert_int_equal(all.lanes.cpus[2], 6);
	assert_int_equal(all.lanes.cpus[4], 0);
	option(APP_OPT_CPUS, "0");
	assert_int_equal(all.lanes.n_cpus, 1);
	memset(done, 0xff, sizeof(done));
	run(N, where);
	for (int i = 0; i < N; i++)
		assert_int_equal(done[i], 0);

	option(APP_OPT_QUEUES, "all");
	assert_int_equal(all.lanes.n, LANES_ALL);
	option(APP_OPT_QUEUES, "3");
	assert_int_equal(all.lanes.n, 3);
}

/* ------------------------------------------------------------------------
 * Queues
 */

static void receive(struct lane *l)
{
	struct queue *q = (struct queue *)l;
	struct ur_pkt pkts[APP_BURST];
	uint64_t bytes;
	uint32_t n, i;

	while (queue_run(q) && !lanes_counted(l->lanes)) {
		uint32_t most = lanes_reserve(l->lanes, APP_BURST);

		n = ur_rx_burst(q->app.queue, pkts, most);
		for (bytes = 0, i = 0; i < n; i++)
			bytes += pkts[i].len;
		app_add(&q->app.n.rx_packets, n);
		app_add(&q->app.n.rx_bytes, bytes);
		ur_rx_release(q->app.queue, pkts, n);
		lanes_used(l->lanes, most, n);
		if (n)
			app_sync(&q->app);
		else
			app_idle(&q->app, 0);
	}
}

static void all_queues(void **state)
{
	uint64_t sum = 0;

	(void)state;
	setup_with("sim:gen=udp,queues=4,count=5000", LANES_ALL, 20000);
	assert_int_equal(queues_open(&all), 0);
	assert_int_equal(all.n, 4);
	assert_int_equal(queues_run(&all, receive), 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(queue[i].lane.number, i);
		/* given back by its lane, before the program is at its end */
		assert_null(queue[i].app.queue);
		assert_int_equal(queue[i].app.n.rx_packets, 5000);
		assert_int_equal(queue[i].app.n.rx_bytes, 300000);
		sum += queue[i].app.n.rx_packets;
	}
	assert_int_equal(sum, 20000);
	assert_false(queues_gone(&all));
	queues_close(&all);
}

/* With rates: the one who watches reads what the others write. */
static void watched(void **state)
{
	(void)state;
	setup_with("sim:gen=udp,queues=3,rate=20000", 3, 0);
	all.app.seconds = 1.2;
	all.app.rates = true;
	assert_int_equal(queues_open(&all), 0);
	assert_int_equal(queues_run(&all, receive), 0);
	for (uint32_t i = 0; i < 3; i++) {
		/* as of the first second */
		assert_true(all.seen[i].last.rx_packets > 0);
		assert_true(all.seen[i].last.rx_packets <=
			    queue[i].app.n.rx_packets);
	}
	queues_close(&all);
}

/* Which ones, and no more than there are. */
static void numbers(void **state)
{
	(void)state;
	setup_with("sim:queues=2", 3, 0);
	assert_int_equal(queues_open(&all), -1);
	queues_close(&all);
	setup_with("no-such-nic", 2, 0);
	assert_int_equal(queues_open(&all), -1);
	queues_close(&all);
	setup_with("eth1@3", 2, 0);
	assert_int_equal(app_first_queue(&all.app), 3);
	setup_with("eth1", 2, 0);
	assert_int_equal(app_first_queue(&all.app), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_is_met), cmocka_unit_test(one_ends_all),
		cmocka_unit_test(seconds), cmocka_unit_test(cpus),
		cmocka_unit_test(all_queues), cmocka_unit_test(watched),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * userring. "guarded": SYNC by a call after each burst. "timer": the module looks at the
 * rings by itself every PERIOD_US, and ur_sync() makes no call.
 */
#include <libuserring/forward.h>

#include "bench.h"

#define RX_SIZE		1024
/*
 * What passes in a period waits there; sent frames, of which the next visit tells, for two,
 * and some: a ring that a late visit finds full costs a way by the pool.
 */
#define PERIOD_US	60
#define TIMER_RING	4096

static struct ur_port *port[2];
static struct ur_pool *pool;
static struct ur_queue *queue[2];
static struct ur_pkt pkts[BENCH_BURST_MAX];

static void open_ports(struct bench *b, uint32_t period_us, uint32_t ring)
{
	const struct ur_pool_opts pool_opts = { .size = sizeof(pool_opts), .slot_count = 4 * ring };
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = ring, .tx_size = ring, .sync_period_us = period_us,
	};
	struct ur_error err;

	for (int i = 0; i < 2; i++) {
		if (ur_port_open(&port[i], b->port[i].pci, &err) ||
		    (!i && ur_pool_create(&pool, port[i], &pool_opts, &err)) ||
		    ur_queue_attach(&queue[i], port[i], pool, &opts, &err))
			bench_die(0, "%s", err.text);
	}
}

static int open_calls(struct bench *b)
{
	open_ports(b, 0, RX_SIZE);
	return 0;
}

static int open_timer(struct bench *b)
{
	open_ports(b, PERIOD_US, TIMER_RING);
	return 0;
}

static void close_ports(struct bench *b)
{
	(void)b;
	for (int i = 0; i < 2; i++) {
		ur_queue_detach(queue[i]);
		ur_port_close(port[i]);
	}
	ur_pool_destroy(pool);
}

static inline __attribute__((always_inline)) void look(void *arg, const struct ur_pkt *pkt)
{
	check_frame(arg, pkt->data, pkt->len);
}

static __attribute__((noinline)) uint32_t rx_some(struct bench *b, uint32_t n)
{
	struct check c = b->check;

	n = ur_rx_each(queue[0], n, look, &c);
	b->check = c;
	ur_sync(queue[0]);
	return n;
}

static uint32_t rx_each(struct bench *b, uint32_t n)
{
	return ur_rx_peek(queue[0]) ? rx_some(b, n) : 0;
}

/* The same by way of an array, as an app does that keeps packets for a while. */
static uint32_t rx_burst(struct bench *b, uint32_t n)
{
	struct check c = b->check;

	n = ur_rx_burst(queue[0], pkts, n);
	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		check_frame(&c, pkts[i].data, pkts[i].len);
	b->check = c;
	ur_rx_release(queue[0], pkts, n);
	ur_sync(queue[0]);
	return n;
}

struct sending {
	uint8_t frame[BENCH_FRAME];
	uint64_t number;
};

static inline __attribute__((always_inline)) uint32_t build(void *arg, uint8_t *data)
{
	struct sending *s = arg;

	build_frame(data, s->frame, s->number++);
	return BENCH_FRAME;
}

static uint32_t tx_each(struct bench *b, uint32_t n)
{
	struct sending s = { .number = b->sent };

	memcpy(s.frame, b->frame, sizeof(s.frame));
	n = ur_tx_each(queue[0], n, build, &s);
	b->sent += n;
	ur_sync(queue[0]);
	return n;
}

static uint32_t tx_burst(struct bench *b, uint32_t n)
{
	n = ur_tx_make_room(queue[0], n);
	for (uint32_t i = 0; i < n; i++) {
		pkts[i].slot = ur_slot_alloc(pool);
		pkts[i].data = ur_slot_data(pool, pkts[i].slot);
		pkts[i].len = BENCH_FRAME;
		pkts[i].flags = 0;
		build_frame(pkts[i].data, b->frame, b->sent + i);
	}
	b->sent += n;
	ur_tx_burst(queue[0], pkts, n);
	ur_sync(queue[0]);
	return n;
}

static inline __attribute__((always_inline)) bool pass(void *arg, struct ur_pkt *pkt)
{
	(void)arg;
	swap_addresses(pkt->data);
	return true;
}

static uint32_t fwd_each(struct bench *b, uint32_t n)
{
	(void)b;
	n = ur_forward(queue[0], queue[1], n, pass, NULL);
	ur_sync(queue[1]);
	ur_sync(queue[0]);
	return n;
}

static uint32_t fwd_burst(struct bench *b, uint32_t n)
{
	(void)b;
	n = ur_tx_make_room(queue[1], n);
	n = ur_rx_burst(queue[0], pkts, n);
	for (uint32_t i = 0; i < n; i++)
		swap_addresses(pkts[i].data);
	ur_tx_burst(queue[1], pkts, n);
	ur_sync(queue[1]);
	ur_sync(queue[0]);
	return n;
}

static void wait_queue(struct bench *b, int timeout_ms)
{
	(void)b;
	ur_wait(queue[0], timeout_ms);
}

#define EACH	.rx = rx_each, .tx = tx_each, .fwd = fwd_each
#define ARRAY	.rx = rx_burst, .tx = tx_burst, .fwd = fwd_burst
#define CALLS	.wait = wait_queue, \
		.close = close_ports

const struct bench_method bench_methods[] = {
	{ .name = "userring", .variant = "guarded", .open = open_calls, EACH, CALLS },
	{ .name = "userring", .variant = "array", .open = open_calls, ARRAY, CALLS },
	{ .name = "userring", .variant = "timer", .open = open_timer, EACH, CALLS },
	{ .name = NULL },
};

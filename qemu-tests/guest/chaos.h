/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process of t_chaos: has a queue by the library, shares it with Linux, sends, and
 * takes what comes: ports that go down, devices that go, watchdogs, orders to leave. Its
 * exit status says why it ended.
 */
#ifndef USERRING_TESTS_CHAOS_H
#define USERRING_TESTS_CHAOS_H

#include <sys/mman.h>
#include <unistd.h>

#include <libuserring.h>

#include "../pattern.h"
#include "port.h"

/* a host that is busy lets a guest's process stand for long */
#define CHAOS_WATCHDOG_MS	1000

enum { CHAOS_SYNC, CHAOS_SLEEP, CHAOS_PERIOD, CHAOS_WATCHED, CHAOS_WAYS };

/* What it is told, and why it ends. */
enum { GO_ON, DETACH, LEAVE };
enum { ENDED_BY_ORDER = 0, ENDED_GONE = 10, ENDED_TAKEN = 11, ENDED_BADLY = 20 };

struct chaos {
	volatile int order;
	volatile int fd;		/* of its queue, once it has it */
	volatile uint32_t beats;	/* rounds of its loop */
	volatile uint32_t moved;	/* packets that were its own */
	volatile uint32_t passed;	/* packets for the host */
	volatile int error;
	char said[200];
};

static inline uint32_t draw(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % n;
}

/* Sends a packet of its own that its peer on the wire makes nothing of. */
static inline void chaos_send(struct ur_queue *q, struct ur_pool *pool, uint32_t n)
{
	const struct pat_flow in = pat_flow_default(), flow = pat_flow_reverse(&in);
	struct ur_pkt pkt = { 0 };

	while (n--) {
		pkt.slot = ur_tx_room(q) > 8 ? ur_slot_alloc(pool) : UR_NO_SLOT;
		if (pkt.slot == UR_NO_SLOT)
			return;
		pkt.data = ur_slot_data(pool, pkt.slot);
		pkt.len = (uint32_t)pat_build(pkt.data, 60, pkt.slot, &flow);
		ur_tx_burst(q, &pkt, 1);
	}
}

/* 0: go on. */
static inline int chaos_turn(struct ur_queue *q, struct ur_pool *pool, const struct ur_claim *claim,
			     struct chaos *c, int way, uint64_t *state)
{
	struct ur_pkt pkts[32];
	uint32_t passed, n;
	int ret = 0;

	n = ur_rx_claim(q, claim, pkts, 1 + draw(state, 32), &passed);
	ur_rx_release(q, pkts, n);
	if (draw(state, 4) == 0)
		chaos_send(q, pool, 1 + draw(state, 3));
	c->moved += n;
	c->passed += passed;
	c->beats++;
	if (way == CHAOS_PERIOD && draw(state, 16))
		sleep_ms(1);
	else if (way == CHAOS_SLEEP)
		ret = ur_wait(q, 20);
	else
		ret = ur_sync(q);
	if (ret == -ENETDOWN) {
		sleep_ms(2);
		return 0;
	}
	/* the timer serves it, and the port went down and up: only a call says so */
	return ret == -ESTALE || ret == -EINTR ? 0 : ret < 0 ? ret : 0;
}

static inline void __attribute__((noreturn)) chaos_end(struct chaos *c, int err, const char *said)
{
	c->error = err;
	snprintf(c->said, sizeof(c->said), "%s", said);
	_exit(err == -ENODEV ? ENDED_GONE : err == -ETIMEDOUT ? ENDED_TAKEN : ENDED_BADLY);
}

/* @fd: the queue of a predecessor, or -1. */
static inline void __attribute__((noreturn)) chaos_process(const struct port *names, int way,
							   uint64_t seed, int fd, struct chaos *c)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 128u << seed % 3, .tx_size = 128,
		.sync_period_us = way == CHAOS_PERIOD ? 200 : 0,
		.watchdog_ms = way == CHAOS_WATCHED ? CHAOS_WATCHDOG_MS : 0,
	};
	const struct ur_pool_opts pool_opts = { .size = sizeof(pool_opts), .slot_count = 1024 };
	struct ur_error error = { "" };
	static struct ur_claim claim;
	struct ur_port *port = NULL;
	struct ur_pool *pool;
	struct ur_queue *q;
	int err;

	if (fd >= 0) {
		err = ur_queue_adopt(&q, &pool, fd, NULL, &error);
	} else {
		err = ur_port_open(&port, names->netdev, &error);
		if (!err)
			err = ur_pool_create(&pool, port, &pool_opts, &error);
		if (!err)
			err = ur_queue_attach(&q, port, pool, &opts, &error);
	}
	if (err)
		chaos_end(c, err, error.text);
	c->fd = ur_fd(q);
	ur_claim_init(&claim, NULL);
	ur_claim_udp(&claim, 7001);
	while (c->order == GO_ON) {
		err = chaos_turn(q, pool, &claim, c, way, &seed);
		if (err)
			chaos_end(c, err, ur_strerror(err));
	}
	if (c->order == LEAVE)
		ur_queue_leave(q);
	else
		ur_queue_detach(q);
	ur_pool_destroy(pool);
	ur_port_close(port);
	_exit(ENDED_BY_ORDER);
}

#endif /* USERRING_TESTS_CHAOS_H */

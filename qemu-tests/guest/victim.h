/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that has a queue and passes the time with it until it is killed. What it
 * saw last is in memory that its parent shares.
 */
#ifndef USERRING_TESTS_VICTIM_H
#define USERRING_TESTS_VICTIM_H

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../pattern.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define VICTIM_RX	256
#define VICTIM_TX	128

enum { BY_SYNC, BY_SLEEP, BY_TIMER, WAYS };

struct seen {
	volatile uint32_t moved;	/* packets taken */
	volatile uint64_t last;		/* number of the newest one */
};

static inline struct seen *seen_create(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The number in a frame of pattern.h without tags. */
static inline uint64_t frame_number(const uint8_t *frame)
{
	const uint8_t *p = frame + PAT_ETH_LEN + PAT_IP_LEN + PAT_UDP_LEN + 8;
	uint64_t seq = 0;

	for (int i = 0; i < 8; i++)
		seq = seq << 8 | p[i];
	return seq;
}

/* An ARP request to the host of NIC 1; its stack answers each. */
static inline void build_question(const struct raw_queue *q, uint8_t *frame)
{
	static const uint8_t ask[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x08, 0x06,
		0, 1, 0x08, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 2, 15,
		0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
	};

	memset(frame, 0, 60);
	memcpy(frame, ask, sizeof(ask));
	memcpy(frame + 6, q->info.mac, 6);
	memcpy(frame + 22, q->info.mac, 6);
}

/* On NIC 0 it sends numbered frames, on NIC 1 (@asks) questions that are answered. */
static inline void __attribute__((noreturn)) victim(const struct port *port, int way, bool asks,
						    struct seen *seen)
{
	struct raw_queue q;
	uint64_t number = 0;
	uint32_t len;

	if (raw_open(&q, port->node) || raw_pool(&q, 2048, 4096) ||
	    raw_attach(&q, VICTIM_RX, VICTIM_TX, way == BY_TIMER ? 100 : 0))
		_exit(1);
	raw_post(&q, 0, VICTIM_RX - 1);
	if (raw_sync(&q, 0))
		_exit(2);
	for (uint32_t i = 0; asks && i < VICTIM_TX; i++)
		build_question(&q, raw_slot(&q, VICTIM_RX + i));
	for (uint64_t sent = 0;;) {
		struct pollfd pfd = { .fd = q.node, .events = POLLIN };

		while (raw_rx_done(&q)) {
			uint32_t slot = raw_rx_slot(&q);

			number = frame_number(raw_rx_frame(&q, &len));
			raw_rx_next(&q);
			/* killed between these two it is one behind, never ahead */
			seen->last = number;
			raw_fill(&q, slot);
			seen->moved++;
			if (!asks && raw_tx_busy(&q) < VICTIM_TX)
				raw_tx(&q, traffic_frame(&q, sent++, 60));
		}
		for (int i = 0; asks && i < 4 && raw_tx_busy(&q) < VICTIM_TX; i++)
			raw_tx(&q, (struct ur_tx_entry){
				.slot = VICTIM_RX + (q.u->tx_prod & (VICTIM_TX - 1)),
				.len = 60,
			});
		if (way != BY_TIMER && raw_sync(&q, 0))
			_exit(3);
		if (way == BY_SLEEP && poll(&pfd, 1, 1000) < 0)
			_exit(4);
	}
}

/* A victim that is well under way; -ECHILD if it ended. */
static inline pid_t victim_start(const struct port *port, int way, bool asks, struct seen *seen)
{
	int64_t end = now_ms() + at_most_ms(5000);
	pid_t pid;

	seen->moved = 0;
	pid = spawn();
	if (!pid)
		victim(port, way, asks, seen);
	while (seen->moved < 100 && now_ms() < end)
		sleep_ms(1);
	if (seen->moved >= 100)
		return pid;
	printf("# the victim ended with %d\n", finish(pid, 0));
	return -ECHILD;
}

static inline bool becomes_attached(const struct port *port, int want, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);

	while (raw_attached(port->node) != want) {
		if (now_ms() > end)
			return false;
		sleep_ms(2);
	}
	return true;
}

#endif /* USERRING_TESTS_VICTIM_H */

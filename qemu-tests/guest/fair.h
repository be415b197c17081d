/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring full of frames for the local stack, made new by one store.
 */
#ifndef USERRING_TESTS_FAIR_H
#define USERRING_TESTS_FAIR_H

#include <sched.h>

#include "port.h"
#include "raw.h"

#define RING	4096U

static inline void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* A ring full of frames for the local stack: UDP to a port without a socket. */
static inline int full_ring(struct raw_queue *q, const char *node, uint32_t period_us)
{
	static const uint8_t ip[28] = {
		0x45, 0, 0, 0x2e, 0, 1, 0, 0, 64, 17, 0x53, 0xa6, 10, 9, 9, 2, 10, 9, 9, 1,
		0x30, 0x39, 0, 9, 0, 0x1a, 0, 0,
	};
	int err = raw_open(q, node);
	uint8_t *frame;

	if (!err)
		err = raw_pool(q, 2048, 128);
	if (!err)
		err = raw_attach(q, 64, RING, period_us);
	if (err)
		return err;
	frame = raw_slot(q, 0);
	memset(frame, 0, 60);
	memcpy(frame, q->info.mac, 6);
	memset(frame + 6, 2, 6);
	frame[12] = 8;
	memcpy(frame + 14, ip, sizeof(ip));
	for (uint32_t i = 0; i < RING; i++)
		q->tx[i] = (struct ur_tx_entry){ .slot = 0, .len = 60, .flags = UR_TX_HOST };
	return raw_sync(q, 0);
}

/* One store makes the whole ring new. */
static inline void again(struct raw_queue *q)
{
	raw_store(&q->u->tx_prod, raw_load(&q->k->tx_done) + RING);
}

#endif /* USERRING_TESTS_FAIR_H */

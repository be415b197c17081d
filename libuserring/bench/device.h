/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of sim:, of which the bench plays the NIC and the system call itself,
 * so that it can time either half, or leave it out.
 */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include <libuserring.h>

#include "bench.h"

struct sim;

struct device {
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	struct sim *sim;
	struct device *out;	/* to forward: where to, with the same pool */
	uint8_t frame[FRAME_LEN];
	uint64_t made;		/* frames that arrived */
	uint64_t built;		/* frames that the app numbered */
	uint64_t sent;		/* frames that left, each the right one */
	const char *wrong;	/* what was not right with what left */
	struct tally tally;
	uint32_t burst;		/* of the call from the other CPU */
};

struct device_opts {
	const char *format;
	uint32_t ring;		/* places, of both rings */
	uint32_t slots;		/* 0: as many as places */
	bool huge;		/* pages of 2 MiB, else of 4 KiB */
};

int device_open(struct device *d, const struct device_opts *opts,
		struct ur_error *err);
/* Where the frames of in go: a second port, the same pool. */
int device_open_out(struct device *out, struct device *in,
		    const struct device_opts *opts, struct ur_error *err);
void device_close(struct device *d);

/* The module's half, and the tail registers; ur_sync() comes here as well. */
void device_serve(struct device *d);

/* The NIC: n numbered frames arrive; all that was posted leaves. */
void device_receive(struct device *d, uint32_t n);
void device_transmit(struct device *d);

/* Frames that fit into the TX ring. */
uint32_t device_tx_room(const struct device *d);

/* Out of all caches: what was received, and what tells of it. */
void device_flush_rx(const struct device *d);
/* The n slots that are sent next, and the places for them. */
void device_flush_tx(const struct device *d, uint32_t n);

/* The RX ring gets other slots, drawn from the pool. */
void device_scatter(struct device *d);

#endif /* BENCH_DEVICE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urfwd: main.c has options, opening and the end, place.c CPUs, lane.c the
 * threads that forward, report.c rates and totals.
 *
 * A lane is queue i of both ports and the thread that serves them.  All lanes
 * share one pool, each by a handle of its own: a slot that is received on one
 * port is sent on the other, and comes back to the lane's handle.
 */
#ifndef APPS_URFWD_H
#define APPS_URFWD_H

#include "common/lanes.h"

/* Why a packet that was received was not sent. */
enum fwd_drop {
	FWD_BAD_CSUM,	/* --checksums drop: the NIC found one wrong */
	FWD_NOT_OURS,	/* --mac-rewrite: not to this port's address */
	FWD_TOO_LONG,	/* for the other port */
	FWD_NO_PORT,	/* the other port is down or gone */
	FWD_DROPS
};

extern const char *const fwd_drop_name[FWD_DROPS];

/* What one queue received, and what became of it. */
struct fwd_count {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;	/* sent by this queue: of the other one's */
	uint64_t tx_bytes;
	uint64_t dropped[FWD_DROPS];	/* of those received here */
};

/* One queue of a lane. */
struct fwd_way {
	struct app app;
	struct fwd_count n;	/* the lane writes, all read */
	bool waits;		/* for room in the other's TX ring */
	char label[96];
};

struct fwd_lane {
	struct lane lane;
	struct fwd *fwd;
	struct fwd_way way[2];
	struct ur_pool *pool;
	uint64_t next_tick;
	uint64_t until;		/* see ports_over() */
	struct fwd_count last[2];	/* a second ago; the program's */
} __attribute__((aligned(64)));	/* written by its thread, with each burst */

struct fwd {
	struct app app;		/* options, and the clock of the whole */
	struct lanes lanes;
	const char *device[2];
	bool rewrite;
	bool drop_bad_csum;
	bool verbose;
	bool has_hop[2];
	uint8_t hop[2][6];	/* behind that port */

	struct fwd_lane lane[LANES_MAX];	/* lanes.n of them are in use */
	uint32_t slots;
	uint32_t slots_lost;
};

/* A CPU for each lane, said to the user who wants to know. */
void fwd_place(struct fwd *f);

/* A lane's thread. */
void fwd_lane_main(struct lane *lane);

/* What has happened since the last call: all lanes together, then each. */
void fwd_show_rates(struct fwd *f);
void fwd_totals(struct fwd *f);

#endif /* APPS_URFWD_H */

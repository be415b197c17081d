// SPDX-License-Identifier: BSD-2-Clause
#include "urfwd/urfwd.h"

#include <string.h>

#include "common/ports.h"

#define MAX_SLEEP_NS	200000000ULL	/* to look at the clock and at signals */
#define TX_RETRY_NS	100000ULL	/* between looks at a full TX ring */
#define DRAIN_NS	NS_PER_SEC	/* for what is in the TX rings at the end */

/* The lane alone writes its counts; the program reads them meanwhile. */
static void add(uint64_t *count, uint64_t n)
{
	__atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------
 * One burst
 */

/* Makes a packet that came on a port one of the other.  Return: why not. */
static enum fwd_drop prepare(const struct fwd *f, const struct app *in,
			     const struct app *out, const uint8_t *hop,
			     struct ur_pkt *pkt)
{
	if (f->drop_bad_csum &&
	    pkt->flags & (UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_BAD))
		return FWD_BAD_CSUM;
	if (f->rewrite) {
		if (memcmp(pkt->data, in->info.mac, 6) != 0)
			return FWD_NOT_OURS;
		memcpy(pkt->data, hop, 6);
		memcpy(pkt->data + 6, out->info.mac, 6);
	}
	if (!app_keep_tag(out, pkt) || pkt->len > out->info.tx_len_max)
		return FWD_TOO_LONG;
	return FWD_DROPS;
}

/*
 * From one way to the other, no more than the other has room for: what has to
 * wait does so in the RX ring, and holds up nothing that goes the other way.
 * With the other port down or gone there is no waiting: it is dropped.
 *
 * Return: packets received.
 */
static uint32_t forward(struct fwd_lane *lane, int i)
{
	struct fwd *f = lane->fwd;
	struct fwd_way *in = &lane->way[i], *out = &lane->way[!i];
	bool open = out->app.queue && !out->app.gone && !out->app.said_down;
	struct ur_pkt pkts[APP_BURST], send[APP_BURST], back[APP_BURST];
	uint64_t drops[FWD_DROPS] = { 0 }, rx_bytes = 0, tx_bytes = 0;
	uint32_t want, n, k, n_send = 0, n_back = 0;

	in->waits = false;
	if (!in->app.queue || in->app.gone)
		return 0;
	want = lanes_reserve(&f->lanes, APP_BURST);
	n = open ? ur_tx_make_room(out->app.queue, want) : want;
	in->waits = want && !n;
	n = ur_rx_burst(in->app.queue, pkts, n);
	lanes_used(&f->lanes, want, n);
	if (!n)
		return 0;

	for (k = 0; k < n; k++) {
		enum fwd_drop why = FWD_NO_PORT;

		rx_bytes += pkts[k].len;
		if (open)
			why = prepare(f, &in->app, &out->app, f->hop[!i],
				      &pkts[k]);
		if (why == FWD_DROPS) {
			tx_bytes += pkts[k].len;
			send[n_send++] = pkts[k];
		} else {
			drops[why]++;
			back[n_back++] = pkts[k];
		}
	}
	/* there was room for all of them */
	if (n_send)
		ur_tx_burst(out->app.queue, send, n_send);
	/* the others' places are filled from the pool, by sync */
	ur_rx_release(in->app.queue, back, n_back);

	add(&in->n.rx_packets, n);
	add(&in->n.rx_bytes, rx_bytes);
	add(&out->n.tx_packets, n_send);
	add(&out->n.tx_bytes, tx_bytes);
	for (k = 0; n_back && k < FWD_DROPS; k++)
		add(&in->n.dropped[k], drops[k]);
	return n;
}

/* ------------------------------------------------------------------------
 * The loop
 */

/* The queue of a port that is gone: what was in its rings is of use again. */
static void bury(struct fwd_lane *lane)
{
	for (int i = 0; i < 2; i++)
		if (lane->way[i].app.gone)
			app_detach(&lane->way[i].app);
}

static void sync_both(struct fwd_lane *lane)
{
	for (int i = 0; i < 2; i++)
		app_sync(&lane->way[i].app);
}

static void tick(struct fwd_lane *lane, uint64_t now)
{
	lane->next_tick = now + NS_PER_SEC;
	for (int i = 0; i < 2; i++) {
		struct app *app = &lane->way[i].app;

		if (app->gone)
			continue;
		app_look_after(app);
		/* its MAC address and offloads may have changed */
		ur_port_info(app->port, &app->info);
	}
}

static void idle(struct fwd_lane *lane)
{
	struct app *apps[2] = { &lane->way[0].app, &lane->way[1].app };
	const bool waits[2] = { lane->way[0].waits, lane->way[1].waits };

	ports_idle(apps, waits, 2, waits[0] || waits[1] ? TX_RETRY_NS :
							  MAX_SLEEP_NS);
}

static bool goes_on(struct fwd_lane *lane)
{
	struct app *apps[2] = { &lane->way[0].app, &lane->way[1].app };
	const struct lanes *lanes = &lane->fwd->lanes;
	uint64_t now = app_clock();

	if (now >= lane->next_tick)
		tick(lane, now);
	bury(lane);
	lane->lane.over = ports_over(apps, 2, &lane->until);
	return lanes_go_on(lanes) && !lane->lane.over && !lanes_counted(lanes) &&
	       !(lane->way[0].app.gone && lane->way[1].app.gone);
}

/* Is everything that was forwarded on the wire? */
static bool drained(struct fwd_lane *lane)
{
	for (int i = 0; i < 2; i++) {
		struct app *app = &lane->way[i].app;

		if (app->queue && !app->gone && !app->said_down &&
		    ur_tx_room(app->queue) < app->tx_size)
			return false;
	}
	return true;
}

static void drain(struct fwd_lane *lane)
{
	uint64_t end = app_clock() + DRAIN_NS;

	do {
		sync_both(lane);
		bury(lane);
	} while (!drained(lane) && app_clock() < end);
}

void fwd_lane_main(struct lane *base)
{
	struct fwd_lane *lane = (struct fwd_lane *)base;

	lane->next_tick = app_clock() + NS_PER_SEC;
	while (goes_on(lane)) {
		uint32_t n = forward(lane, 0);

		n += forward(lane, 1);
		if (n)
			sync_both(lane);
		else
			idle(lane);
	}
	drain(lane);
}

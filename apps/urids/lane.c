// SPDX-License-Identifier: BSD-2-Clause
#include "urids/urids.h"

#include <libuserring/host.h>

#include "common/ports.h"

#define MAX_SLEEP_NS	200000000ULL	/* to look at the clock and at signals */
#define TX_RETRY_NS	100000ULL	/* between looks at a full TX ring */
#define DRAIN_NS	NS_PER_SEC	/* for what is in the TX rings at the end */

/* A burst on its way from one port to the other, or up to Linux. */
struct burst {
	struct ids_lane *lane;
	struct ids_way *in, *out;
	struct ruleset *set;
	const struct ur_pkt *pkt;	/* that is looked at */
	struct timespec when;		/* of the alerts; 0: not asked for yet */
	struct ur_pkt send[APP_BURST], back[APP_BURST];
	uint32_t n_send, n_back;
	uint64_t send_bytes;
	struct ids_count n;
};

/* ------------------------------------------------------------------------
 * One packet
 */

/* Has the rule had its lines of this second?  One flood does not hide the rest. */
static bool is_enough(const struct burst *b, const struct rule *rule)
{
	const struct ids *ids = b->lane->ids;
	struct ids_limit *limit = b->set->limit[b->lane->lane.number] +
				  detect_place(b->set->detect, rule);
	uint32_t second = (uint32_t)b->when.tv_sec;

	if (!ids->alert_rate)
		return false;
	if (limit->second != second)
		*limit = (struct ids_limit){ .second = second };
	return limit->lines++ >= ids->alert_rate;
}

/* Of a capture it is the packet's own. */
static void set_time(struct burst *b)
{
	uint64_t time = 0;
	uint32_t len;

	app_capture_head(&b->in->app, b->pkt, &time, &len);
	if (time)
		b->when = (struct timespec){ (time_t)(time / NS_PER_SEC),
					     (long)(time % NS_PER_SEC) };
	else if (!b->when.tv_sec)
		clock_gettime(CLOCK_REALTIME, &b->when);
}

static void tell(struct burst *b, const struct detect_packet *p,
		 const struct detect_result *r)
{
	struct ids *ids = b->lane->ids;

	set_time(b);
	b->n.alerts += r->n + r->unnamed;
	b->n.alerts_lost += r->unnamed;
	for (uint32_t i = 0; i < r->n; i++) {
		if (is_enough(b, r->hit[i]))
			b->n.alerts_limited++;
		else
			b->n.alerts_lost += !eve_write(&ids->eve, &b->when,
						       b->in->app.device, p,
						       r->hit[i]);
	}
}

/* Return: IDS_DROPS: it goes on, as far as the rules are concerned. */
static enum ids_drop judge(struct burst *b, struct ur_pkt *pkt)
{
	const struct ids *ids = b->lane->ids;
	struct detect_result r;
	struct detect_packet p;
	enum detect_kind kind;

	if (ids->drop_bad_csum &&
	    pkt->flags & (UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_BAD))
		return IDS_BAD_CSUM;
	b->pkt = pkt;
	kind = detect_parse(pkt->data, pkt->len, &p);
	if (pkt->flags & UR_PKT_VLAN && kind == DETECT_LOOKED_AT &&
	    !detect_tag(&p, pkt->vlan))
		kind = DETECT_UNPARSABLE;
	b->n.kind[kind]++;
	if (kind != DETECT_LOOKED_AT) {
		if (!ids->drop_kind[kind])
			return IDS_DROPS;
		return kind == DETECT_FRAGMENT ? IDS_FRAGMENT : IDS_UNPARSABLE;
	}
	detect_match(b->set->detect, b->set->thread[b->lane->lane.number], &p, &r);
	if (r.n)
		tell(b, &p, &r);
	return r.drop ? IDS_BY_RULE : IDS_DROPS;
}

/* Of what the rules let through: can it leave?  Linux takes all as it came. */
static enum ids_drop fits(const struct burst *b, struct ur_pkt *pkt)
{
	if (b->out == b->in)
		return IDS_DROPS;
	if (!app_keep_tag(&b->out->app, pkt) ||
	    pkt->len > b->out->app.info.tx_len_max)
		return IDS_TOO_LONG;
	return IDS_DROPS;
}

static void sort_out(struct burst *b, struct ur_pkt *pkt, bool open)
{
	enum ids_drop why = judge(b, pkt);

	if (why == IDS_DROPS)
		why = open ? fits(b, pkt) : IDS_NO_PORT;
	if (why == IDS_DROPS) {
		b->send_bytes += pkt->len;
		b->send[b->n_send++] = *pkt;
	} else {
		b->n.dropped[why]++;
		b->back[b->n_back++] = *pkt;
	}
}

/* ------------------------------------------------------------------------
 * One burst
 */

/* The lane alone writes its counts; the program reads them meanwhile. */
static void count(struct ids_count *to, const struct ids_count *n)
{
	const uint64_t *from = (const uint64_t *)n;

	for (size_t i = 0; i < sizeof(*n) / sizeof(uint64_t); i++)
		if (from[i])
			app_add((uint64_t *)to + i, from[i]);
}

static void send_on(struct burst *b)
{
	struct ur_queue *in = b->in->app.queue;

	/* there is room for all of them */
	if (b->n_send && b->out == b->in)
		ur_to_host(in, b->send, b->n_send);
	else if (b->n_send)
		ur_tx_burst(b->out->app.queue, b->send, b->n_send);
	/* the others' places are filled from the pool, by sync */
	ur_rx_release(in, b->back, b->n_back);
}

/*
 * No more than the other side has room for: what has to wait does so in the RX
 * ring.  With the other port down or gone it is dropped, so that nothing old is
 * sent when that comes back.
 *
 * Return: packets received.
 */
static uint32_t forward(struct ids_lane *lane, struct ruleset *set, int i)
{
	struct ids *ids = lane->ids;
	struct burst b = {
		.lane = lane, .set = set, .in = &lane->way[i],
		.out = &lane->way[ids->ports == 2 ? !i : i],
	};
	const struct app *out = &b.out->app;
	bool open = out->queue && !out->gone && !out->said_down;
	struct ur_pkt pkts[APP_BURST];
	uint32_t want, n, k;

	b.in->waits = false;
	if (!b.in->app.queue || b.in->app.gone)
		return 0;
	want = lanes_reserve(&ids->lanes, APP_BURST);
	n = open ? ur_tx_make_room(out->queue, want) : want;
	b.in->waits = want && !n;
	n = ur_rx_burst(b.in->app.queue, pkts, n);
	lanes_used(&ids->lanes, want, n);
	if (!n)
		return 0;
	b.n.rx_packets = n;
	for (k = 0; k < n; k++) {
		b.n.rx_bytes += pkts[k].len;
		sort_out(&b, &pkts[k], open);
	}
	send_on(&b);
	b.n.passed = b.n_send;
	b.n.passed_bytes = b.send_bytes;
	count(&b.in->n, &b.n);
	return n;
}

/* ------------------------------------------------------------------------
 * The loop
 */

static struct app *app_of(struct ids_lane *lane, int port)
{
	return &lane->way[port].app;
}

static void sync_all(struct ids_lane *lane)
{
	for (int i = 0; i < lane->ids->ports; i++) {
		app_sync(app_of(lane, i));
		/* of a port that is gone: what was in its rings is of use again */
		if (app_of(lane, i)->gone)
			app_detach(app_of(lane, i));
	}
}

static void tick(struct ids_lane *lane, uint64_t now)
{
	lane->next_tick = now + NS_PER_SEC;
	for (int i = 0; i < lane->ids->ports; i++) {
		struct app *app = app_of(lane, i);

		if (app->gone)
			continue;
		app_look_after(app);
		if (app->gone)
			app_detach(app);
		/* its offloads may have changed */
		ur_port_info(app->port, &app->info);
	}
}

static void idle(struct ids_lane *lane)
{
	struct app *apps[2] = { app_of(lane, 0), app_of(lane, 1) };
	const bool waits[2] = { lane->way[0].waits, lane->way[1].waits };

	ports_idle(apps, waits, (uint32_t)lane->ids->ports,
		   waits[0] || waits[1] ? TX_RETRY_NS : MAX_SLEEP_NS);
}

static bool all_gone(struct ids_lane *lane)
{
	for (int i = 0; i < lane->ids->ports; i++)
		if (!app_of(lane, i)->gone)
			return false;
	return true;
}

static bool goes_on(struct ids_lane *lane)
{
	struct app *apps[2] = { app_of(lane, 0), app_of(lane, 1) };
	uint64_t now = app_clock();

	if (now >= lane->next_tick)
		tick(lane, now);
	lane->lane.over = ports_over(apps, (uint32_t)lane->ids->ports,
				     &lane->until);
	return lanes_go_on(&lane->ids->lanes) && !lane->lane.over &&
	       !all_gone(lane) && !lanes_counted(&lane->ids->lanes);
}

/* Is everything that was to go on on its way? */
static bool drained(struct ids_lane *lane)
{
	for (int i = 0; i < lane->ids->ports; i++) {
		struct app *app = app_of(lane, i);

		if (app->queue && !app->gone && !app->said_down &&
		    ur_tx_room(app->queue) < app->tx_size)
			return false;
	}
	return true;
}

static void drain(struct ids_lane *lane)
{
	uint64_t end = app_clock() + DRAIN_NS;

	do {
		sync_all(lane);
	} while (!drained(lane) && app_clock() < end);
}

void ids_lane_main(struct lane *base)
{
	struct ids_lane *lane = (struct ids_lane *)base;
	struct ids *ids = lane->ids;

	lane->next_tick = app_clock() + NS_PER_SEC;
	while (goes_on(lane)) {
		struct ruleset *set;
		uint32_t n = 0;

		__atomic_store_n(&lane->rounds, lane->rounds + 1,
				 __ATOMIC_SEQ_CST);
		set = __atomic_load_n(&ids->set, __ATOMIC_SEQ_CST);
		for (int i = 0; i < ids->ports; i++)
			n += forward(lane, set, i);
		if (n)
			sync_all(lane);
		else
			idle(lane);
	}
	drain(lane);
}

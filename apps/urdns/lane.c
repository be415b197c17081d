// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/urdns.h"

#include <string.h>

#include "common/addrs.h"

#define TX_RETRY_NS	100000		/* between looks at a full TX ring */

/* ------------------------------------------------------------------------
 * One query
 */

/* For who watches: queries that he has room for, by those he has looked at. */
static uint32_t note_room(const struct dns_lane *lane)
{
	return SEEN_MAX - (lane->seen_prod - __atomic_load_n(&lane->seen_cons, __ATOMIC_ACQUIRE));
}

static void note(struct dns_lane *lane, const struct packet *p, uint32_t len)
{
	const struct dns_query *q = &p->query;
	uint32_t prod = lane->seen_prod;
	struct dns_seen *seen = &lane->seen[prod % SEEN_MAX];

	if (!note_room(lane))
		return;
	seen->is_v6 = p->is_v6;
	/* the packet is turned round already */
	memcpy(seen->client, p->ip + (p->is_v6 ? 24 : 16), p->is_v6 ? 16 : 4);
	seen->asked = q->name_len;
	memcpy(seen->name, q->msg + DNS_HEADER, q->name_len);
	seen->type = q->type;
	seen->rcode = q->rcode;
	seen->truncated = q->truncated;
	seen->len = (uint16_t)len;
	__atomic_store_n(&lane->seen_prod, prod + 1, __ATOMIC_RELEASE);
}

static void count(struct dns_lane *lane, const struct dns_query *q)
{
	uint32_t type = q->type < DNS_COUNTED ? q->type : 0;

	if (q->name_len)
		app_add(&lane->n.type[type], 1);
	app_add(&lane->n.rcode[q->rcode], 1);
	if (q->truncated)
		app_add(&lane->n.truncated, 1);
}

/* Return: bytes of the reply, 0: none. */
static uint32_t reply(struct dns_lane *lane, struct dns_query *q,
		      const struct packet *p)
{
	enum rrl_verdict verdict = RRL_SEND;

	if (lane->rrl && !q->drop)
		verdict = rrl_ask(lane->rrl, p->client, lane->q.app.now);
	if (verdict == RRL_DROP) {
		app_add(&lane->n.limited, 1);
		return 0;
	}
	if (q->drop) {
		app_add(&lane->n.dropped, 1);
		return 0;
	}
	if (q->limit > lane->size_max)
		q->limit = (uint16_t)lane->size_max;
	if (verdict == RRL_SLIP) {
		app_add(&lane->n.slipped, 1);
		return dns_slip(q);
	}
	return dns_write(q, lane->server->version);
}

/* It has become a reply of len bytes. */
static void finish(struct dns_lane *lane, struct ur_pkt *pkt,
		   const struct packet *p, uint32_t len)
{
	packet_turn(&lane->cfg, pkt, p, len);
	count(lane, &p->query);
	note(lane, p, len);
}

/* ------------------------------------------------------------------------
 * Bursts, the long way
 */

struct burst {
	struct ur_pkt pkt[APP_BURST];
	struct packet packet[APP_BURST];
	uint32_t n;
};

/* What can be answered stays, the rest goes to Linux. */
static void read_all(struct dns_lane *lane, struct burst *b)
{
	struct ur_pkt host[APP_BURST];
	uint32_t i, n = 0, n_host = 0;
	uint64_t bytes = 0;

	for (i = 0; i < b->n; i++) {
		if (!packet_read(&lane->cfg, lane->zone, &b->pkt[i],
				 &b->packet[n])) {
			host[n_host++] = b->pkt[i];
			continue;
		}
		bytes += b->pkt[i].len;
		dns_fetch_slot(lane->zone, &b->packet[n].query);
		if (n != i)
			b->pkt[n] = b->pkt[i];
		n++;
	}
	b->n = n;
	app_add(&lane->q.app.n.rx_packets, n);
	app_add(&lane->q.app.n.rx_bytes, bytes);
	if (n_host)
		app_pass(&lane->q.app, host, n_host);
}

static void answer_all(struct dns_lane *lane, struct burst *b)
{
	struct ur_pkt back[2 * APP_BURST];
	uint32_t i, n_send = 0, n_back = 0, sent;

	for (i = 0; i < b->n; i++)
		dns_fetch_node(lane->zone, &b->packet[i].query);
	for (i = 0; i < b->n; i++)
		dns_find(lane->zone, &b->packet[i].query);
	for (i = 0; i < b->n; i++) {
		struct packet *p = &b->packet[i];
		uint32_t len = reply(lane, &p->query, p);

		if (!len) {
			back[n_back++] = b->pkt[i];
			continue;
		}
		finish(lane, &b->pkt[i], p, len);
		if (n_send != i)
			b->pkt[n_send] = b->pkt[i];
		n_send++;
	}
	sent = app_answer(&lane->q.app, b->pkt, n_send, back, n_back);
	app_add(&lane->n.unsent, n_send - sent);
}

/* Takes at most n packets by the long way.  Return: packets. */
static uint32_t long_burst(struct dns_lane *lane, uint32_t n)
{
	struct burst b;

	b.n = n = ur_rx_burst(lane->q.app.queue, b.pkt,
			      n < APP_BURST ? n : APP_BURST);
	if (n) {
		read_all(lane, &b);
		answer_all(lane, &b);
	}
	return n;
}

/* ------------------------------------------------------------------------
 * Bursts, the short way
 */

/* One that was for the short way until its name was looked for. */
static uint16_t answer_slowly(void *arg, uint8_t *frame, uint32_t len)
{
	struct dns_lane *lane = arg;
	struct ur_pkt pkt = {
		.data = frame, .len = len,
		.flags = UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_OK,
	};
	struct packet p;

	lane->slow++;
	if (!packet_read(&lane->cfg, lane->zone, &pkt, &p)) {
		memcpy(lane->late[lane->lates].frame, frame, len);
		lane->late[lane->lates++].len = len;
		return 0;
	}
	app_add(&lane->q.app.n.rx_bytes, len);
	dns_find(lane->zone, &p.query);
	len = reply(lane, &p.query, &p);
	if (!len)
		return 0;
	finish(lane, &pkt, &p, len);
	app_add(&lane->q.app.n.tx_packets, 1);
	app_add(&lane->q.app.n.tx_bytes, pkt.len);
	return (uint16_t)pkt.len;
}

/*
 * What looked like a query for the short way, and is Linux's after all: its slot had
 * to stay in the ring, so that Linux gets a copy.
 */
static void pass_late(struct dns_lane *lane)
{
	struct app *app = &lane->q.app;
	uint32_t i, slot;

	for (i = 0; i < lane->lates; i++) {
		struct ur_pkt pkt = {
			.len = lane->late[i].len,
			.flags = UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_OK,
		};

		slot = ur_slot_alloc(app->pool);
		if (slot == UR_NO_SLOT)
			break;
		pkt.slot = slot;
		pkt.data = ur_slot_data(app->pool, slot);
		memcpy(pkt.data, lane->late[i].frame, pkt.len);
		if (ur_to_host(app->queue, &pkt, 1))
			app_add(&app->n_host, 1);
		else
			ur_slot_free(app->pool, slot);
	}
	lane->lates = 0;
}

/* Of n that were taken, all but those that answer_slowly() has counted. */
static void count_quick(struct dns_lane *lane, uint32_t n)
{
	struct quick *quick = &lane->quick;
	struct app_count *sum = &lane->q.app.n;
	uint32_t quickly = n - lane->slow;

	app_add(&sum->rx_packets, n - lane->lates);
	app_add(&sum->rx_bytes, quick->rx_bytes);
	app_add(&sum->tx_packets, quickly);
	app_add(&sum->tx_bytes, quick->tx_bytes);
	app_add(&lane->n.rcode[DNS_NOERROR], quickly);
	quick->rx_bytes = 0;
	quick->tx_bytes = 0;
	lane->slow = 0;
}

/* Reads what waits, at most n, and takes it.  Return: packets. */
static uint32_t quick_burst(struct dns_lane *lane, uint32_t n)
{
	struct quick *quick = &lane->quick;
	struct ur_queue *q = lane->q.app.queue;
	uint32_t done = 0, run, took;
	bool is_short;

	n = quick_read(quick, q, lane->zone, n);
	quick_leave(quick, note_room(lane));
	for (; done < n; done += took) {
		run = quick_run(quick, &is_short);
		if (is_short) {
			took = quick_answer(quick, q, run);
			count_quick(lane, took);
			if (unlikely(lane->lates))
				pass_late(lane);
		} else {
			took = long_burst(lane, run);
			quick->next += took;
		}
		if (!took)
			break;
	}
	return done;
}

/* There are no zones yet: all is Linux's. */
static uint32_t pass_burst(struct dns_lane *lane, uint32_t n)
{
	struct ur_pkt pkt[APP_BURST];

	n = ur_rx_burst(lane->q.app.queue, pkt, n < APP_BURST ? n : APP_BURST);
	if (n)
		app_pass(&lane->q.app, pkt, n);
	return n;
}

uint32_t dns_lane_burst(struct dns_lane *lane, uint32_t most)
{
	uint32_t done = 0, n = 0;

	/* what cannot go out now, to the wire or to Linux, waits in its ring */
	most = ur_tx_make_room(lane->q.app.queue, most);
	if (!lane->zone)
		return pass_burst(lane, most);
	if (!lane->quick.on)
		return long_burst(lane, most);
	do {
		n = quick_burst(lane, most - done);
		done += n;
	} while (n && done < most);
	/* what the NIC found broken is dropped there */
	return done ? done : long_burst(lane, most);
}

/* ------------------------------------------------------------------------
 * For the addresses of Linux
 */

void dns_lane_look(struct dns_lane *lane)
{
	struct app *app = &lane->q.app;
	uint32_t room;

	lane->next_look = app->now + NS_PER_SEC;
	if (ur_port_info(app->port, &app->info))
		return;
	memcpy(lane->cfg.mac, app->info.mac, 6);
	lane->cfg.port = lane->server->port;
	room = app->info.tx_len_max - PACKET_HEADERS;
	lane->size_max = room < DNS_SIZE_MAX ? room : DNS_SIZE_MAX;
	addrs_take(lane->server->addrs, &lane->list, &lane->cfg);
	quick_aim(&lane->quick, &lane->cfg, lane->size_max);
	/* that is asked where the query is read */
	if (lane->rrl)
		lane->quick.on = false;
}

void dns_lane_begin(struct dns_lane *lane, struct dns_server *server)
{
	lane->server = server;
	lane->zone = server->zone;
	lane->quick.types = lane->n.type;
	lane->quick.slow = answer_slowly;
	lane->quick.arg = lane;
	dns_lane_look(lane);
}

/* ------------------------------------------------------------------------
 * The loop
 */

/* How long the queries of a burst were here. */
static void clock_burst(struct dns_lane *lane, uint64_t queries)
{
	uint64_t ns = app_clock() - lane->q.app.now;

	app_add(&lane->n.ns, ns * queries);
	if (ns > app_read(&lane->slowest))
		__atomic_store_n(&lane->slowest, ns, __ATOMIC_RELAXED);
}

static void serve(struct dns_lane *lane)
{
	struct app *app = &lane->q.app;
	uint32_t most = lanes_reserve(lane->q.lane.lanes, QUICK_BURST);
	uint64_t before = app->n.rx_packets, queries;
	uint32_t n;

	/* from here on the lane looks at no older one */
	__atomic_store_n(&lane->zone,
			 __atomic_load_n(&lane->server->zone, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
	n = dns_lane_burst(lane, most);
	queries = app->n.rx_packets - before;
	lanes_used(lane->q.lane.lanes, most, (uint32_t)queries);
	if (n) {
		app_sync(app);
		if (queries)
			clock_burst(lane, queries);
	} else if (ur_tx_room(app->queue)) {
		app_idle(app, 0);
	} else {
		app_idle_until(app, app->now + TX_RETRY_NS, false);
	}
}

void dns_lane_run(struct lane *arg)
{
	/* the first member of the first member */
	struct dns_lane *lane = (struct dns_lane *)arg;

	while (queue_run(&lane->q) && !lanes_counted(arg->lanes)) {
		if (lane->q.app.now >= lane->next_look ||
		    addrs_changed(lane->server->addrs, lane->list))
			dns_lane_look(lane);
		serve(lane);
	}
	__atomic_store_n(&lane->zone, NULL, __ATOMIC_RELEASE);
}

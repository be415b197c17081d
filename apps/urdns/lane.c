// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/urdns.h"

#include <string.h>

#include "common/addrs.h"

#define TX_RETRY_NS	100000		/* between looks at a full TX ring */
#define ADDRS_SOON_NS	100000000ULL	/* if an address is not known */

/* ------------------------------------------------------------------------
 * For the addresses of Linux
 */

void dns_lane_look(struct dns_lane *lane)
{
	struct app *app = &lane->q.app;
	uint32_t room;

	lane->next_addrs = app->now + NS_PER_SEC;
	if (ur_port_info(app->port, &app->info))
		return;
	memcpy(lane->cfg.mac, app->info.mac, 6);
	lane->cfg.port = lane->server->port;
	room = app->info.tx_len_max - PACKET_HEADERS;
	lane->size_max = room < DNS_SIZE_MAX ? room : DNS_SIZE_MAX;
	echo_addrs(&lane->cfg, app->info.ifindex ? app->info.ifname : "");
}

/* Not answered: perhaps to an address that is new. */
static void pass_on(struct dns_lane *lane, const struct ur_pkt *pkts,
		    uint32_t n)
{
	app_pass(&lane->q.app, pkts, n);
	if (lane->next_addrs > lane->q.app.now + ADDRS_SOON_NS)
		lane->next_addrs = lane->q.app.now + ADDRS_SOON_NS;
}

/* ------------------------------------------------------------------------
 * One query
 */

/* For who watches; nothing when he has not looked at the last ones yet. */
static void note(struct dns_lane *lane, const struct packet *p, uint32_t len)
{
	const struct dns_query *q = &p->query;
	uint32_t prod = lane->seen_prod;
	struct dns_seen *seen = &lane->seen[prod % SEEN_MAX];

	if (prod - ur_load_acquire(&lane->seen_cons) == SEEN_MAX)
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
	ur_store_release(&lane->seen_prod, prod + 1);
}

static void count(struct dns_lane *lane, const struct dns_query *q)
{
	uint32_t type = q->type < COUNT_TYPES ? q->type : 0;

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

/* ------------------------------------------------------------------------
 * Bursts
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
		if (!packet_read(&lane->cfg, &b->pkt[i], &b->packet[n])) {
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
		pass_on(lane, host, n_host);
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
		packet_turn(&lane->cfg, &b->pkt[i], p, len);
		count(lane, &p->query);
		note(lane, p, len);
		if (n_send != i)
			b->pkt[n_send] = b->pkt[i];
		n_send++;
	}
	sent = app_answer(&lane->q.app, b->pkt, n_send, back, n_back);
	app_add(&lane->n.unsent, n_send - sent);
}

uint32_t dns_lane_burst(struct dns_lane *lane, uint32_t most)
{
	struct ur_queue *q = lane->q.app.queue;
	struct burst b;
	uint32_t n;

	/* what cannot go out now, to the wire or to Linux, waits in its ring */
	b.n = n = ur_rx_burst(q, b.pkt, ur_tx_make_room(q, most));
	if (n) {
		read_all(lane, &b);
		answer_all(lane, &b);
	}
	return n;
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
	uint32_t most = lanes_reserve(lane->q.lane.lanes, APP_BURST);
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
		if (lane->q.app.now >= lane->next_addrs)
			dns_lane_look(lane);
		serve(lane);
	}
	__atomic_store_n(&lane->zone, NULL, __ATOMIC_RELEASE);
}

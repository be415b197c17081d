// SPDX-License-Identifier: BSD-2-Clause
/* Packets out, at a rate. */
#include <string.h>

#include "urgen/urgen.h"
#include "common/wire.h"

#define BUCKET_NS	50000000ULL	/* what a stall may be made up for */

/*
 * Places of the TX ring that are left to packets for Linux.  As many are received
 * in a burst, so it may not be less than what is sent in one.
 */
static uint32_t places_for_linux(const struct app *app)
{
	if (!app->shares)
		return 0;
	return app->tx_size / 2 < APP_BURST ? app->tx_size / 2 : APP_BURST;
}

static void make_head(struct gen *g, uint32_t host)
{
	struct gen_head *head = &g->head[host];
	uint32_t at = write_eth(g, head->bytes, g->dst_mac,
				g->version == 4 ? UR_ETH_IPV4 : UR_ETH_IPV6);
	uint8_t *ip = head->bytes + at;
	uint32_t ip_header = g->version == 4 ? 20 : 40;
	uint32_t udp_len = g->size - UR_ETH_LEN - ip_header;
	uint8_t *udp = ip + ip_header;
	uint8_t src[16];

	host_address(g, host, src);
	if (g->version == 4) {
		ip[0] = 0x45;
		ur_put_be16(ip + 2, (uint16_t)(udp_len + 20));
		ur_put_be16(ip + 6, 0x4000);	/* do not fragment */
		ip[8] = 64;
		ip[9] = UR_IP_UDP;
		memcpy(ip + 12, src, 4);
		memcpy(ip + 16, g->dst, 4);
		ur_put_be16(ip + 10, ur_csum(ip, 20));
		head->csum = csum_pseudo(ip + 12, 8, UR_IP_UDP, udp_len);
	} else {
		ip[0] = 0x60;
		ur_put_be16(ip + 4, (uint16_t)udp_len);
		ip[6] = UR_IP_UDP;
		ip[7] = 64;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, g->dst, 16);
		head->csum = csum_pseudo(ip + 8, 32, UR_IP_UDP, udp_len);
	}
	ur_put_be16(udp + 2, g->dport);
	ur_put_be16(udp + 4, (uint16_t)udp_len);
	head->csum = ur_csum_add(head->csum, udp + 2, 4);

	g->udp_at = at + ip_header;
	g->head_len = g->udp_at + 8;
	g->payload_len = udp_len - 8;
}

static void write_packet(const struct gen *g, uint8_t *p,
			 const struct urgen_payload *u)
{
	const struct gen_head *head = &g->head[u->flow % g->hosts];
	uint8_t *payload = p + g->head_len, *udp = p + g->udp_at;
	uint64_t csum;
	uint16_t sum;

	memcpy(p, head->bytes, g->head_len);
	ur_put_be16(udp, (uint16_t)(g->sport + u->flow / g->hosts));
	urgen_write(payload, g->payload_len, u);
	csum = ur_csum_add(head->csum, udp, 2);
	sum = ur_csum_fold(ur_csum_add(csum, payload, g->payload_len));
	ur_put_be16(udp + 6, sum ? sum : 0xffff);
}

/* Token bucket: packets that may go now. */
static uint64_t allowed(struct gen_lane *lane)
{
	uint64_t now = lane->q.app.now;
	uint64_t left = UINT64_MAX;
	double owed, most;

	if (lane->g->all.app.count)
		left = lane->count - lane->sent;
	if (lane->rate > 0) {
		owed = (double)(now - lane->pace_start) * lane->rate / 1e9 + 1 -
		       (double)lane->paced;
		most = lane->rate * (double)BUCKET_NS / 1e9;
		if (most < 2)
			most = 2;
		if (owed > most) {
			/* too long away: the time before is lost */
			lane->pace_start = now - (uint64_t)((most - 1) * 1e9 /
							    lane->rate);
			lane->paced = 0;
			owed = most;
		}
		if (owed < 1)
			return 0;
		if ((uint64_t)owed < left)
			left = (uint64_t)owed;
	}
	return left;
}

uint64_t next_due(const struct gen_lane *lane)
{
	return lane->pace_start +
	       (uint64_t)((double)lane->paced * 1e9 / lane->rate);
}

/* How many of want there is room for. */
static uint32_t room_for(struct app *app, uint64_t want)
{
	uint32_t n = want < APP_BURST ? (uint32_t)want : APP_BURST;
	uint32_t keep = places_for_linux(app);
	uint32_t room = ur_tx_make_room(app->queue, n + keep);

	room = room > keep ? room - keep : 0;
	return n < room ? n : room;
}

/* Of those that were written so many went: whose turn is it now? */
static void advance(struct gen_lane *lane, uint32_t sent)
{
	lane->turn += sent;
	lane->seq += lane->turn / lane->flows;
	lane->turn %= lane->flows;
}

uint32_t send_burst(struct gen_lane *lane)
{
	const struct gen *g = lane->g;
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &lane->q.app;
	struct ur_pool *pool = app->pool;
	uint32_t n = room_for(app, allowed(lane));
	struct urgen_payload u = {
		.stream = g->stream,
		.seq = lane->seq,
		.time = app->now & URGEN_TIME_MASK,
	};
	uint32_t turn = lane->turn;
	uint32_t sent, i;

	for (i = 0; i < n; i++) {
		pkts[i].slot = ur_slot_alloc(pool);
		if (pkts[i].slot == UR_NO_SLOT)
			break;
		u.flow = (uint16_t)(lane->index + turn * g->all.n);
		pkts[i].data = ur_slot_data(pool, pkts[i].slot);
		pkts[i].len = g->head_len + g->payload_len;
		pkts[i].flags = 0;
		write_packet(g, pkts[i].data, &u);
		if (++turn == lane->flows) {
			turn = 0;
			u.seq++;
		}
	}
	n = i;

	sent = ur_tx_burst(app->queue, pkts, n);
	for (i = sent; i < n; i++)
		ur_slot_free(pool, pkts[i].slot);
	if (!sent)
		return 0;
	advance(lane, sent);
	lane->paced += sent;
	app_add(&lane->sent, sent);
	app_add(&app->n.tx_packets, sent);
	app_add(&app->n.tx_bytes,
		(uint64_t)sent * (g->head_len + g->payload_len));
	__atomic_store_n(&lane->last_sent, app->now, __ATOMIC_RELAXED);
	return sent;
}

/* The flows, the rate and the count are shared out among the queues. */
static void share_out(struct gen *g)
{
	uint64_t count = g->all.app.count;
	uint32_t queues = g->all.n;

	for (uint32_t i = 0; i < queues; i++) {
		struct gen_lane *lane = &g->lane[i];
		/* the last, shorter round is that of the first flows */
		uint32_t rest = (uint32_t)(count % g->flows);

		lane->flows = (g->flows - i + queues - 1) / queues;
		lane->rate = g->rate * lane->flows / g->flows;
		lane->count = count / g->flows * lane->flows;
		if (rest > i)
			lane->count += (rest - i + queues - 1) / queues;
	}
}

void prepare_to_send(struct gen *g)
{
	for (uint32_t i = 0; i < g->hosts; i++)
		make_head(g, i);
	share_out(g);
	g->stream = (uint16_t)(app_clock() * URGEN_A >> 48);
}

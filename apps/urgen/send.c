// SPDX-License-Identifier: BSD-2-Clause
/* Packets out, at a rate. */
#include <string.h>

#include "urgen/urgen.h"
#include "common/wire.h"

#define BUCKET_NS	50000000ULL	/* what a stall may be made up for */

static void make_template(struct gen *g)
{
	uint32_t at = write_eth(g, g->head, g->dst_mac,
				g->version == 4 ? UR_ETH_IPV4 : UR_ETH_IPV6);
	uint8_t *ip = g->head + at;
	uint32_t ip_header = g->version == 4 ? 20 : 40;
	uint32_t udp_len = g->size - UR_ETH_LEN - ip_header;
	uint8_t *udp = ip + ip_header;

	if (g->version == 4) {
		ip[0] = 0x45;
		ur_put_be16(ip + 2, (uint16_t)(udp_len + 20));
		ur_put_be16(ip + 6, 0x4000);	/* do not fragment */
		ip[8] = 64;
		ip[9] = UR_IP_UDP;
		memcpy(ip + 12, g->src, 4);
		memcpy(ip + 16, g->dst, 4);
		ur_put_be16(ip + 10, ur_csum(ip, 20));
		g->csum = csum_pseudo(ip + 12, 8, UR_IP_UDP, udp_len);
	} else {
		ip[0] = 0x60;
		ur_put_be16(ip + 4, (uint16_t)udp_len);
		ip[6] = UR_IP_UDP;
		ip[7] = 64;
		memcpy(ip + 8, g->src, 16);
		memcpy(ip + 24, g->dst, 16);
		g->csum = csum_pseudo(ip + 8, 32, UR_IP_UDP, udp_len);
	}
	ur_put_be16(udp, g->sport);
	ur_put_be16(udp + 2, g->dport);
	ur_put_be16(udp + 4, (uint16_t)udp_len);
	g->csum = ur_csum_add(g->csum, udp, 6);

	g->udp_at = at + ip_header;
	g->head_len = g->udp_at + 8;
	g->payload_len = udp_len - 8;
}

static void write_packet(const struct gen *g, uint8_t *p,
			 const struct urgen_payload *u)
{
	uint8_t *payload = p + g->head_len;
	uint16_t csum;

	memcpy(p, g->head, g->head_len);
	urgen_write(payload, g->payload_len, u);
	csum = ur_csum_fold(ur_csum_add(g->csum, payload, g->payload_len));
	ur_put_be16(p + g->udp_at + 6, csum ? csum : 0xffff);
}

/* Token bucket: packets that may go now. */
static uint64_t allowed(struct gen *g)
{
	uint64_t now = g->app.now;
	uint64_t left = UINT64_MAX;
	double owed, most;

	if (g->app.count)
		left = g->app.count - g->sent;
	if (g->rate > 0) {
		owed = (double)(now - g->pace_start) * g->rate / 1e9 + 1 -
		       (double)g->paced;
		most = g->rate * (double)BUCKET_NS / 1e9;
		if (most < 2)
			most = 2;
		if (owed > most) {
			/* too long away: that time is lost */
			g->pace_start = now;
			g->paced = 0;
			owed = 1;
		}
		if (owed < 1)
			return 0;
		if ((uint64_t)owed < left)
			left = (uint64_t)owed;
	}
	return left;
}

uint64_t next_due(const struct gen *g)
{
	return g->pace_start + (uint64_t)((double)g->paced * 1e9 / g->rate);
}

uint32_t send_burst(struct gen *g)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &g->app;
	struct ur_pool *pool = app->pool;
	uint64_t want = allowed(g);
	uint32_t n = want < APP_BURST ? (uint32_t)want : APP_BURST;
	uint32_t room = ur_tx_room(app->queue);
	uint32_t sent, i;

	if (n > room) {
		ur_tx_reap(app->queue);
		room = ur_tx_room(app->queue);
		if (n > room)
			n = room;
	}

	for (i = 0; i < n; i++) {
		struct urgen_payload u = { .stream = g->stream,
					   .seq = g->sent + i };

		pkts[i].slot = ur_slot_alloc(pool);
		if (pkts[i].slot == UR_NO_SLOT)
			break;
		u.time = app->now & URGEN_TIME_MASK;
		pkts[i].data = ur_slot_data(pool, pkts[i].slot);
		pkts[i].len = g->head_len + g->payload_len;
		pkts[i].flags = 0;
		write_packet(g, pkts[i].data, &u);
	}
	n = i;

	sent = ur_tx_burst(app->queue, pkts, n);
	for (i = sent; i < n; i++)
		ur_slot_free(pool, pkts[i].slot);
	g->sent += sent;
	g->paced += sent;
	app->n.tx_packets += sent;
	app->n.tx_bytes += (uint64_t)sent * (g->head_len + g->payload_len);
	if (sent)
		g->last_sent = app->now;
	return sent;
}

void prepare_to_send(struct gen *g)
{
	make_template(g);
	g->stream = (uint16_t)(app_clock() * URGEN_A >> 48);
}

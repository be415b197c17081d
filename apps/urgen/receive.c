// SPDX-License-Identifier: BSD-2-Clause
/* Packets in: each is looked at byte by byte and entered in the books. */
#include <inttypes.h>
#include <stdlib.h>

#include "urgen/urgen.h"

static struct track *track_of(struct gen *g, uint16_t stream)
{
	uint32_t i;

	for (i = 0; i < g->n_tracks; i++)
		if (g->track_stream[i] == stream)
			return g->tracks[i];
	if (g->n_tracks == STREAMS || (g->mode == BOTH && stream != g->stream))
		return NULL;
	g->tracks[i] = calloc(1, sizeof(struct track));
	if (!g->tracks[i])
		return NULL;
	g->tracks[i]->from_zero = g->mode == BOTH;
	g->track_stream[i] = stream;
	g->n_tracks++;
	return g->tracks[i];
}

static void say_corrupt(struct gen *g, uint64_t seq, uint32_t at)
{
	g->corrupt++;
	if (g->said_corrupt)
		return;
	g->said_corrupt = true;
	if (at)
		app_say(&g->app, "packet %" PRIu64 ": byte %" PRIu32 " of the payload is wrong (further ones are only counted)",
			seq, at);
	else
		app_say(&g->app, "a packet has a wrong checksum (further ones are only counted)");
}

static bool port_wanted(const struct gen *g, uint16_t sport, uint16_t dport)
{
	return g->port < 0 || g->port == sport || g->port == dport;
}

static bool checksum_is_right(const struct ur_pkt *pkt,
			      const struct ur_udp *udp)
{
	if (pkt->flags & (UR_PKT_L4_CSUM_BAD | UR_PKT_IP_CSUM_BAD))
		return false;
	if ((pkt->flags & UR_PKT_L4_CSUM_OK) || udp->no_csum)
		return true;
	return ur_csum_udp(udp->src, udp->dst, udp->family == 4 ? 4 : 16,
			   pkt->data + udp->l4,
			   udp->payload_len + UR_UDP_LEN) == 0;
}

/* Is it one of urgen's?  Then it is in the books after this. */
static bool take_packet(struct gen *g, const struct ur_pkt *pkt, uint64_t now)
{
	struct urgen_payload u;
	struct track *track;
	struct ur_udp udp;
	uint32_t at;

	if (ur_parse_udp(pkt->data, pkt->len, &udp) != UR_PARSE_OK ||
	    !port_wanted(g, udp.sport, udp.dport) ||
	    !urgen_read(udp.payload, udp.payload_len, &u))
		return false;
	track = track_of(g, u.stream);
	if (!track) {
		g->foreign++;
		return true;
	}

	/* before the checksum, which cannot say which byte it is */
	at = urgen_check(udp.payload, udp.payload_len, &u);
	if (at != udp.payload_len) {
		say_corrupt(g, u.seq, at);
		return true;
	}
	if (!checksum_is_right(pkt, &udp)) {
		say_corrupt(g, 0, 0);
		return true;
	}
	track_seq(track, u.seq);
	g->last_new = now;
	if (g->mode == BOTH)
		hist_add(&g->rtt, (now - u.time) & URGEN_TIME_MASK);
	return true;
}

void answer_others(struct gen *g, struct ur_pkt *pkts, uint32_t n)
{
	struct ur_pkt send[APP_BURST], back[2 * APP_BURST];
	uint32_t n_send = 0, n_back = 0, i;

	for (i = 0; i < n; i++) {
		struct ur_pkt *pkt = &pkts[i];

		if (echo_reply(&g->answer, pkt->data, &pkt->len, pkt->len + 16,
			       pkt->flags) <= ECHO_LAST_ANSWER)
			send[n_send++] = *pkt;
		else
			back[n_back++] = *pkt;
	}
	app_answer(&g->app, send, n_send, back, n_back);
}

uint32_t receive_burst(struct gen *g)
{
	struct ur_pkt pkts[APP_BURST], others[APP_BURST], back[APP_BURST];
	struct app *app = &g->app;
	uint32_t n_others = 0, n_back = 0;
	uint32_t n, i;
	uint64_t now;

	n = ur_rx_burst(app->queue, pkts,
			g->mode == RECEIVE ? app_burst(app) : APP_BURST);
	if (!n)
		return 0;

	now = app_clock();
	for (i = 0; i < n; i++) {
		if (take_packet(g, &pkts[i], now)) {
			app->n.rx_packets++;
			app->n.rx_bytes += pkts[i].len;
			back[n_back++] = pkts[i];
		} else {
			g->other++;
			others[n_others++] = pkts[i];
		}
	}
	ur_rx_release(app->queue, back, n_back);
	if (n_others)
		answer_others(g, others, n_others);
	return n;
}

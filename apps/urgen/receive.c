// SPDX-License-Identifier: BSD-2-Clause
/* Packets in: each is looked at byte by byte and entered in the books. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "urgen/urgen.h"

/* The run of urgen that it is of, if that is one to look at. */
static struct gen_stream *stream_of(struct gen_lane *lane,
				    const struct urgen_payload *u)
{
	const struct gen *g = lane->g;
	uint32_t i;

	if (g->mode == BOTH && (u->stream != g->stream || u->flow >= g->flows))
		return NULL;
	for (i = 0; i < lane->streams; i++)
		if (lane->stream[i].number == u->stream)
			return &lane->stream[i];
	if (i == STREAMS)
		return NULL;
	lane->stream[i].number = u->stream;
	lane->streams++;
	return &lane->stream[i];
}

/* Room for a flow of this number. */
static bool make_room(struct gen_stream *stream, uint32_t flow)
{
	uint32_t room = stream->room ? stream->room : 1;
	struct track **grown;

	if (flow < stream->room)
		return true;
	while (room <= flow)
		room *= 2;
	grown = realloc(stream->flow, room * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + stream->room, 0,
	       (room - stream->room) * sizeof(*grown));
	stream->flow = grown;
	stream->room = room;
	return true;
}

static struct track *track_of(const struct gen_lane *lane,
			      struct gen_stream *stream, uint16_t flow)
{
	if (!make_room(stream, flow))
		return NULL;
	if (!stream->flow[flow]) {
		stream->flow[flow] = calloc(1, sizeof(struct track));
		if (stream->flow[flow])
			stream->flow[flow]->from_zero = lane->g->mode == BOTH;
	}
	return stream->flow[flow];
}

static void say_corrupt(struct gen_lane *lane, const struct urgen_payload *u,
			uint32_t at)
{
	const struct app *app = &lane->q.app;

	lane->corrupt++;
	if (lane->said_corrupt)
		return;
	lane->said_corrupt = true;
	if (at && lane->g->flows > 1)
		app_say(app, "packet %" PRIu64 " of flow %" PRIu16 ": byte %" PRIu32 " of the payload is wrong (further ones are only counted)",
			u->seq, u->flow, at);
	else if (at)
		app_say(app, "packet %" PRIu64 ": byte %" PRIu32 " of the payload is wrong (further ones are only counted)",
			u->seq, at);
	else
		app_say(app, "a packet has a wrong checksum (further ones are only counted)");
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
static bool take_packet(struct gen_lane *lane, const struct ur_pkt *pkt,
			uint64_t now)
{
	const struct gen *g = lane->g;
	struct gen_stream *stream;
	struct urgen_payload u;
	struct track *track;
	struct ur_udp udp;
	uint64_t before;
	uint32_t at;

	if (g->mode == SEND ||
	    ur_parse_udp(pkt->data, pkt->len, &udp) != UR_PARSE_OK ||
	    !port_wanted(g, udp.sport, udp.dport) ||
	    !urgen_read(udp.payload, udp.payload_len, &u))
		return false;
	stream = stream_of(lane, &u);
	if (!stream) {
		lane->foreign++;
		return true;
	}

	/* before the checksum, which cannot say which byte it is */
	at = urgen_check(udp.payload, udp.payload_len, &u);
	if (at == udp.payload_len && !checksum_is_right(pkt, &udp))
		at = 0;
	if (at != udp.payload_len) {
		say_corrupt(lane, &u, at);
		return true;
	}
	track = track_of(lane, stream, u.flow);
	if (!track) {
		lane->foreign++;	/* there is no memory for it */
		return true;
	}
	before = track->received;
	track_seq(track, u.seq);
	app_add(&lane->received, track->received - before);
	if (g->mode == BOTH)
		hist_add(&lane->rtt, (now - u.time) & URGEN_TIME_MASK);
	return true;
}

void answer_others(struct gen_lane *lane, struct ur_pkt *pkts, uint32_t n)
{
	struct ur_pkt send[APP_BURST], host[APP_BURST], back[2 * APP_BURST];
	uint32_t n_send = 0, n_host = 0, n_back = 0, i;
	struct app *app = &lane->q.app;

	for (i = 0; i < n; i++) {
		struct ur_pkt *pkt = &pkts[i];

		if (echo_reply(&lane->g->answer, pkt->data, &pkt->len,
			       pkt->len + 16, pkt->flags) <= ECHO_LAST_ANSWER)
			send[n_send++] = *pkt;
		else if (app->shares)
			host[n_host++] = *pkt;
		else
			back[n_back++] = *pkt;
	}
	if (n_host)
		app_pass(app, host, n_host);
	app_answer(app, send, n_send, back, n_back);
}

/* What is there: of --count, if that is about packets received. */
static uint32_t take_burst(struct gen_lane *lane, struct ur_pkt *pkts,
			   uint32_t most)
{
	struct ur_queue *queue = lane->q.app.queue;

	/* what cannot go on to Linux now waits in the RX ring */
	if (lane->q.app.shares)
		most = ur_tx_make_room(queue, most);
	return ur_rx_burst(queue, pkts, most);
}

uint32_t receive_burst(struct gen_lane *lane)
{
	struct ur_pkt pkts[APP_BURST], others[APP_BURST], back[APP_BURST];
	bool counts = lane->g->mode == RECEIVE;
	struct app *app = &lane->q.app;
	struct lanes *lanes = lane->q.lane.lanes;
	uint32_t most = counts ? lanes_reserve(lanes, APP_BURST) : APP_BURST;
	uint32_t n_others = 0, n_back = 0;
	uint64_t bytes = 0, now;
	uint32_t n, i;

	n = take_burst(lane, pkts, most);
	now = app_clock();
	for (i = 0; i < n; i++) {
		if (take_packet(lane, &pkts[i], now)) {
			bytes += pkts[i].len;
			back[n_back++] = pkts[i];
		} else {
			others[n_others++] = pkts[i];
		}
	}
	if (counts)
		lanes_used(lanes, most, n_back);
	if (n_back) {
		app_add(&app->n.rx_packets, n_back);
		app_add(&app->n.rx_bytes, bytes);
		__atomic_store_n(&lane->last_new, now, __ATOMIC_RELAXED);
		ur_rx_release(app->queue, back, n_back);
	}
	lane->other += n_others;
	if (n_others)
		answer_others(lane, others, n_others);
	return n;
}

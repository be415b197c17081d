/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane of urdns on sim:, that answers the same frames by the short way, where they
 * are fit for it, and by the long one.
 */
#ifndef TESTS_DNS_BOTH_H
#define TESTS_DNS_BOTH_H

#include <libuserring/build.h>
#include <libuserring/sim.h>

#include "dns_cases.h"
#include "urdns/urdns.h"

#define BOTH_ROOM	2048

/* What became of a frame. */
struct both_reply {
	int len;		/* < 0: no reply */
	int host;		/* bytes that Linux got; < 0: nothing */
	uint8_t bytes[BOTH_ROOM];
	uint8_t host_bytes[BOTH_ROOM];
};

static struct dns_server both_server;
static uint32_t both_slow;	/* that were not for the short way after all */

static uint16_t (*both_answer)(void *arg, uint8_t *frame, uint32_t len);

static uint16_t both_count(void *arg, uint8_t *frame, uint32_t len)
{
	both_slow++;
	return both_answer(arg, frame, len);
}

static inline struct dns_lane *both_lane(void)
{
	return &both_server.lane[0];
}

/* Return: 0, or -1 after saying why. */
static inline int both_open(void)
{
	struct dns_lane *lane = both_lane();
	struct app *app = &lane->q.app;
	char why[400];

	both_server.port = 53;
	both_server.version = "both";
	both_server.zone = dns_zone_of(dns_zone_text, why, sizeof(why));
	if (!both_server.zone)
		return -1;
	app_init(app, "both", "");
	app->device = "sim:";
	app->rx_size = app->tx_size = 256;
	app->shares = true;
	if (app_open(app))
		return -1;
	dns_lane_begin(lane, &both_server);
	both_answer = lane->quick.slow;
	lane->quick.slow = both_count;
	/* nobody watches: all are for the short way */
	lane->seen_prod = SEEN_MAX;
	return 0;
}

static inline void both_close(void)
{
	app_close(&both_lane()->q.app);
	dns_zone_free(both_server.zone);
}

/* A query in a frame, from 198.18.0.9.  Return: its length. */
static inline uint32_t both_frame(uint8_t *frame, const uint8_t *msg,
				  uint32_t len, uint16_t sport)
{
	uint8_t bytes[UR_BUILD_ROOM + BOTH_ROOM], *data;
	struct ur_build_udp head = {
		.src_mac = { 2, 0, 0, 0, 0, 9 }, .src = { 198, 18, 0, 9 },
		.dst = { 10, 0, 0, 2 }, .sport = sport, .dport = 53,
	};

	memcpy(head.dst_mac, both_lane()->q.app.info.mac, 6);
	memcpy(bytes + UR_BUILD_ROOM, msg, len);
	data = ur_build_udp4(bytes + UR_BUILD_ROOM, len, &head);
	len += (uint32_t)(bytes + UR_BUILD_ROOM - data);
	memcpy(frame, data, len);
	return len;
}

static inline void both_put(const uint8_t *frame, uint32_t len,
			    const struct ur_sim_meta *meta)
{
	if (ur_sim_inject(both_lane()->q.app.port, frame, len, meta))
		abort();
}

/* Answers what was put, by one way or the other. */
static inline void both_serve(bool quick)
{
	struct dns_lane *lane = both_lane();

	lane->quick.on = quick;
	while (dns_lane_burst(lane, QUICK_BURST))
		;
	ur_sync(lane->q.app.queue);
}

static inline void both_take(struct both_reply *r)
{
	struct ur_port *port = both_lane()->q.app.port;

	r->len = ur_sim_collect(port, r->bytes, BOTH_ROOM);
	r->host = ur_sim_host(port, r->host_bytes, BOTH_ROOM);
}

static inline bool both_same(const struct both_reply *a,
			     const struct both_reply *b)
{
	return a->len == b->len && a->host == b->host &&
	       (a->len < 0 || !memcmp(a->bytes, b->bytes, (size_t)a->len)) &&
	       (a->host < 0 ||
		!memcmp(a->host_bytes, b->host_bytes, (size_t)a->host));
}

#endif /* TESTS_DNS_BOTH_H */

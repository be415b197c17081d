// SPDX-License-Identifier: BSD-2-Clause
/*
 * urgen: sends numbered UDP packets at a rate; receives them and says what was
 * lost, doubled, out of order or wrong; or both, with round-trip times.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "urgen/urgen.h"

#define FRAME_MIN4	60
#define FRAME_MIN6	80
#define FRAME_MAX	1514
#define DEFAULT_PPS	1000
#define LINGER_NS	NS_PER_SEC	/* wait for the last packets */
#define TX_RETRY_NS	150000

static const char help[] =
"usage: urgen --dst IP [options] DEV     send\n"
"       urgen --receive [options] DEV    count what urgen elsewhere sends\n"
"       urgen --both --dst IP [options] DEV   send to an echo, measure\n"
"\n"
"  --dst IP, --dst-mac MAC     to whom; the MAC is asked for if not given\n"
"  --src IP, --sport N, --dport N   from (the interface's address), 9000 to 7\n"
"  --port N             receive: only from or to this UDP port\n"
"  --size N             bytes of a frame without FCS and tag, 60 to 1514 (60)\n"
"  --rate N[k|M], --flat-out   packets a second (1000); as fast as it goes\n"
"  --flows N, --hosts N   so many flows, by source port and address (1, 1)\n"
"  --vlan TCI           send with this VLAN tag\n"
"  --take               Linux gets nothing of what comes\n"
QUEUES_HELP
APP_HELP
"example: urgen --both --dst 10.0.0.2 --rate 10k --count 100000 eth1\n";

enum {
	OPT_DST = APP_OPT_OWN,
	OPT_DST_MAC,
	OPT_SRC,
	OPT_SPORT,
	OPT_DPORT,
	OPT_PORT,
	OPT_SIZE,
	OPT_RATE,
	OPT_FLAT_OUT,
	OPT_FLOWS,
	OPT_HOSTS,
	OPT_VLAN,
	OPT_TAKE,
	OPT_RECEIVE,
	OPT_BOTH,
};

static const struct option options[] = {
	APP_OPTIONS,
	LANES_OPTIONS,
	{ "dst",      required_argument, NULL, OPT_DST },
	{ "dst-mac",  required_argument, NULL, OPT_DST_MAC },
	{ "src",      required_argument, NULL, OPT_SRC },
	{ "sport",    required_argument, NULL, OPT_SPORT },
	{ "dport",    required_argument, NULL, OPT_DPORT },
	{ "port",     required_argument, NULL, OPT_PORT },
	{ "size",     required_argument, NULL, OPT_SIZE },
	{ "rate",     required_argument, NULL, OPT_RATE },
	{ "flat-out", no_argument,       NULL, OPT_FLAT_OUT },
	{ "flows",    required_argument, NULL, OPT_FLOWS },
	{ "hosts",    required_argument, NULL, OPT_HOSTS },
	{ "vlan",     required_argument, NULL, OPT_VLAN },
	{ "take",     no_argument,       NULL, OPT_TAKE },
	{ "receive",  no_argument,       NULL, OPT_RECEIVE },
	{ "both",     no_argument,       NULL, OPT_BOTH },
	{ NULL, 0, NULL, 0 }
};

/* ------------------------------------------------------------------------
 * Options
 */

static double parse_rate(const struct app *app, const char *text)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (end == text)
		value = 0;
	if (*end == 'k' || *end == 'K') {
		value *= 1e3;
		end++;
	} else if (*end == 'M' || *end == 'm') {
		value *= 1e6;
		end++;
	}
	if (*end || !(value >= 0.001) || value > 1e9)
		app_usage(app, "--rate takes packets a second like 500, 10k or 1.5M, not \"%s\"",
			  text);
	return value;
}

static void parse_option(struct gen *g, int c)
{
	struct app *app = &g->all.app;

	switch (c) {
	case OPT_DST:
		g->version = app_parse_ip(optarg, g->dst, NULL);
		if (!g->version)
			app_usage(app, "--dst \"%s\" is no IP address", optarg);
		break;
	case OPT_DST_MAC:
		g->for_sender = "--dst-mac";
		if (!app_parse_mac(optarg, g->dst_mac))
			app_usage(app, "--dst-mac \"%s\" is no MAC address",
				  optarg);
		g->have_mac = true;
		break;
	case OPT_SRC:
		g->src_version = app_parse_ip(optarg, g->src, NULL);
		if (!g->src_version)
			app_usage(app, "--src \"%s\" is no IP address", optarg);
		break;
	case OPT_SPORT:
		g->for_sender = "--sport";
		g->sport = (uint16_t)app_number(app, "--sport", optarg, 0,
						65535);
		break;
	case OPT_DPORT:
		g->for_sender = "--dport";
		g->dport = (uint16_t)app_number(app, "--dport", optarg, 0,
						65535);
		break;
	case OPT_PORT:
		g->port = (int32_t)app_number(app, "--port", optarg, 0, 65535);
		break;
	case OPT_SIZE:
		g->for_sender = "--size";
		g->size = (uint32_t)app_number(app, "--size", optarg, FRAME_MIN4,
					       FRAME_MAX);
		break;
	case OPT_RATE:
		g->for_sender = "--rate";
		app_not_both(app, "--rate", true, "--flat-out", !g->rate);
		g->rate = parse_rate(app, optarg);
		g->rate_said = true;
		break;
	case OPT_FLAT_OUT:
		g->for_sender = "--flat-out";
		app_not_both(app, "--flat-out", true, "--rate", g->rate_said);
		g->rate = 0;
		break;
	case OPT_FLOWS:
		g->flows = (uint32_t)app_number(app, "--flows", optarg, 1,
						FLOWS_MAX);
		break;
	case OPT_HOSTS:
		g->hosts = (uint32_t)app_number(app, "--hosts", optarg, 1,
						HOSTS_MAX);
		break;
	case OPT_TAKE:
		g->take = true;
		break;
	case OPT_VLAN:
		g->for_sender = "--vlan";
		g->vlan = (int32_t)app_number(app, "--vlan", optarg, 0, 65535);
		break;
	case OPT_RECEIVE:
		app_not_both(app, "--receive", true, "--both", g->mode == BOTH);
		g->mode = RECEIVE;
		break;
	case OPT_BOTH:
		app_not_both(app, "--both", true, "--receive",
			     g->mode == RECEIVE);
		g->mode = BOTH;
		break;
	default:
		queues_option(&g->all, c);
	}
}

/* Can all of .hosts addresses be somebody's? */
static bool are_hosts(const struct gen *g)
{
	const bool v4 = g->src_version == 4;
	const uint8_t *low = g->src + (v4 ? 0 : 12);
	uint32_t last = ur_get_be32(low) + g->hosts - 1;
	static const uint8_t none[16];

	/* they are counted in their last 32 bits */
	if (last < ur_get_be32(low))
		return false;
	if (v4)
		return g->src[0] && last >> 24 < 224;
	return g->src[0] != 0xff && memcmp(g->src, none, 16);
}

static void parse_options(struct gen *g, int argc, char **argv)
{
	struct app *app = &g->all.app;
	int c;

	queues_init(&g->all, "urgen", help);
	g->sport = 9000;
	g->dport = 7;
	g->port = -1;
	g->rate = DEFAULT_PPS;
	g->hosts = 1;
	g->vlan = -1;

	while ((c = app_getopt(app, argc, argv, APP_SHORT_OPTIONS, options)) != -1)
		parse_option(g, c);
	app_device(app, argc, argv);

	if (g->src_version && !are_hosts(g))
		app_usage(app, "--src, and the %u addresses from it on, are to be those of hosts, not multicast, broadcast or unspecified",
			  g->hosts);
	if (g->mode == RECEIVE) {
		if (g->version)
			app_usage(app, "--receive sends nothing, so it takes no --dst; --both does both");
		if (g->flows)
			app_usage(app, "--receive takes as many flows as come; --flows is for who sends");
		if (g->for_sender)
			app_usage(app, "--receive sends nothing, and %s is for who sends",
				  g->for_sender);
		return;
	}
	if (g->mode == SEND && g->port >= 0)
		app_usage(app, "--port is for who receives: --receive or --both; a sender's are --sport and --dport");
	if (!g->version)
		app_usage(app, "where to? Type: urgen --dst 10.0.0.2 %s",
			  app->device);
	if (g->src_version && g->src_version != g->version)
		app_usage(app, "--src and --dst are not of the same version of IP");
	if (!g->size)
		g->size = g->version == 4 ? FRAME_MIN4 : FRAME_MIN6;
	if (g->version == 6 && g->size < FRAME_MIN6)
		app_usage(app, "with IPv6 the smallest --size is %d", FRAME_MIN6);
	if (g->flows && g->flows < g->hosts)
		app_usage(app, "%u hosts need as many flows: --flows %u",
			  g->hosts, g->hosts);
}

/* Which queue sends which flows; with --queues all it is known only now. */
static bool settle_flows(struct gen *g)
{
	struct app *app = &g->all.app;
	uint32_t least = g->all.n > g->hosts ? g->all.n : g->hosts;

	if (!g->flows)
		g->flows = least;
	if (g->flows < g->all.n) {
		app_say(app, "%u queues need as many flows to send: --flows %u",
			g->all.n, g->all.n);
		return false;
	}
	if (g->sport + (g->flows - 1) / g->hosts > 65535) {
		app_say(app, "%u flows from port %u on are more than there are ports: a lower --sport, or more --hosts",
			g->flows, g->sport);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * The thread of a queue
 */

static void receive_loop(struct gen_lane *lane)
{
	struct app *app = &lane->q.app;

	while (queue_run(&lane->q) && !lanes_counted(lane->q.lane.lanes)) {
		if (receive_burst(lane))
			app_sync(app);
		else
			app_idle(app, 0);
	}
}

/* What all queues did, as far as this one can see. */
struct progress {
	uint64_t sent;
	uint64_t received;
	uint64_t last;		/* ns: when something was sent or came */
	bool     out;		/* all is on the wire */
};

static struct progress progress_of(const struct gen *g)
{
	struct progress p = { .out = true };
	uint32_t i;

	for (i = 0; i < g->all.n; i++) {
		const struct gen_lane *lane = &g->lane[i];
		uint64_t last_sent = app_read(&lane->last_sent);
		uint64_t last_new = app_read(&lane->last_new);

		p.sent += app_read(&lane->sent);
		p.received += app_read(&lane->received);
		p.out = p.out && app_read(&lane->out);
		if (last_sent > p.last)
			p.last = last_sent;
		if (last_new > p.last)
			p.last = last_new;
	}
	return p;
}

/* All that was to be sent is sent, by all: is there more to wait for? */
static bool finished(struct gen_lane *lane)
{
	const struct gen *g = lane->g;
	struct app *app = &lane->q.app;
	struct progress p;

	if (!g->all.app.count || lane->sent < lane->count)
		return false;
	ur_tx_reap(app->queue);
	if (ur_tx_room(app->queue) == app->tx_size)
		__atomic_store_n(&lane->out, 1, __ATOMIC_RELAXED);
	p = progress_of(g);
	if (p.sent < g->all.app.count)
		return false;
	if (app->now > p.last + LINGER_NS)
		return true;
	return g->mode == SEND ? p.out : p.received == p.sent;
}

/* Nothing to do until the next packet is due, or comes. */
static void rest(struct gen_lane *lane)
{
	const struct gen *g = lane->g;
	struct app *app = &lane->q.app;
	bool sends = !g->all.app.count || lane->sent < lane->count;
	bool listens = g->mode == BOTH || app->shares;
	uint64_t until = app->now + TX_RETRY_NS;

	if (sends && lane->rate > 0 && next_due(lane) > app->now)
		until = next_due(lane);
	/* what cannot go on to Linux does not wake it */
	app_idle_until(app, until, listens &&
		       (!app->shares || ur_tx_room(app->queue)));
}

/* That no more comes does not end what was asked for. */
static bool sends_on(const struct gen_lane *lane)
{
	const struct app *all = &lane->g->all.app, *app = &lane->q.app;

	return app->done && !app->gone && (all->count || all->seconds > 0) &&
	       lanes_go_on(lane->q.lane.lanes);
}

static void send_loop(struct gen_lane *lane)
{
	const struct gen *g = lane->g;
	bool listens = g->mode == BOTH || lane->q.app.shares;
	struct app *app = &lane->q.app;

	/* sleeps as exact as the clock allows */
	prctl(PR_SET_TIMERSLACK, 1);
	lane->pace_start = app_clock();
	while (queue_run(&lane->q) || sends_on(lane)) {
		uint32_t n = 0;

		if (!app->said_down)
			n = send_burst(lane);
		if (listens)
			n += receive_burst(lane);
		if (n)
			app_sync(app);
		else if (finished(lane))
			break;
		else
			rest(lane);
	}
	/* stopped: what is on its way is counted as well */
	app_sync(app);
	if (listens && !app->gone)
		receive_burst(lane);
}

static void run(struct lane *l)
{
	/* the first member of the first member */
	struct gen_lane *lane = (struct gen_lane *)l;

	if (lane->g->mode == RECEIVE)
		receive_loop(lane);
	else
		send_loop(lane);
}

/* ------------------------------------------------------------------------
 * All of them
 */

static bool prepare(struct gen *g)
{
	struct app *app = &g->all.app;
	uint32_t i;

	app->shares = app->info.features & UR_FEATURE_HOST && !g->take;
	for (i = 0; i < g->all.n; i++)
		g->lane[i].q.app.shares = app->shares;
	if (g->mode == RECEIVE) {
		set_up_answers(g);
		return true;
	}
	if (!settle_flows(g) || !find_source(g))
		return false;
	set_up_answers(g);
	if (!resolve(g))
		return false;
	prepare_to_send(g);
	return true;
}

static void set_up_lanes(struct gen *g)
{
	uint32_t i;

	for (i = 0; i < LANES_MAX; i++) {
		g->lane[i].g = g;
		g->lane[i].index = i;
		g->all.queue[i] = &g->lane[i].q;
	}
}

static void free_tracks(struct gen *g)
{
	uint32_t i, k, flow;

	for (i = 0; i < LANES_MAX; i++) {
		for (k = 0; k < g->lane[i].streams; k++) {
			struct gen_stream *stream = &g->lane[i].stream[k];

			for (flow = 0; flow < stream->room; flow++)
				free(stream->flow[flow]);
			free(stream->flow);
		}
	}
}

int main(int argc, char **argv)
{
	static struct gen g;
	int code = APP_FAILED;

	memset(&g, 0, sizeof(g));
	parse_options(&g, argc, argv);
	set_up_lanes(&g);
	g.all.app.shares = !g.take;
	if (!queues_open(&g.all) && prepare(&g) && !queues_run(&g.all, run) &&
	    report(&g) && !queues_gone(&g.all))
		code = APP_OK;
	queues_close(&g.all);
	free_tracks(&g);
	return code;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * urgen: sends numbered UDP packets at a rate; receives them and says what was
 * lost, doubled, out of order or wrong; or both, with round-trip times.
 */
#include <inttypes.h>
#include <stdlib.h>
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
"  --vlan TCI           send with this VLAN tag\n"
APP_HELP
"\n"
"example, against urecho or any other UDP echo:\n"
"  urgen --both --dst 10.0.0.2 --rate 10k --count 100000 eth1\n";

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
	OPT_VLAN,
	OPT_RECEIVE,
	OPT_BOTH,
};

static const struct option options[] = {
	APP_OPTIONS,
	{ "dst",      required_argument, NULL, OPT_DST },
	{ "dst-mac",  required_argument, NULL, OPT_DST_MAC },
	{ "src",      required_argument, NULL, OPT_SRC },
	{ "sport",    required_argument, NULL, OPT_SPORT },
	{ "dport",    required_argument, NULL, OPT_DPORT },
	{ "port",     required_argument, NULL, OPT_PORT },
	{ "size",     required_argument, NULL, OPT_SIZE },
	{ "rate",     required_argument, NULL, OPT_RATE },
	{ "flat-out", no_argument,       NULL, OPT_FLAT_OUT },
	{ "vlan",     required_argument, NULL, OPT_VLAN },
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
	struct app *app = &g->app;

	switch (c) {
	case OPT_DST:
		g->version = app_parse_ip(optarg, g->dst, NULL);
		if (!g->version)
			app_usage(app, "--dst \"%s\" is no IP address", optarg);
		break;
	case OPT_DST_MAC:
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
		g->sport = (uint16_t)app_number(app, "--sport", optarg, 0,
						65535);
		break;
	case OPT_DPORT:
		g->dport = (uint16_t)app_number(app, "--dport", optarg, 0,
						65535);
		break;
	case OPT_PORT:
		g->port = (int32_t)app_number(app, "--port", optarg, 0, 65535);
		break;
	case OPT_SIZE:
		g->size = (uint32_t)app_number(app, "--size", optarg, FRAME_MIN4,
					       FRAME_MAX);
		break;
	case OPT_RATE:
		g->rate = parse_rate(app, optarg);
		break;
	case OPT_FLAT_OUT:
		g->rate = 0;
		break;
	case OPT_VLAN:
		g->vlan = (int32_t)app_number(app, "--vlan", optarg, 0, 65535);
		break;
	case OPT_RECEIVE:
		g->mode = RECEIVE;
		break;
	case OPT_BOTH:
		g->mode = BOTH;
		break;
	default:
		app_option(app, c);
	}
}

static void parse_options(struct gen *g, int argc, char **argv)
{
	struct app *app = &g->app;
	int c;

	app_init(app, "urgen", help);
	g->sport = 9000;
	g->dport = 7;
	g->port = -1;
	g->rate = DEFAULT_PPS;
	g->vlan = -1;

	while ((c = getopt_long(argc, argv, APP_SHORT_OPTIONS, options,
				NULL)) != -1)
		parse_option(g, c);
	app_device(app, argc, argv);

	if (g->mode == RECEIVE) {
		if (g->version)
			app_usage(app, "--receive sends nothing, so it takes no --dst; --both does both");
		return;
	}
	if (!g->version)
		app_usage(app, "where to? Type: urgen --dst 10.0.0.2 %s",
			  app->device);
	if (g->src_version && g->src_version != g->version)
		app_usage(app, "--src and --dst are not of the same version of IP");
	if (!g->size)
		g->size = g->version == 4 ? FRAME_MIN4 : FRAME_MIN6;
	if (g->version == 6 && g->size < FRAME_MIN6)
		app_usage(app, "with IPv6 the smallest --size is %d", FRAME_MIN6);
}

/* ------------------------------------------------------------------------
 * Results
 */

struct sums {
	uint64_t received;
	uint64_t lost;
	uint64_t duplicates;
	uint64_t reordered;
	uint64_t late;
};

static struct sums sum_up(const struct gen *g)
{
	struct sums s = { 0 };
	uint32_t i;

	for (i = 0; i < g->n_tracks; i++) {
		s.received += g->tracks[i]->received;
		s.lost += track_lost(g->tracks[i]);
		s.duplicates += g->tracks[i]->duplicates;
		s.reordered += g->tracks[i]->reordered;
		s.late += g->tracks[i]->late;
	}
	if (g->mode == BOTH)	/* the last ones do not show as a gap */
		s.lost = g->sent - s.received;
	return s;
}

static void totals_json(struct gen *g, const struct sums *s)
{
	struct json json;

	app_total_json(&g->app, &json);
	if (g->mode != SEND) {
		json_u64(&json, "streams", g->n_tracks);
		json_u64(&json, "received", s->received);
		json_u64(&json, "lost", s->lost);
		json_u64(&json, "duplicates", s->duplicates);
		json_u64(&json, "reordered", s->reordered);
		json_u64(&json, "late", s->late);
		json_u64(&json, "corrupt", g->corrupt);
		json_u64(&json, "foreign", g->foreign);
		json_u64(&json, "other", g->other);
	}
	if (g->mode == BOTH && g->rtt.count) {
		json_open_object(&json, "rtt_ns");
		json_u64(&json, "min", g->rtt.min);
		json_u64(&json, "median", hist_quantile(&g->rtt, 0.5));
		json_u64(&json, "p99", hist_quantile(&g->rtt, 0.99));
		json_u64(&json, "max", g->rtt.max);
		json_close_object(&json);
	}
	json_end(&json);
}

static void totals_text(struct gen *g, const struct sums *s)
{
	app_total_text(&g->app, stdout);
	if (g->mode == SEND)
		return;
	printf("received %" PRIu64 ", lost %" PRIu64 ", duplicates %" PRIu64
	       ", reordered %" PRIu64 ", late %" PRIu64 ", corrupt %" PRIu64
	       "; foreign %" PRIu64 ", other %" PRIu64 "\n",
	       s->received, s->lost, s->duplicates, s->reordered, s->late,
	       g->corrupt, g->foreign, g->other);
	if (g->mode == BOTH && g->rtt.count)
		printf("round trip min %.1f us, median %.1f us, 99 %% within %.1f us, max %.1f us\n",
		       (double)g->rtt.min / 1e3,
		       (double)hist_quantile(&g->rtt, 0.5) / 1e3,
		       (double)hist_quantile(&g->rtt, 0.99) / 1e3,
		       (double)g->rtt.max / 1e3);
}

/* With --count the exit code says whether all was well. */
static bool all_is_well(const struct gen *g, const struct sums *s)
{
	const struct app *app = &g->app;

	if (!app->count)
		return true;
	if (g->mode == SEND)
		return g->sent == app->count;
	if (g->mode == RECEIVE && app->n.rx_packets < app->count)
		return false;
	return !s->lost && !g->corrupt &&
	       (g->mode == RECEIVE || g->sent == app->count);
}

/* ------------------------------------------------------------------------
 * Loops
 */

static void receive_loop(struct gen *g)
{
	struct app *app = &g->app;

	while (app_run(app)) {
		if (receive_burst(g))
			app_sync(app);
		else
			app_idle(app, 0);
		if (app->count && app->n.rx_packets >= app->count)
			app->done = true;
	}
}

/* All that was to be sent is sent: is there more to wait for? */
static bool finished(struct gen *g)
{
	uint64_t since = g->last_sent > g->last_new ? g->last_sent :
						      g->last_new;

	if (!g->app.count || g->sent < g->app.count)
		return false;
	if (g->app.now - since > LINGER_NS)
		return true;
	ur_tx_reap(g->app.queue);
	if (g->mode == SEND)
		return ur_tx_room(g->app.queue) == g->app.tx_size;
	return g->n_tracks && g->tracks[0]->received == g->sent;
}

static void send_loop(struct gen *g)
{
	struct app *app = &g->app;
	uint64_t until;

	g->pace_start = app->now;
	while (app_run(app)) {
		uint32_t n = 0;

		if (!app->said_down)
			n = send_burst(g);
		if (g->mode == BOTH)
			n += receive_burst(g);
		if (n) {
			app_sync(app);
			continue;
		}
		if (finished(g)) {
			app->done = true;
			continue;
		}
		until = app->now + TX_RETRY_NS;
		if (g->rate > 0 && (!app->count || g->sent < app->count) &&
		    next_due(g) > app->now)
			until = next_due(g);
		app_idle_until(app, until, g->mode == BOTH);
	}
	/* stopped: what is on its way is counted as well */
	app_sync(app);
	if (g->mode == BOTH && !app->gone)
		receive_burst(g);
}

static bool prepare(struct gen *g)
{
	if (!find_source(g))
		return false;
	set_up_answers(g);
	if (!resolve(g))
		return false;
	prepare_to_send(g);
	/* sleeps as exact as the clock allows */
	prctl(PR_SET_TIMERSLACK, 1);
	return true;
}

int main(int argc, char **argv)
{
	static struct gen g;
	struct app *app = &g.app;
	struct sums sums;
	int code = APP_FAILED;

	parse_options(&g, argc, argv);
	if (app_open(app))
		return APP_FAILED;

	if (g.mode == RECEIVE) {
		set_up_answers(&g);
		receive_loop(&g);
	} else if (prepare(&g)) {
		send_loop(&g);
	} else {
		goto out;
	}

	sums = sum_up(&g);
	if (app->json)
		totals_json(&g, &sums);
	else
		totals_text(&g, &sums);
	if (!app->gone && all_is_well(&g, &sums))
		code = APP_OK;
out:
	app_close(app);
	while (g.n_tracks)
		free(g.tracks[--g.n_tracks]);
	return code;
}

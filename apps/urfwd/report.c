// SPDX-License-Identifier: BSD-2-Clause
#include "urfwd/urfwd.h"

#include <inttypes.h>
#include <string.h>

const char *const fwd_drop_name[FWD_DROPS] = {
	[FWD_BAD_CSUM] = "bad_checksum",
	[FWD_NOT_OURS] = "not_ours",
	[FWD_TOO_LONG] = "too_long",
	[FWD_NO_PORT] = "no_port",
};

#define WORDS	(sizeof(struct fwd_count) / sizeof(uint64_t))

/* What a lane's two queues counted by now. */
static void read_lane(const struct fwd_lane *lane, struct fwd_count n[2])
{
	for (int port = 0; port < 2; port++) {
		const uint64_t *from = (const uint64_t *)&lane->way[port].n;
		uint64_t *to = (uint64_t *)&n[port];

		for (size_t k = 0; k < WORDS; k++)
			to[k] = __atomic_load_n(&from[k], __ATOMIC_RELAXED);
	}
}

static void add_up(struct fwd_count sum[2], const struct fwd_count n[2])
{
	for (int port = 0; port < 2; port++) {
		const uint64_t *from = (const uint64_t *)&n[port];
		uint64_t *to = (uint64_t *)&sum[port];

		for (size_t k = 0; k < WORDS; k++)
			to[k] += from[k];
	}
}

static void sum_lanes(const struct fwd *f, struct fwd_count sum[2])
{
	struct fwd_count n[2];

	memset(sum, 0, 2 * sizeof(*sum));
	for (uint32_t i = 0; i < f->lanes.n; i++) {
		read_lane(&f->lane[i], n);
		add_up(sum, n);
	}
}

/* ------------------------------------------------------------------------
 * Rates: of n packets and bytes in a second
 */

static void rates_text(const char *begin, const struct fwd_count n[2],
		       double seconds)
{
	fprintf(stderr, "%s1>2 %10.0f pps %8.1f Mbit/s   2>1 %10.0f pps %8.1f Mbit/s\n",
		begin, (double)n[1].tx_packets / seconds,
		(double)n[1].tx_bytes * 8e-6 / seconds,
		(double)n[0].tx_packets / seconds,
		(double)n[0].tx_bytes * 8e-6 / seconds);
}

static void rates_json(struct json *json, const struct fwd_count n[2],
		       double seconds)
{
	for (int port = 0; port < 2; port++) {
		const struct fwd_count *c = &n[port];

		json_open_object(json, port ? "port2" : "port1");
		json_double(json, "rx_pps", (double)c->rx_packets / seconds);
		json_double(json, "rx_mbit",
			    (double)c->rx_bytes * 8e-6 / seconds);
		json_double(json, "tx_pps", (double)c->tx_packets / seconds);
		json_double(json, "tx_mbit",
			    (double)c->tx_bytes * 8e-6 / seconds);
		json_close_object(json);
	}
}

static void put_text(const struct fwd *f, const struct fwd_count sum[2],
		     struct fwd_count (*n)[2], double seconds)
{
	char begin[32];

	rates_text("", sum, seconds);
	for (uint32_t i = 0; f->lanes.n > 1 && i < f->lanes.n; i++) {
		snprintf(begin, sizeof(begin), "  queue %-2u ", i);
		rates_text(begin, n[i], seconds);
	}
}

static void put_json(const struct fwd *f, const struct fwd_count sum[2],
		     struct fwd_count (*n)[2], double seconds)
{
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "rates");
	json_double(&json, "seconds", app_seconds(&f->app));
	rates_json(&json, sum, seconds);
	json_open_array(&json, "lanes");
	for (uint32_t i = 0; i < f->lanes.n; i++) {
		json_open_object(&json, NULL);
		json_u64(&json, "queue", i);
		rates_json(&json, n[i], seconds);
		json_close_object(&json);
	}
	json_close_array(&json);
	json_end(&json);
}

/* What a lane has counted since the last call. */
static void lane_since(struct fwd_lane *lane, struct fwd_count n[2])
{
	struct fwd_count now[2];

	read_lane(lane, now);
	for (int port = 0; port < 2; port++) {
		const uint64_t *last = (const uint64_t *)&lane->last[port];
		const uint64_t *from = (const uint64_t *)&now[port];
		uint64_t *to = (uint64_t *)&n[port];

		for (size_t k = 0; k < WORDS; k++)
			to[k] = from[k] - last[k];
	}
	memcpy(lane->last, now, sizeof(now));
}

void fwd_show_rates(struct fwd *f)
{
	static const struct fwd_count none[2];
	double seconds = (double)(f->app.now - f->app.last_tick) / 1e9;
	struct fwd_count n[LANES_MAX][2], sum[2];
	bool idle;

	memset(sum, 0, sizeof(sum));
	for (uint32_t i = 0; i < f->lanes.n; i++) {
		lane_since(&f->lane[i], n[i]);
		add_up(sum, n[i]);
	}
	idle = !memcmp(sum, none, sizeof(sum));
	if (!app_wants_rates(&f->app, idle))
		return;
	if (f->app.json)
		put_json(f, sum, n, seconds);
	else
		put_text(f, sum, n, seconds);
}

/* ------------------------------------------------------------------------
 * Totals
 */

/* What the library and the module say of all queues of a port. */
struct sums {
	struct ur_queue_stats stats;
	uint64_t refused;
	uint64_t taken_back;
};

static struct sums sums_of(const struct fwd *f, int port)
{
	struct sums s = { { 0 }, 0, 0 };
	uint32_t i;

	for (i = 0; i < f->lanes.n; i++) {
		const struct app *app = &f->lane[i].way[port].app;
		struct ur_queue_stats stats;
		struct ur_counters count;

		app_sum_up(app, &stats, &count);
		s.stats.rx_bad += stats.rx_bad;
		s.stats.syncs += stats.syncs;
		s.stats.recovered += stats.recovered;
		s.refused += app_refused(app);
		s.taken_back += app->taken_back;
	}
	return s;
}

static void put_port(const struct fwd *f, struct json *json, int port,
		     const struct fwd_count *n)
{
	struct sums s = sums_of(f, port);
	int i;

	json_open_object(json, port ? "port2" : "port1");
	json_str(json, "device", f->device[port]);
	json_u64(json, "rx_packets", n->rx_packets);
	json_u64(json, "rx_bytes", n->rx_bytes);
	json_u64(json, "tx_packets", n->tx_packets);
	json_u64(json, "tx_bytes", n->tx_bytes);
	json_u64(json, "rx_bad", s.stats.rx_bad);
	for (i = 0; i < FWD_DROPS; i++)
		json_u64(json, fwd_drop_name[i], n->dropped[i]);
	json_u64(json, "missed", app_missed(&f->lane[0].way[port].app));
	json_u64(json, "refused", s.refused);
	json_u64(json, "syncs", s.stats.syncs);
	json_u64(json, "recovered", s.stats.recovered);
	json_u64(json, "taken_back", s.taken_back);
	json_bool(json, "gone", f->lane[0].way[port].app.gone);
	json_close_object(json);
}

/* Who did how much: all lanes, in their order. */
static void put_lanes(const struct fwd *f, struct json *json)
{
	json_open_array(json, "lanes");
	for (uint32_t i = 0; i < f->lanes.n; i++) {
		const struct fwd_lane *lane = &f->lane[i];

		json_open_object(json, NULL);
		json_u64(json, "queue", i);
		json_i64(json, "cpu", lane->lane.cpu);
		json_u64(json, "port1_rx_packets", lane->way[0].n.rx_packets);
		json_u64(json, "port1_tx_packets", lane->way[0].n.tx_packets);
		json_u64(json, "port2_rx_packets", lane->way[1].n.rx_packets);
		json_u64(json, "port2_tx_packets", lane->way[1].n.tx_packets);
		json_close_object(json);
	}
	json_close_array(json);
}

static void totals_json(struct fwd *f, const struct fwd_count sum[2])
{
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "total");
	json_str(&json, "program", f->app.name);
	json_double(&json, "seconds", app_seconds(&f->app));
	json_u64(&json, "queues", f->lanes.n);
	json_u64(&json, "slots", f->slots);
	json_u64(&json, "slots_lost", f->slots_lost);
	put_port(f, &json, 0, &sum[0]);
	put_port(f, &json, 1, &sum[1]);
	put_lanes(f, &json);
	json_end(&json);
}

static void text_of(const struct fwd *f, int port, const struct fwd_count *n)
{
	struct sums s = sums_of(f, port);
	int i;

	printf("%s: received %" PRIu64 " packet%s, %" PRIu64
	       " bytes, sent %" PRIu64 " packet%s, %" PRIu64 " bytes\n",
	       f->device[port], n->rx_packets, app_s(n->rx_packets),
	       n->rx_bytes, n->tx_packets, app_s(n->tx_packets), n->tx_bytes);
	printf("  not forwarded: broken %" PRIu64, s.stats.rx_bad);
	for (i = 0; i < FWD_DROPS; i++)
		printf(", %s %" PRIu64, fwd_drop_name[i], n->dropped[i]);
	printf("; missed %" PRIu64 ", refused %" PRIu64 "\n",
	       app_missed(&f->lane[0].way[port].app), s.refused);
}

void fwd_totals(struct fwd *f)
{
	struct fwd_count sum[2];

	sum_lanes(f, sum);
	if (f->app.json) {
		totals_json(f, sum);
		return;
	}
	text_of(f, 0, &sum[0]);
	text_of(f, 1, &sum[1]);
	printf("in %.1f s\n", app_seconds(&f->app));
}

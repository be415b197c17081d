// SPDX-License-Identifier: BSD-2-Clause
#include "urfwd/urfwd.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

const char *const fwd_drop_name[FWD_DROPS] = {
	[FWD_BAD_CSUM] = "bad_checksum",
	[FWD_NOT_OURS] = "not_ours",
	[FWD_TOO_LONG] = "too_long",
	[FWD_NO_PORT] = "no_port",
};

/* What the queues of one port counted. */
static struct fwd_count count_of(const struct fwd *f, int port)
{
	struct fwd_count sum = { 0 };
	const size_t words = sizeof(sum) / sizeof(uint64_t);
	uint32_t i;
	size_t k;

	for (i = 0; i < f->lanes; i++) {
		const uint64_t *from = (const uint64_t *)&f->lane[i].way[port].n;

		for (k = 0; k < words; k++)
			((uint64_t *)&sum)[k] +=
				__atomic_load_n(&from[k], __ATOMIC_RELAXED);
	}
	return sum;
}

static void put_rates(const struct fwd *f, struct json *json, int port,
		      const struct fwd_count *n, double seconds)
{
	const struct fwd_count *l = &f->last[port];

	json_open_object(json, port ? "port2" : "port1");
	json_double(json, "rx_pps",
		    (double)(n->rx_packets - l->rx_packets) / seconds);
	json_double(json, "rx_mbit",
		    (double)(n->rx_bytes - l->rx_bytes) * 8e-6 / seconds);
	json_double(json, "tx_pps",
		    (double)(n->tx_packets - l->tx_packets) / seconds);
	json_double(json, "tx_mbit",
		    (double)(n->tx_bytes - l->tx_bytes) * 8e-6 / seconds);
	json_close_object(json);
}

void fwd_show_rates(struct fwd *f)
{
	double seconds = (double)(f->app.now - f->app.last_tick) / 1e9;
	struct fwd_count n[2] = { count_of(f, 0), count_of(f, 1) };
	bool idle = !memcmp(n, f->last, sizeof(n));
	struct json json;
	int i;

	if (f->app.rates && f->app.json) {
		json_begin(&json, stdout);
		json_str(&json, "type", "rates");
		json_double(&json, "seconds", app_seconds(&f->app));
		for (i = 0; i < 2; i++)
			put_rates(f, &json, i, &n[i], seconds);
		json_end(&json);
	} else if (f->app.rates ||
		   (!f->app.json && isatty(STDERR_FILENO) &&
		    !(idle && f->was_idle))) {
		for (i = 0; i < 2; i++)
			fprintf(stderr, "%s %10.0f pps %8.1f Mbit/s%s",
				i ? "   2>1" : "1>2",
				(double)(n[!i].tx_packets -
					 f->last[!i].tx_packets) / seconds,
				(double)(n[!i].tx_bytes -
					 f->last[!i].tx_bytes) * 8e-6 / seconds,
				i ? "\n" : "");
	}
	f->was_idle = idle;
	memcpy(f->last, n, sizeof(n));
	f->app.last_tick = f->app.now;
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

	for (i = 0; i < f->lanes; i++) {
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

static void put_port(const struct fwd *f, struct json *json, int port)
{
	struct fwd_count n = count_of(f, port);
	struct sums s = sums_of(f, port);
	int i;

	json_open_object(json, port ? "port2" : "port1");
	json_str(json, "device", f->device[port]);
	json_u64(json, "rx_packets", n.rx_packets);
	json_u64(json, "rx_bytes", n.rx_bytes);
	json_u64(json, "tx_packets", n.tx_packets);
	json_u64(json, "tx_bytes", n.tx_bytes);
	json_u64(json, "rx_bad", s.stats.rx_bad);
	for (i = 0; i < FWD_DROPS; i++)
		json_u64(json, fwd_drop_name[i], n.dropped[i]);
	json_u64(json, "missed", app_missed(&f->lane[0].way[port].app));
	json_u64(json, "refused", s.refused);
	json_u64(json, "syncs", s.stats.syncs);
	json_u64(json, "recovered", s.stats.recovered);
	json_u64(json, "taken_back", s.taken_back);
	json_bool(json, "gone", f->lane[0].way[port].app.gone);
	json_close_object(json);
}

static void totals_json(struct fwd *f)
{
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "total");
	json_str(&json, "program", f->app.name);
	json_double(&json, "seconds", app_seconds(&f->app));
	json_u64(&json, "queues", f->lanes);
	json_u64(&json, "slots", f->slots);
	json_u64(&json, "slots_lost", f->slots_lost);
	put_port(f, &json, 0);
	put_port(f, &json, 1);
	json_end(&json);
}

static void text_of(const struct fwd *f, int port)
{
	struct fwd_count n = count_of(f, port);
	struct sums s = sums_of(f, port);
	int i;

	printf("%s: received %" PRIu64 " packets, %" PRIu64
	       " bytes, sent %" PRIu64 " packets, %" PRIu64 " bytes\n",
	       f->device[port], n.rx_packets, n.rx_bytes, n.tx_packets,
	       n.tx_bytes);
	printf("  not forwarded: broken %" PRIu64, s.stats.rx_bad);
	for (i = 0; i < FWD_DROPS; i++)
		printf(", %s %" PRIu64, fwd_drop_name[i], n.dropped[i]);
	printf("; missed %" PRIu64 ", refused %" PRIu64 "\n",
	       app_missed(&f->lane[0].way[port].app), s.refused);
}

void fwd_totals(struct fwd *f)
{
	if (f->app.json) {
		totals_json(f);
		return;
	}
	text_of(f, 0);
	text_of(f, 1);
	printf("in %.1f s\n", app_seconds(&f->app));
}

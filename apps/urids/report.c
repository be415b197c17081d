// SPDX-License-Identifier: BSD-2-Clause
#include "urids/urids.h"

#include <inttypes.h>
#include <string.h>

#define WORDS	(sizeof(struct ids_count) / sizeof(uint64_t))

const char *const ids_drop_name[IDS_DROPS] = {
	[IDS_BY_RULE] = "by_rule",
	[IDS_FRAGMENT] = "fragment",
	[IDS_UNPARSABLE] = "unparsable",
	[IDS_BAD_CSUM] = "bad_checksum",
	[IDS_TOO_LONG] = "too_long",
	[IDS_NO_PORT] = "no_port",
};

static const char *const kind_name[DETECT_KINDS] = {
	[DETECT_LOOKED_AT] = "inspected",
	[DETECT_NOT_IP] = "not_ip",
	[DETECT_FRAGMENT] = "fragments",
	[DETECT_UNPARSABLE] = "unparsable",
};

/* What the queues of one port counted by now. */
static struct ids_count count_of(const struct ids *ids, int port)
{
	struct ids_count sum = { 0 };

	for (uint32_t i = 0; i < ids->lanes.n; i++) {
		const uint64_t *from =
			(const uint64_t *)&ids->lane[i].way[port].n;

		for (size_t k = 0; k < WORDS; k++)
			((uint64_t *)&sum)[k] +=
				__atomic_load_n(&from[k], __ATOMIC_RELAXED);
	}
	return sum;
}

static struct ids_count since(const struct ids_count *now,
			      const struct ids_count *last)
{
	struct ids_count n;

	for (size_t k = 0; k < WORDS; k++)
		((uint64_t *)&n)[k] = ((const uint64_t *)now)[k] -
				      ((const uint64_t *)last)[k];
	return n;
}

static uint64_t drops(const struct ids_count *n)
{
	uint64_t sum = 0;

	for (int i = 0; i < IDS_DROPS; i++)
		sum += n->dropped[i];
	return sum;
}

/* ------------------------------------------------------------------------
 * Rates: of what came in a second
 */

static void rates_text(const struct ids *ids, const struct ids_count n[2],
		       double seconds)
{
	static const char *const way[2] = { "1>2", "   2>1" };
	uint64_t alerts = 0, dropped = 0;

	for (int i = 0; i < ids->ports; i++) {
		fprintf(stderr, "%s %10.0f pps %8.1f Mbit/s",
			ids->ports == 2 ? way[i] : "rx",
			(double)n[i].rx_packets / seconds,
			(double)n[i].rx_bytes * 8e-6 / seconds);
		alerts += n[i].alerts;
		dropped += drops(&n[i]);
	}
	fprintf(stderr, "   alerts %.0f/s  dropped %.0f/s\n",
		(double)alerts / seconds, (double)dropped / seconds);
}

static void rates_json(const struct ids *ids, const struct ids_count n[2],
		       double seconds)
{
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "rates");
	json_double(&json, "seconds", app_seconds(&ids->app));
	for (int i = 0; i < ids->ports; i++) {
		json_open_object(&json, i ? "port2" : "port1");
		json_double(&json, "rx_pps", (double)n[i].rx_packets / seconds);
		json_double(&json, "rx_mbit",
			    (double)n[i].rx_bytes * 8e-6 / seconds);
		json_double(&json, "passed_pps", (double)n[i].passed / seconds);
		json_double(&json, "alerts_ps", (double)n[i].alerts / seconds);
		json_double(&json, "dropped_pps",
			    (double)drops(&n[i]) / seconds);
		json_close_object(&json);
	}
	json_end(&json);
}

void ids_show_rates(struct ids *ids)
{
	double seconds = (double)(ids->app.now - ids->app.last_tick) / 1e9;
	struct ids_count n[2] = { { 0 } };
	bool idle = true;

	for (int i = 0; i < ids->ports; i++) {
		struct ids_count now = count_of(ids, i);

		n[i] = since(&now, &ids->last[i]);
		ids->last[i] = now;
		idle &= !n[i].rx_packets;
	}
	if (!app_wants_rates(&ids->app, idle))
		return;
	if (ids->app.json)
		rates_json(ids, n, seconds);
	else
		rates_text(ids, n, seconds);
}

/* ------------------------------------------------------------------------
 * Totals
 */

/* What the library and the module say of all queues of a port. */
struct sums {
	uint64_t rx_bad;
	uint64_t syncs;
	uint64_t recovered;
	uint64_t refused;
	uint64_t taken_back;
};

static struct sums sums_of(const struct ids *ids, int port)
{
	struct sums s = { 0 };

	for (uint32_t i = 0; i < ids->lanes.n; i++) {
		const struct app *app = &ids->lane[i].way[port].app;
		struct ur_queue_stats stats;
		struct ur_counters count;

		app_sum_up(app, &stats, &count);
		s.rx_bad += stats.rx_bad;
		s.syncs += stats.syncs;
		s.recovered += stats.recovered;
		s.refused += app_refused(app);
		s.taken_back += app->taken_back;
	}
	return s;
}

static void put_port(const struct ids *ids, struct json *json, int port)
{
	struct ids_count n = count_of(ids, port);
	struct sums s = sums_of(ids, port);
	int i;

	json_open_object(json, port ? "port2" : "port1");
	json_str(json, "device", ids->device[port]);
	json_u64(json, "rx_packets", n.rx_packets);
	json_u64(json, "rx_bytes", n.rx_bytes);
	json_u64(json, "passed_packets", n.passed);
	json_u64(json, "passed_bytes", n.passed_bytes);
	for (i = 0; i < DETECT_KINDS; i++)
		json_u64(json, kind_name[i], n.kind[i]);
	json_u64(json, "alerts", n.alerts);
	json_u64(json, "alerts_limited", n.alerts_limited);
	json_u64(json, "alerts_lost", n.alerts_lost);
	json_open_object(json, "dropped");
	for (i = 0; i < IDS_DROPS; i++)
		json_u64(json, ids_drop_name[i], n.dropped[i]);
	json_close_object(json);
	json_u64(json, "rx_bad", s.rx_bad);
	json_u64(json, "missed", app_missed(&ids->lane[0].way[port].app));
	json_u64(json, "refused", s.refused);
	json_u64(json, "syncs", s.syncs);
	json_u64(json, "recovered", s.recovered);
	json_u64(json, "taken_back", s.taken_back);
	json_bool(json, "gone", ids->lane[0].way[port].app.gone);
	json_close_object(json);
}

static void totals_json(const struct ids *ids)
{
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "total");
	json_str(&json, "program", ids->app.name);
	json_double(&json, "seconds", app_seconds(&ids->app));
	json_u64(&json, "queues", ids->lanes.n);
	json_u64(&json, "rules", detect_rules(ids->set->detect));
	json_u64(&json, "skipped", ids->skipped);
	json_u64(&json, "reloads", ids->reloads);
	json_u64(&json, "alerts_unwritten", ids->eve.unwritten);
	json_u64(&json, "slots", ids->slots);
	json_u64(&json, "slots_lost", ids->slots_lost);
	for (int i = 0; i < ids->ports; i++)
		put_port(ids, &json, i);
	json_end(&json);
}

static void text_of(const struct ids *ids, int port, FILE *out)
{
	struct ids_count n = count_of(ids, port);
	struct sums s = sums_of(ids, port);
	int i;

	fprintf(out, "%s: received %" PRIu64 " packet%s, %" PRIu64
		" bytes; inspected %" PRIu64 ", not IP %" PRIu64
		", fragments %" PRIu64 ", unparsable %" PRIu64 "\n",
		ids->device[port], n.rx_packets, app_s(n.rx_packets), n.rx_bytes,
		n.kind[DETECT_LOOKED_AT], n.kind[DETECT_NOT_IP],
		n.kind[DETECT_FRAGMENT], n.kind[DETECT_UNPARSABLE]);
	fprintf(out, "  %s %" PRIu64 " packet%s; alerts %" PRIu64
		" (beyond --alert-rate %" PRIu64 ", without a line %" PRIu64 ")\n",
		ids->ports == 2 ? "forwarded" : "passed on to Linux", n.passed,
		app_s(n.passed),
		n.alerts, n.alerts_limited, n.alerts_lost);
	fprintf(out, "  dropped:");
	for (i = 0; i < IDS_DROPS; i++)
		fprintf(out, "%s %s %" PRIu64, i ? "," : "", ids_drop_name[i],
			n.dropped[i]);
	fprintf(out, "; broken %" PRIu64 ", missed %" PRIu64 ", refused %" PRIu64
		"\n", s.rx_bad, app_missed(&ids->lane[0].way[port].app),
		s.refused);
}

void ids_totals(struct ids *ids)
{
	uint32_t rules = detect_rules(ids->set->detect);
	/* stdout has the alerts, if they go there */
	FILE *out = ids->alerts_path[0] == '-' ? stderr : stdout;

	if (ids->app.json) {
		totals_json(ids);
		return;
	}
	for (int i = 0; i < ids->ports; i++)
		text_of(ids, i, out);
	if (ids->eve.unwritten)
		fprintf(out, "%" PRIu64 " line%s of alerts could not be written\n",
			ids->eve.unwritten, app_s(ids->eve.unwritten));
	fprintf(out, "%u rule%s, in %.1f s\n", rules, app_s(rules),
		app_seconds(&ids->app));
}

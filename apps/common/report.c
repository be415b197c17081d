// SPDX-License-Identifier: BSD-2-Clause
/* Rates and totals. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <libuserring/sim.h>

#include "common/common.h"

uint64_t app_read_missed(const struct app *app)
{
	char path[128];
	uint64_t missed = 0;
	FILE *file;

	if (!app->info.ifindex)		/* a NIC in software */
		return ur_sim_missed(app->port);
	snprintf(path, sizeof(path),
		 "/sys/class/net/%s/statistics/rx_missed_errors",
		 app->info.ifname);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%" SCNu64, &missed) != 1)
		missed = 0;
	fclose(file);
	return missed;
}

uint64_t app_missed(const struct app *app)
{
	uint64_t missed = app_read_missed(app);

	return missed > app->missed_at_start ? missed - app->missed_at_start : 0;
}

uint64_t app_refused(const struct app *app)
{
	struct ur_counters count = { 0 };

	if (app->queue)
		ur_queue_counters(app->queue, &count);
	return count.rx_refused + count.tx_refused + count.index_refused +
	       app->past_count.rx_refused + app->past_count.tx_refused +
	       app->past_count.index_refused;
}

static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return (double)(now - before) / seconds;
}

/* On the wire a frame also has preamble, FCS and gap; this counts none. */
static double mbit(uint64_t now, uint64_t before, double seconds)
{
	return per_second(now, before, seconds) * 8 / 1e6;
}

static void rates_json(struct app *app, double seconds)
{
	const struct app_count *n = &app->n;
	const struct app_count *l = &app->last;
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "rates");
	json_double(&json, "seconds", app_seconds(app));
	json_double(&json, "rx_pps",
		    per_second(n->rx_packets, l->rx_packets, seconds));
	json_double(&json, "rx_mbit",
		    mbit(n->rx_bytes, l->rx_bytes, seconds));
	json_double(&json, "tx_pps",
		    per_second(n->tx_packets, l->tx_packets, seconds));
	json_double(&json, "tx_mbit",
		    mbit(n->tx_bytes, l->tx_bytes, seconds));
	json_u64(&json, "missed", app_missed(app));
	json_u64(&json, "refused", app_refused(app));
	json_end(&json);
}

static void rates_text(struct app *app, double seconds)
{
	const struct app_count *n = &app->n;
	const struct app_count *l = &app->last;

	fprintf(stderr,
		"rx %10.0f pps %8.1f Mbit/s   tx %10.0f pps %8.1f Mbit/s   missed %" PRIu64 "  refused %" PRIu64 "\n",
		per_second(n->rx_packets, l->rx_packets, seconds),
		mbit(n->rx_bytes, l->rx_bytes, seconds),
		per_second(n->tx_packets, l->tx_packets, seconds),
		mbit(n->tx_bytes, l->tx_bytes, seconds),
		app_missed(app), app_refused(app));
}

void app_show_rates(struct app *app)
{
	double seconds = (double)(app->now - app->last_tick) / 1e9;
	bool idle = app->n.rx_packets == app->last.rx_packets &&
		    app->n.tx_packets == app->last.tx_packets;

	if (app->rates && app->json)
		rates_json(app, seconds);
	else if (app->rates)
		rates_text(app, seconds);
	else if (!app->no_live && !app->json && isatty(STDERR_FILENO) &&
		 !(idle && app->was_idle))
		rates_text(app, seconds);	/* one line of zeros is enough */

	app->was_idle = idle;
	app->last = app->n;
	app->last_tick = app->now;
}

void app_sum_up(const struct app *app, struct ur_queue_stats *stats,
		struct ur_counters *count)
{
	memset(stats, 0, sizeof(*stats));
	memset(count, 0, sizeof(*count));
	if (app->queue) {
		ur_queue_stats(app->queue, stats);
		ur_queue_counters(app->queue, count);
	}
	stats->rx_bad += app->past.rx_bad;
	stats->syncs += app->past.syncs;
	stats->waits += app->past.waits;
	stats->recovered += app->past.recovered;
	count->timer_syncs += app->past_count.timer_syncs;
	count->interrupts += app->past_count.interrupts;
}

void app_total_json(struct app *app, struct json *json)
{
	struct ur_queue_stats stats;
	struct ur_counters count;

	app_sum_up(app, &stats, &count);
	json_begin(json, stdout);
	json_str(json, "type", "total");
	json_str(json, "program", app->name);
	json_str(json, "device", app->device);
	json_double(json, "seconds", app_seconds(app));
	json_u64(json, "rx_packets", app->n.rx_packets);
	json_u64(json, "rx_bytes", app->n.rx_bytes);
	json_u64(json, "tx_packets", app->n.tx_packets);
	json_u64(json, "tx_bytes", app->n.tx_bytes);
	json_u64(json, "rx_bad", stats.rx_bad);
	json_u64(json, "missed", app_missed(app));
	json_u64(json, "refused", app_refused(app));
	json_u64(json, "syncs", stats.syncs);
	json_u64(json, "timer_syncs", count.timer_syncs);
	json_u64(json, "waits", stats.waits);
	json_u64(json, "interrupts", count.interrupts);
	json_u64(json, "recovered", stats.recovered);
	json_u64(json, "host_packets", app->n_host);
	json_bool(json, "adopted", app->adopted);
	json_u64(json, "taken_back", app->taken_back);
}

void app_total_text(struct app *app, FILE *out)
{
	struct ur_queue_stats stats;
	struct ur_counters count;

	app_sum_up(app, &stats, &count);
	if (app->n.rx_packets || !app->n.tx_packets)
		fprintf(out, "received %" PRIu64 " packets, %" PRIu64 " bytes\n",
			app->n.rx_packets, app->n.rx_bytes);
	if (app->n.tx_packets)
		fprintf(out, "sent %" PRIu64 " packets, %" PRIu64 " bytes\n",
			app->n.tx_packets, app->n.tx_bytes);
	if (app->shares)
		fprintf(out, "passed on to Linux %" PRIu64 " packets\n",
			app->n_host);
	fprintf(out, "missed %" PRIu64 ", broken %" PRIu64 ", refused %" PRIu64
		", in %.1f s with %" PRIu64 " system calls\n",
		app_missed(app), stats.rx_bad, app_refused(app),
		app_seconds(app), stats.syncs + stats.waits);
}

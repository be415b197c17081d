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

struct app_size app_size(uint64_t bytes)
{
	static const char unit[] = "KMGTPE";
	double size = (double)bytes / 1e3;
	struct app_size s;
	int i = 0;

	if (bytes < 1000) {
		snprintf(s.text, sizeof(s.text), "%" PRIu64 " byte%s", bytes,
			 app_s(bytes));
		return s;
	}
	/* 999,950 would be 1000.0 KB */
	for (; size >= 999.95; size /= 1e3)
		i++;
	snprintf(s.text, sizeof(s.text), "%.1f %cB", size, unit[i]);
	return s;
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

void app_put_rates(struct json *json, const struct app_count *now,
		   const struct app_count *before, double seconds)
{
	json_double(json, "rx_pps", per_second(now->rx_packets,
					       before->rx_packets, seconds));
	json_double(json, "rx_mbit",
		    mbit(now->rx_bytes, before->rx_bytes, seconds));
	json_double(json, "tx_pps", per_second(now->tx_packets,
					       before->tx_packets, seconds));
	json_double(json, "tx_mbit",
		    mbit(now->tx_bytes, before->tx_bytes, seconds));
}

void app_print_rates(const struct app_count *now,
		     const struct app_count *before, double seconds)
{
	fprintf(stderr,
		"rx %10.0f pps %8.1f Mbit/s   tx %10.0f pps %8.1f Mbit/s",
		per_second(now->rx_packets, before->rx_packets, seconds),
		mbit(now->rx_bytes, before->rx_bytes, seconds),
		per_second(now->tx_packets, before->tx_packets, seconds),
		mbit(now->tx_bytes, before->tx_bytes, seconds));
}

bool app_wants_rates(struct app *app, bool idle)
{
	bool news = !(idle && app->was_idle);

	app->was_idle = idle;
	if (!app_can_write(app->json ? stdout : stderr))
		return false;
	if (app->rates)
		return true;
	/* one line of zeros is enough */
	return news && !app->no_live && !app->json && isatty(STDERR_FILENO);
}

void app_show_rates(struct app *app)
{
	double seconds = (double)(app->now - app->last_tick) / 1e9;
	bool idle = app->n.rx_packets == app->last.rx_packets &&
		    app->n.tx_packets == app->last.tx_packets;
	struct json json;

	if (app_wants_rates(app, idle)) {
		if (app->json) {
			json_begin(&json, stdout);
			json_str(&json, "type", "rates");
			json_double(&json, "seconds", app_seconds(app));
			app_put_rates(&json, &app->n, &app->last, seconds);
			json_u64(&json, "missed", app_missed(app));
			json_u64(&json, "refused", app_refused(app));
			json_end(&json);
		} else {
			app_print_rates(&app->n, &app->last, seconds);
			fprintf(stderr, "   missed %" PRIu64 "  refused %" PRIu64,
				app_missed(app), app_refused(app));
			if (app->live)
				app->live(app, stderr);
			fputc('\n', stderr);
		}
	}
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

void app_add_up(const struct app *app, struct app_total *total)
{
	struct ur_queue_stats stats;
	struct ur_counters count;

	app_sum_up(app, &stats, &count);
	total->n.rx_packets += app->n.rx_packets;
	total->n.rx_bytes += app->n.rx_bytes;
	total->n.tx_packets += app->n.tx_packets;
	total->n.tx_bytes += app->n.tx_bytes;
	total->n_host += app->n_host;
	total->refused += app_refused(app);
	total->taken_back += app->taken_back;
	total->adopted = total->adopted && app->adopted;
	total->stats.rx_bad += stats.rx_bad;
	total->stats.syncs += stats.syncs;
	total->stats.waits += stats.waits;
	total->stats.recovered += stats.recovered;
	total->count.timer_syncs += count.timer_syncs;
	total->count.interrupts += count.interrupts;
}

void app_put_total(const struct app *app, const struct app_total *total,
		   struct json *json)
{
	json_begin(json, stdout);
	json_str(json, "type", "total");
	json_str(json, "program", app->name);
	json_str(json, "device", app->device);
	json_double(json, "seconds", app_seconds(app));
	json_u64(json, "rx_packets", total->n.rx_packets);
	json_u64(json, "rx_bytes", total->n.rx_bytes);
	json_u64(json, "tx_packets", total->n.tx_packets);
	json_u64(json, "tx_bytes", total->n.tx_bytes);
	json_u64(json, "rx_bad", total->stats.rx_bad);
	json_u64(json, "missed", total->missed);
	json_u64(json, "refused", total->refused);
	json_u64(json, "syncs", total->stats.syncs);
	json_u64(json, "timer_syncs", total->count.timer_syncs);
	json_u64(json, "waits", total->stats.waits);
	json_u64(json, "interrupts", total->count.interrupts);
	json_u64(json, "recovered", total->stats.recovered);
	json_u64(json, "host_packets", total->n_host);
	json_bool(json, "adopted", total->adopted);
	json_u64(json, "taken_back", total->taken_back);
}

void app_print_total(const struct app *app, const struct app_total *total,
		     FILE *out)
{
	uint64_t calls = total->stats.syncs + total->stats.waits;

	if (total->n.rx_packets || !total->n.tx_packets)
		fprintf(out, "received %" PRIu64 " packet%s, %" PRIu64 " bytes\n",
			total->n.rx_packets, app_s(total->n.rx_packets),
			total->n.rx_bytes);
	if (total->n.tx_packets)
		fprintf(out, "sent %" PRIu64 " packet%s, %" PRIu64 " bytes\n",
			total->n.tx_packets, app_s(total->n.tx_packets),
			total->n.tx_bytes);
	if (app->shares)
		fprintf(out, "passed on to Linux %" PRIu64 " packet%s\n",
			total->n_host, app_s(total->n_host));
	fprintf(out, "missed %" PRIu64 ", broken %" PRIu64 ", refused %" PRIu64
		", in %.1f s with %" PRIu64 " system call%s\n",
		total->missed, total->stats.rx_bad, total->refused,
		app_seconds(app), calls, app_s(calls));
}

static struct app_total total_of(const struct app *app)
{
	struct app_total total = { .missed = app_missed(app), .adopted = true };

	app_add_up(app, &total);
	return total;
}

void app_total_json(struct app *app, struct json *json)
{
	const struct app_total total = total_of(app);

	app_put_total(app, &total, json);
}

void app_total_text(struct app *app, FILE *out)
{
	const struct app_total total = total_of(app);

	app_print_total(app, &total, out);
}

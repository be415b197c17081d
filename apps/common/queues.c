// SPDX-License-Identifier: BSD-2-Clause
#include "common/queues.h"

#include <inttypes.h>
#include <string.h>

void queues_init(struct queues *all, const char *name, const char *help)
{
	app_init(&all->app, name, help);
	lanes_init(&all->lanes, &all->app);
}

void queues_option(struct queues *all, int option)
{
	lanes_option(&all->lanes, option);
}

/* ------------------------------------------------------------------------
 * Open and close
 */

static int open_port(struct queues *all, uint32_t i)
{
	struct queue *q = all->queue[i];

	q->app = all->app;
	/* --count is that of all */
	q->app.count = 0;
	q->app.beside = i > 0;
	if (app_open_port(&q->app))
		return -1;
	all->n++;
	return 0;
}

/* How many there are to be, now that the port can be asked. */
static int settle_number(struct queues *all, uint32_t first)
{
	uint32_t have = all->queue[0]->app.info.queues;

	have = have > first ? have - first : 0;
	if (all->lanes.n == LANES_ALL)
		all->lanes.n = have < LANES_MAX ? have : LANES_MAX;
	/* of a single one attach says what is wrong with it */
	if (!all->lanes.n)
		all->lanes.n = 1;
	if (all->lanes.n == 1 || all->lanes.n <= have)
		return 0;
	app_say(&all->app, "%s has %u of the %u queues that --queues asks for: ethtool -L may set more",
		all->app.device, have, all->lanes.n);
	return -1;
}

/* The CPUs of their interrupts are of use if each has another one. */
static void place_by_interrupt(struct queues *all)
{
	int cpu[LANES_MAX];
	uint32_t i, k;

	if (all->lanes.n_cpus || all->n == 1)
		return;
	for (i = 0; i < all->n; i++) {
		struct app *app = &all->queue[i]->app;
		struct ur_queue_info info;

		if (ur_port_queue_info(app->port, ur_queue_number(app->queue),
				       &info) || info.irq < 0)
			return;
		cpu[i] = info.irq_cpu;
		for (k = 0; k < i; k++)
			if (cpu[k] == cpu[i])
				return;
		if (cpu[i] < 0)
			return;
	}
	for (i = 0; i < all->n; i++)
		all->queue[i]->lane.cpu = cpu[i];
}

static void say_where(const struct queues *all)
{
	char text[LANES_MAX * 5 + 1] = "";
	uint32_t i;

	if (all->n == 1)
		return;
	for (i = 0; i < all->n && all->queue[i]->lane.cpu >= 0; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 " %d", all->queue[i]->lane.cpu);
	app_say(&all->app, "%u queues of %s, from queue %u on, a thread each, %s%s",
		all->n, all->app.device, all->queue[0]->lane.number,
		i ? "on CPU" : "on any CPU", text);
}

static int take(struct queues *all, uint32_t i, uint32_t number)
{
	struct queue *q = all->queue[i];

	q->app.number = number;
	q->lane.number = number;
	lanes_place(&all->lanes, i, &q->lane);
	/* what is said of it names the queue */
	if (all->lanes.n > 1) {
		snprintf(q->label, sizeof(q->label), "%s queue %u",
			 all->app.device, number);
		q->app.device = q->label;
	}
	return app_open_queue(&q->app);
}

int queues_open(struct queues *all)
{
	uint32_t first = app_first_queue(&all->app);
	uint32_t i;

	if (open_port(all, 0) || settle_number(all, first))
		return -1;
	for (i = 1; i < all->lanes.n; i++)
		if (open_port(all, i))
			return -1;
	for (i = 0; i < all->n; i++)
		if (take(all, i, first + i))
			return -1;
	/* a process before had more of them, or others */
	for (i = 0; i < LANES_MAX; i++)
		if (i < first || i >= first + all->n)
			app_drop_kept(i);
	app_ready();
	all->app.info = all->queue[0]->app.info;
	place_by_interrupt(all);
	say_where(all);
	return 0;
}

void queues_close(struct queues *all)
{
	while (all->n)
		app_close(&all->queue[--all->n]->app);
}

/* ------------------------------------------------------------------------
 * Rates
 */

/* Each sim: is a port of its own; of a port any queue tells the same. */
static uint64_t missed_of(const struct queues *all,
			  uint64_t (*missed)(const struct queue *q))
{
	bool one_port = strncmp(all->app.device, "sim:", 4) != 0;
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < (one_port ? 1 : all->n); i++)
		sum += missed(all->queue[i]);
	return sum;
}

static uint64_t missed_seen(const struct queue *q)
{
	return app_read(&q->missed);
}

static void count_up(struct app_count *sum, const struct app_count *n)
{
	sum->rx_packets += n->rx_packets;
	sum->rx_bytes += n->rx_bytes;
	sum->tx_packets += n->tx_packets;
	sum->tx_bytes += n->tx_bytes;
}

static void look(struct queues *all, struct queue_seen *sum)
{
	uint32_t i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < all->n; i++) {
		const struct app_count *n = &all->queue[i]->app.n;
		struct queue_seen *seen = &all->seen[i];

		seen->n.rx_packets = app_read(&n->rx_packets);
		seen->n.rx_bytes = app_read(&n->rx_bytes);
		seen->n.tx_packets = app_read(&n->tx_packets);
		seen->n.tx_bytes = app_read(&n->tx_bytes);
		count_up(&sum->n, &seen->n);
		count_up(&sum->last, &seen->last);
	}
}

static void rates_json(const struct queues *all, const struct queue_seen *sum,
		       double seconds, uint64_t refused)
{
	struct json json;
	uint32_t i;

	json_begin(&json, stdout);
	json_str(&json, "type", "rates");
	json_double(&json, "seconds", app_seconds(&all->app));
	app_put_rates(&json, &sum->n, &sum->last, seconds);
	json_u64(&json, "missed", missed_of(all, missed_seen));
	json_u64(&json, "refused", refused);
	if (all->n > 1) {
		json_open_array(&json, "queues");
		for (i = 0; i < all->n; i++) {
			json_open_object(&json, NULL);
			json_u64(&json, "queue", all->queue[i]->lane.number);
			app_put_rates(&json, &all->seen[i].n,
				      &all->seen[i].last, seconds);
			json_close_object(&json);
		}
		json_close_array(&json);
	}
	json_end(&json);
}

static void rates_text(const struct queues *all, const struct queue_seen *sum,
		       double seconds, uint64_t refused)
{
	uint32_t i;

	for (i = 0; all->n > 1 && i < all->n; i++) {
		fprintf(stderr, "queue %-3u ", all->queue[i]->lane.number);
		app_print_rates(&all->seen[i].n, &all->seen[i].last, seconds);
		fputc('\n', stderr);
	}
	if (all->n > 1)
		fputs("all       ", stderr);
	app_print_rates(&sum->n, &sum->last, seconds);
	fprintf(stderr, "   missed %" PRIu64 "  refused %" PRIu64 "\n",
		missed_of(all, missed_seen), refused);
}

static void show_rates(void *arg)
{
	struct queues *all = arg;
	struct app *app = &all->app;
	double seconds = (double)(app->now - app->last_tick) / 1e9;
	struct queue_seen sum;
	uint64_t refused = 0;
	uint32_t i;

	look(all, &sum);
	for (i = 0; i < all->n; i++)
		refused += app_read(&all->queue[i]->refused);
	if (app_wants_rates(app, sum.n.rx_packets == sum.last.rx_packets &&
				 sum.n.tx_packets == sum.last.tx_packets)) {
		if (app->json)
			rates_json(all, &sum, seconds, refused);
		else
			rates_text(all, &sum, seconds, refused);
	}
	for (i = 0; i < all->n; i++)
		all->seen[i].last = all->seen[i].n;
}

/* ------------------------------------------------------------------------
 * Run
 */

/* At its end the queue is free, whatever else the program is at. */
static void run(struct lane *lane)
{
	/* the first member */
	struct queue *q = (struct queue *)lane;

	q->main(lane);
	lane->over = q->app.done;
	app_leave(&q->app);
}

int queues_start(struct queues *all, void (*main)(struct lane *lane))
{
	uint32_t i;

	for (i = 0; i < all->n; i++) {
		all->queue[i]->main = main;
		all->queue[i]->lane.main = run;
	}
	return lanes_start(&all->lanes);
}

int queues_run(struct queues *all, void (*main)(struct lane *lane))
{
	if (queues_start(all, main))
		return -1;
	lanes_watch(&all->lanes, show_rates, all);
	return 0;
}

/* The queue may be another one by the time that the one who watches looks. */
static void publish(struct queue *q)
{
	__atomic_store_n(&q->missed, app_missed(&q->app), __ATOMIC_RELAXED);
	__atomic_store_n(&q->refused, app_refused(&q->app), __ATOMIC_RELAXED);
}

bool queue_run(struct queue *q)
{
	if (app_tick(&q->app))
		publish(q);
	return !q->app.done && !q->app.gone && lanes_go_on(q->lane.lanes);
}

bool queues_gone(const struct queues *all)
{
	uint32_t i;

	for (i = 0; i < all->n; i++)
		if (all->queue[i]->app.gone || all->queue[i]->app.partial)
			return true;
	return false;
}

/* ------------------------------------------------------------------------
 * Totals
 */

static uint64_t missed_now(const struct queue *q)
{
	return app_missed(&q->app);
}

static struct app_total total_of(const struct queues *all)
{
	struct app_total total = {
		.missed = missed_of(all, missed_now), .adopted = true,
	};
	uint32_t i;

	for (i = 0; i < all->n; i++)
		app_add_up(&all->queue[i]->app, &total);
	return total;
}

void queues_put_total(const struct queues *all, struct json *json)
{
	const struct app_total total = total_of(all);
	uint32_t i;

	app_put_total(&all->app, &total, json);
	if (all->n == 1)
		return;
	json_open_array(json, "queues");
	for (i = 0; i < all->n; i++) {
		const struct app *app = &all->queue[i]->app;

		json_open_object(json, NULL);
		json_u64(json, "queue", all->queue[i]->lane.number);
		json_u64(json, "rx_packets", app->n.rx_packets);
		json_u64(json, "rx_bytes", app->n.rx_bytes);
		json_u64(json, "tx_packets", app->n.tx_packets);
		json_u64(json, "tx_bytes", app->n.tx_bytes);
		json_u64(json, "host_packets", app->n_host);
		json_close_object(json);
	}
	json_close_array(json);
}

void queues_print_total(const struct queues *all, FILE *out)
{
	const struct app_total total = total_of(all);
	uint32_t i;

	for (i = 0; all->n > 1 && i < all->n; i++) {
		const struct app *app = &all->queue[i]->app;

		fprintf(out, "queue %u: received %" PRIu64 ", sent %" PRIu64 "\n",
			all->queue[i]->lane.number, app->n.rx_packets,
			app->n.tx_packets);
	}
	app_print_total(&all->app, &total, out);
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * How an app comes by its queue: it attaches, or goes on with the queue of the
 * process before it; and how it parts with it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libuserring/sim.h>

#include "common/common.h"
#include "common/fdstore.h"

struct stored {
	char name[32];
};

/* By what name a supervisor keeps a queue. */
static struct stored stored_name(uint32_t number)
{
	struct stored s;

	snprintf(s.name, sizeof(s.name), "userring-%" PRIu32, number);
	return s;
}

static struct stored name_of(const struct app *app)
{
	return stored_name(app->number ? app->number : app_first_queue(app));
}

uint32_t app_first_queue(const struct app *app)
{
	const char *at = strrchr(app->device, '@');

	return at ? (uint32_t)strtoul(at + 1, NULL, 10) : 0;
}

/* Unless said otherwise, Linux does not wait for ever for packets that are its. */
static uint32_t watchdog_of(const struct app *app)
{
	if (app->watchdog_ms != APP_WATCHDOG_UNSAID)
		return app->watchdog_ms;
	return app->shares ? APP_WATCHDOG_MS : 0;
}

static struct ur_queue_opts queue_opts(const struct app *app)
{
	return (struct ur_queue_opts){
		.size = sizeof(struct ur_queue_opts),
		.rx_size = app->rx_size,
		.tx_size = app->tx_size,
		.sync_period_us = app->period_us,
		.spin_us = app->spin_us,
		.watchdog_ms = watchdog_of(app),
		.queue = app->number,
	};
}

/* ------------------------------------------------------------------------
 * The queue of the process before
 */

/* Is the queue that we have the one of the port that was named? */
static bool is_ours(const struct app *app, const struct ur_queue *queue)
{
	struct ur_queue_info info;

	return ur_port_queue_info(app->port, ur_queue_number(queue),
				  &info) == 0 &&
	       info.attached && info.pid == getpid();
}

/* A queue of that name was kept for us: is it of use? */
static bool adopt(struct app *app)
{
	struct ur_queue_opts opts = queue_opts(app);
	struct ur_error err = { "" };
	int fd, r;

	fd = fdstore_take(name_of(app).name);
	if (fd < 0)
		return false;
	r = ur_queue_adopt(&app->queue, &app->pool, fd, &opts, &err);
	if (r) {
		app_say(app, "the queue of the process before cannot be taken over (%s): attaching anew",
			err.text[0] ? err.text : ur_strerror(r));
		/* the supervisor has a copy: closing ours is not enough */
		ioctl(fd, UR_IOC_DETACH);
		close(fd);
		goto forget;
	}
	if (!is_ours(app, app->queue)) {
		app_say(app, "the queue of the process before is not of %s: given back to the kernel, attaching anew",
			app->device);
		ur_queue_detach(app->queue);
		ur_pool_destroy(app->pool);
		app->queue = NULL;
		goto forget;
	}
	app->adopted = true;
	app_say(app, "goes on with queue %u of %s, which was kept",
		ur_queue_number(app->queue), app->device);
	return true;

forget:
	fdstore_remove(name_of(app).name);
	return false;
}

void app_drop_kept(uint32_t number)
{
	int fd = fdstore_take(stored_name(number).name);

	if (fd < 0)
		return;
	ioctl(fd, UR_IOC_DETACH);
	close(fd);
	fdstore_remove(stored_name(number).name);
}

/* ------------------------------------------------------------------------
 * Attach
 */

static int attach(struct app *app, struct ur_error *err)
{
	struct ur_queue_opts opts = queue_opts(app);
	int r;

	r = ur_queue_attach(&app->queue, app->port, app->pool, &opts, err);
	if (r) {
		app->queue = NULL;
		return r;
	}
	if (!app->pool_is_shared && ur_fd(app->queue) >= 0)
		fdstore_keep(name_of(app).name, ur_fd(app->queue));
	return 0;
}

static int attach_anew(struct app *app, struct ur_error *err)
{
	struct ur_pool_opts opts = {
		.size = sizeof(opts),
		/* both rings full, and as much in the hands of the app */
		.slot_count = 2 * (app->rx_size + app->tx_size),
	};
	struct ur_pool *pool;
	int r = ur_pool_create(&pool, app->port, &opts, err);

	app->pool = r ? NULL : pool;
	return r ? r : attach(app, err);
}

static int say_why(struct app *app, const struct ur_error *err, int r)
{
	struct ur_pcap_info info;

	/* a capture of which not even the first packet can be read */
	if (r == -EBADMSG && app->port && !ur_pcap_info(app->port, &info) &&
	    info.why[0]) {
		app_say(app, "%s: %s", app->device, info.why);
		app_say_missing(app, &info);
		return -1;
	}
	app_say(app, "%s", err->text[0] ? err->text : ur_strerror(r));
	return -1;
}

int app_open_port(struct app *app)
{
	struct ur_error err = { "" };
	int r;

	r = ur_port_open(&app->port, app->device, &err);
	if (r)
		return say_why(app, &err, r);
	r = ur_port_info(app->port, &app->info);
	if (r) {
		ur_port_close(app->port);
		app_say(app, "%s: %s", app->device, ur_strerror(r));
		return -1;
	}
	app->ends = ur_sim_ends(app->port);
	return 0;
}

/* The clock and the counters begin. */
static void begin(struct app *app)
{
	/* what a NIC in software missed, it missed for us */
	app->missed_at_start = app->info.ifindex ? app_read_missed(app) : 0;
	app->now = app_clock();
	app->start = app->now;
	app->last_tick = app->now;
	app->next_tick = app->now + NS_PER_SEC;
}

int app_attach(struct app *app, struct ur_pool *pool)
{
	struct ur_error err = { "" };
	int r;

	app->pool = pool;
	app->pool_is_shared = true;
	r = attach(app, &err);
	if (r)
		return say_why(app, &err, r);
	begin(app);
	return 0;
}

int app_open_queue(struct app *app)
{
	struct ur_error err = { "" };
	int r;

	if (!adopt(app)) {
		r = attach_anew(app, &err);
		if (r)
			return say_why(app, &err, r);
	}
	begin(app);
	return 0;
}

void app_ready(void)
{
	fdstore_taken();
	fdstore_ready();
	app_keep_privileges(APP_MAY_READ);
}

int app_open(struct app *app)
{
	if (app_open_port(app))
		return -1;
	if (app_open_queue(app)) {
		app_close(app);
		return -1;
	}
	app_ready();
	return 0;
}

/* ------------------------------------------------------------------------
 * The watchdog took it
 */

static void add_to_past(struct app *app)
{
	struct ur_queue_stats stats;
	struct ur_counters count;

	ur_queue_stats(app->queue, &stats);
	ur_queue_counters(app->queue, &count);
	app->past.rx_bad += stats.rx_bad;
	app->past.syncs += stats.syncs;
	app->past.waits += stats.waits;
	app->past.recovered += stats.recovered;
	app->past_count.timer_syncs += count.timer_syncs;
	app->past_count.interrupts += count.interrupts;
	app->past_count.rx_refused += count.rx_refused;
	app->past_count.tx_refused += count.tx_refused;
	app->past_count.index_refused += count.index_refused;
}

void app_detach(struct app *app)
{
	struct ur_queue *queue = app->queue;

	if (!queue)
		return;
	add_to_past(app);
	app->queue = NULL;
	ur_queue_detach(queue);
}

void app_taken_back(struct app *app)
{
	struct ur_error err = { "" };
	int r;

	app_say(app, "the watchdog took the queue of %s back, because packets waited for too long; attaching again",
		app->device);
	app->taken_back++;
	app->said_recovered = 0;
	fdstore_remove(name_of(app).name);
	/* all slots go to the pool, then they are the new queue's */
	app_detach(app);
	r = attach(app, &err);
	if (r) {
		app_say(app, "%s", err.text[0] ? err.text : ur_strerror(r));
		app->gone = true;
	}
}

void app_leave(struct app *app)
{
	/* orderly: nobody is to go on with it */
	fdstore_remove(name_of(app).name);
	app_detach(app);
}

void app_close(struct app *app)
{
	app_leave(app);
	if (!app->pool_is_shared)
		ur_pool_destroy(app->pool);
	ur_port_close(app->port);
}

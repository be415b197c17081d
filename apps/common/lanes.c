// SPDX-License-Identifier: BSD-2-Clause
#include "common/lanes.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MS		100	/* at a signal that another thread was given */
#define CPU_MAX		1023

void lanes_init(struct lanes *lanes, struct app *app)
{
	*lanes = (struct lanes){ .app = app, .n = 1, .ended = -1 };
}

/* ------------------------------------------------------------------------
 * Options
 */

static void parse_cpus(struct lanes *lanes, const char *text)
{
	const uint32_t room = sizeof(lanes->cpus) / sizeof(lanes->cpus[0]);
	const char *p = text;
	unsigned long first, last;
	char *end;

	lanes->n_cpus = 0;
	for (;;) {
		if (*p < '0' || *p > '9')
			break;
		first = strtoul(p, &end, 10);
		last = first;
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > CPU_MAX)
			break;
		for (; first <= last && lanes->n_cpus < room; first++)
			lanes->cpus[lanes->n_cpus++] = (uint32_t)first;
		if (!*end)
			return;
		if (*end != ',')
			break;
		p = end + 1;
	}
	app_usage(lanes->app, "--cpus takes a list like 0,2,4-7, not \"%s\"",
		  text);
}

void lanes_option(struct lanes *lanes, int option)
{
	if (option == APP_OPT_CPUS)
		parse_cpus(lanes, optarg);
	else if (option != APP_OPT_QUEUES)
		app_option(lanes->app, option);
	else if (strcmp(optarg, "all") == 0)
		lanes->n = LANES_ALL;
	else
		lanes->n = (uint32_t)app_number(lanes->app, "--queues", optarg,
						1, LANES_MAX);
}

void lanes_place(struct lanes *lanes, uint32_t i, struct lane *lane)
{
	lane->lanes = lanes;
	lane->cpu = lanes->n_cpus ? (int)lanes->cpus[i % lanes->n_cpus] : -1;
	lanes->lane[i] = lane;
}

/* ------------------------------------------------------------------------
 * Threads
 */

bool lanes_go_on(const struct lanes *lanes)
{
	return !app_stopped() &&
	       !__atomic_load_n(&lanes->stop, __ATOMIC_RELAXED);
}

void lanes_stop(struct lanes *lanes)
{
	const uint64_t one = 1;

	__atomic_store_n(&lanes->stop, 1, __ATOMIC_RELAXED);
	if (write(lanes->ended, &one, sizeof(one)) < 0)
		return;	/* it is full: whoever watches knows */
}

static void pin(const struct lane *lane)
{
	cpu_set_t set;

	if (lane->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(lane->cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		app_say(lane->lanes->app, "there is no CPU %d for queue %u: it runs where the scheduler likes",
			lane->cpu, lane->number);
}

static void *run(void *arg)
{
	struct lane *lane = arg;

	pin(lane);
	lane->main(lane);
	if (!lane->over || !__atomic_sub_fetch(&lane->lanes->going, 1,
					       __ATOMIC_RELAXED))
		lanes_stop(lane->lanes);
	return NULL;
}

int lanes_start(struct lanes *lanes)
{
	uint32_t i;
	int r;

	lanes->left = lanes->app->count;
	lanes->used = 0;
	lanes->stop = 0;
	lanes->going = lanes->n;
	lanes->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lanes->ended < 0) {
		app_say(lanes->app, "no eventfd: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < lanes->n; i++) {
		r = pthread_create(&lanes->lane[i]->thread, NULL, run,
				   lanes->lane[i]);
		if (r) {
			app_say(lanes->app, "no thread for queue %u: %s",
				lanes->lane[i]->number, strerror(r));
			goto err_stop;
		}
	}
	return 0;

err_stop:
	lanes_stop(lanes);
	while (i--)
		pthread_join(lanes->lane[i]->thread, NULL);
	close(lanes->ended);
	return -1;
}

/* Until then at the longest; sooner if something happens. */
static void sleep_until(const struct lanes *lanes, uint64_t when)
{
	struct pollfd fd = { .fd = lanes->ended, .events = POLLIN };
	uint64_t ms = (when - lanes->app->now) / 1000000 + 1;

	poll(&fd, 1, ms < LOOK_MS ? (int)ms : LOOK_MS);
}

void lanes_watch(struct lanes *lanes, void (*tick)(void *arg), void *arg)
{
	struct app *app = lanes->app;
	uint64_t end = UINT64_MAX;
	uint32_t i;

	app->now = app_clock();
	app->start = app->now;
	app->last_tick = app->now;
	app->next_tick = app->now + NS_PER_SEC;
	if (app->seconds > 0)
		end = app->now + (uint64_t)(app->seconds * 1e9);
	while (lanes_go_on(lanes) && app->now < end) {
		sleep_until(lanes, end < app->next_tick ? end :
							  app->next_tick);
		app->now = app_clock();
		if (lanes->look)
			lanes->look(arg);
		if (app->now < app->next_tick)
			continue;
		tick(arg);
		app->last_tick = app->now;
		app->next_tick += NS_PER_SEC;
		if (app->next_tick <= app->now)
			app->next_tick = app->now + NS_PER_SEC;
	}
	lanes_stop(lanes);
	for (i = 0; i < lanes->n; i++)
		pthread_join(lanes->lane[i]->thread, NULL);
	close(lanes->ended);
	app->now = app_clock();
}

/* ------------------------------------------------------------------------
 * --count
 */

uint32_t lanes_reserve(struct lanes *lanes, uint32_t n)
{
	uint64_t left;

	if (!lanes->app->count)
		return n;
	left = __atomic_load_n(&lanes->left, __ATOMIC_RELAXED);
	do {
		if (n > left)
			n = (uint32_t)left;
	} while (!__atomic_compare_exchange_n(&lanes->left, &left, left - n,
					      true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return n;
}

void lanes_used(struct lanes *lanes, uint32_t reserved, uint32_t used)
{
	if (!lanes->app->count)
		return;
	if (used < reserved)
		__atomic_fetch_add(&lanes->left, reserved - used,
				   __ATOMIC_RELAXED);
	if (used)
		__atomic_fetch_add(&lanes->used, used, __ATOMIC_RELAXED);
}

bool lanes_counted(const struct lanes *lanes)
{
	return lanes->app->count &&
	       __atomic_load_n(&lanes->used, __ATOMIC_RELAXED) ==
	       lanes->app->count;
}

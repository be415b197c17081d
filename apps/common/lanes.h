/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lanes: a thread for each queue.  An app starts them, watches the clock, and all
 * end when one of them does, unless it was .over.
 *
 *	lanes_option -> lanes_place a lane -> lanes_start -> lanes_watch
 *
 * and in the thread of a lane
 *
 *	while (lanes_go_on(lane->lanes)) ...
 */
#ifndef APPS_LANES_H
#define APPS_LANES_H

#include <pthread.h>

#include "common/common.h"

#define LANES_MAX	64
#define LANES_ALL	0	/* --queues all */

#define LANES_OPTIONS \
	{ "queues", required_argument, NULL, APP_OPT_QUEUES }, \
	{ "cpus",   required_argument, NULL, APP_OPT_CPUS }

struct lanes;

struct lane {
	struct lanes *lanes;
	void (*main)(struct lane *lane);
	pthread_t thread;
	uint32_t number;	/* of the queue, for sentences */
	bool over;		/* no more comes to it: the others go on */
	int cpu;		/* -1: wherever the scheduler likes */
};

struct lanes {
	struct app *app;	/* of the whole: its options, and its clock */
	uint32_t n;		/* --queues, or LANES_ALL */
	uint32_t cpus[256];	/* --cpus */
	uint32_t n_cpus;
	struct lane *lane[LANES_MAX];
	void (*look)(void *arg);	/* see lanes_watch() */
	int ended;		/* eventfd: a lane has */
	uint32_t stop;
	uint32_t going;		/* those that are not over */

	/* written by all lanes, if there is a --count */
	uint64_t left __attribute__((aligned(64)));	/* nobody's yet */
	uint64_t used;
};

void lanes_init(struct lanes *lanes, struct app *app);

/* Takes one of LANES_OPTIONS, as app_option() does. */
void lanes_option(struct lanes *lanes, int option);

/*
 * Says on which CPU lane i is to run: the i-th of --cpus, from the beginning again
 * when they are over, or anywhere.
 */
void lanes_place(struct lanes *lanes, uint32_t i, struct lane *lane);

/* Starts a thread for each.  Return: 0, or -1 after saying why. */
int lanes_start(struct lanes *lanes);

/*
 * Until a signal, --seconds or the end of a lane; tick is called once a second,
 * with .app->now set, and so is .look, several times a second, if there is one.
 * All threads have ended after this.
 */
void lanes_watch(struct lanes *lanes, void (*tick)(void *arg), void *arg);

/* For a lane: is there another round?  And: no more rounds, for nobody. */
bool lanes_go_on(const struct lanes *lanes);
void lanes_stop(struct lanes *lanes);

/*
 * --count, of all lanes together: takes at most n of what is left; and says how
 * many of them were used, the others are left again.
 */
uint32_t lanes_reserve(struct lanes *lanes, uint32_t n);
void lanes_used(struct lanes *lanes, uint32_t reserved, uint32_t used);

/* Are all of --count used? */
bool lanes_counted(const struct lanes *lanes);

#endif /* APPS_LANES_H */

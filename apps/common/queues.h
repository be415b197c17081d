/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of one port, each with a lane, a pool and counts of its own: no two
 * threads write to the same memory.  What came by a queue leaves by it, so nothing
 * is gained by a pool in common; and each can be kept for a successor by itself.
 *
 *	queues_init -> app_getopt with queues_option -> app_device ->
 *	queues_open -> queues_run -> queues_put_total, queues_print_total ->
 *	queues_close
 */
#ifndef APPS_QUEUES_H
#define APPS_QUEUES_H

#include "common/lanes.h"

struct queue {
	struct lane lane;
	struct app app;
	char label[96];		/* "eth1 queue 3" */
	void (*main)(struct lane *lane);
	uint64_t missed;	/* as of the last second */
	uint64_t refused;
} __attribute__((aligned(64)));

/* What the one who watches knows of a queue. */
struct queue_seen {
	struct app_count n;
	struct app_count last;	/* a second ago */
};

struct queues {
	struct app app;		/* options, and the clock of the whole */
	struct lanes lanes;
	struct queue *queue[LANES_MAX];	/* the caller's, one each */
	uint32_t n;		/* that are open */
	struct queue_seen seen[LANES_MAX];
};

/* The lines on LANES_OPTIONS in a --help. */
#define QUEUES_HELP \
"  --queues N|all, --cpus LIST   so many queues, a thread each (1); on which CPUs\n"

void queues_init(struct queues *all, const char *name, const char *help);
void queues_option(struct queues *all, int option);

/*
 * Takes the queues, from that of the device's name on; the others stay Linux's.
 * Return: 0, or -1 after saying why.
 */
int queues_open(struct queues *all);
void queues_close(struct queues *all);

/*
 * Starts a thread for each, which runs main, and then leaves its queue to Linux;
 * lanes_watch() is next.  Return: 0, or -1 after saying why.
 */
int queues_start(struct queues *all, void (*main)(struct lane *lane));

/*
 * Runs main in a thread for each until all are done, and shows the rates.
 * Return: 0, or -1 after saying why.
 */
int queues_run(struct queues *all, void (*main)(struct lane *lane));

/* In the thread of a queue: one more round?  What app_run() is for one queue. */
bool queue_run(struct queue *q);

/* Is one of them gone, or did one read a capture that is not whole? */
bool queues_gone(const struct queues *all);

void queues_put_total(const struct queues *all, struct json *json);
void queues_print_total(const struct queues *all, FILE *out);

#endif /* APPS_QUEUES_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urdns: main.c has options and opening, reload.c loading, tcp.c a look at TCP, lane.c
 * the threads that answer, report.c what is shown.  Of an answer: packet.c what is around it, answer.c
 * the message, zone.h what is served.
 *
 * A lane is a queue of the port and the thread that serves it.  Lanes write to
 * nothing in common.
 */
#ifndef APPS_URDNS_H
#define APPS_URDNS_H

#include "common/queues.h"
#include "urdns/quick.h"
#include "urdns/rrl.h"

#define ZONES_MAX	256
#define SEEN_MAX	16	/* a power of two */

/* The lane writes, all read; packets and bytes are counted in struct app. */
struct dns_count {
	uint64_t truncated;
	uint64_t dropped;	/* no query: not answered */
	uint64_t limited;	/* not answered because of --rrl */
	uint64_t slipped;	/* told to use TCP because of --rrl */
	uint64_t unsent;	/* the TX ring had no room */
	uint64_t ns;		/* from taking queries to handing over replies */
	uint64_t type[DNS_COUNTED];
	uint64_t rcode[DNS_RCODES];
};

/* A query, to be shown. */
struct dns_seen {
	uint8_t  client[16];
	uint8_t  name[DNS_NAME_MAX + 1];
	uint16_t type;
	uint16_t len;		/* of the reply; 0: there was none */
	uint8_t  rcode;
	bool     is_v6;
	bool     asked;		/* there is a name */
	bool     truncated;
};

struct dns_lane {
	struct queue q;
	struct dns_server *server;
	struct echo_cfg cfg;	/* the addresses of Linux, and our port */
	struct rrl *rrl;	/* NULL: no limit */
	struct addr_list *list;	/* these addresses */
	uint64_t next_look;
	uint32_t size_max;	/* of a reply, by the port's MTU */
	const struct dns_zone *zone;	/* in use; the lane writes */
	struct quick quick;
	uint32_t slow;		/* of a burst, for the long way after all */
	uint32_t lates;		/* of those, for Linux */
	struct {
		uint32_t len;
		uint8_t  frame[QUICK_MAX];
	} late[QUICK_BURST];
	struct dns_count n;
	uint64_t slowest;	/* ns; report.c sets it to 0 */
	struct dns_seen seen[SEEN_MAX];
	uint32_t seen_prod;	/* the lane's; entries before cons are shown */
	uint32_t seen_cons;	/* report.c's */
};

/* What is shown of a second is the difference of two. */
struct dns_sum {
	struct app_count packets;
	uint64_t host;
	struct dns_count n;
};

/* The thread that loads zones; one at a time. */
struct dns_loader {
	pthread_t thread;
	bool     runs;		/* it was started, and nobody has waited for it */
	bool     ended;
	uint32_t stop;		/* it is to end */
	struct dns_zone *zone;	/* its result, */
	char     text[1024];	/* or why there is none */
};

struct dns_server {
	struct queues all;
	struct dns_source source[ZONES_MAX];
	uint32_t sources;
	uint32_t rrl;		/* replies a second; 0: no limit */
	uint32_t slip;
	bool slip_said;
	uint16_t port;
	const char *version;	/* NULL: not told */
	uint32_t show;		/* queries a second */
	bool     show_set;

	struct addrs *addrs;	/* NULL: a NIC in software */
	struct dns_zone *zone;	/* what lanes are to use from now on; NULL: none yet */
	struct dns_loader loader;
	bool     failed;	/* there were never any zones */
	uint64_t reloads;
	uint64_t reloads_failed;
	struct dns_lane lane[LANES_MAX];

	struct dns_sum last;	/* a second ago */
	uint32_t shown;		/* queries, in this second */
};

/* Opens the queues, and makes their lanes ready.  Return: 0, or -1. */
int dns_open(struct dns_server *server);
void dns_close(struct dns_server *server);

/* Begins to load the zones; sets .loader.runs, or says why not. */
void dns_load_start(struct dns_server *server);
bool dns_load_ended(const struct dns_server *server);

/* When it has ended: the zones are served from now on, or a sentence is said. */
bool dns_load_finish(struct dns_server *server);

/* Nobody wants them any more. */
void dns_load_stop(struct dns_server *server);

/*
 * Does something listen on that TCP port, on one of the addresses or on all, by a table
 * such as /proc/net/tcp?  *known: there is such a table.
 */
bool dns_tcp_listens(const char *table, const struct addr_list *list,
		     uint16_t port, bool *known);

/* A sentence if nothing does, where that can be known. */
void dns_say_tcp(const struct dns_server *server);

/* A lane's thread. */
void dns_lane_run(struct lane *lane);

/* For the server's zone; the lane's queue is open. */
void dns_lane_begin(struct dns_lane *lane, struct dns_server *server);

/* Addresses, MAC and MTU of the port, as Linux has them now. */
void dns_lane_look(struct dns_lane *lane);

/* Takes at most so many packets, answers.  Return: how many there were. */
uint32_t dns_lane_burst(struct dns_lane *lane, uint32_t most);

void dns_show_queries(struct dns_server *server);
void dns_show_rates(void *server);
void dns_totals(const struct dns_server *server);

#endif /* APPS_URDNS_H */

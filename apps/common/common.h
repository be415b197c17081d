/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the apps share: options, opening a queue, the loop around it, rates,
 * totals and sentences.  An app reads like this:
 *
 *	app_init -> app_getopt with app_option -> app_device -> app_open
 *	while (app_run) { ur_rx_burst ...; app_sync or app_idle; }
 *	totals -> app_close
 */
#ifndef APPS_COMMON_H
#define APPS_COMMON_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <libuserring.h>

#include "common/json.h"

#define APP_VERSION	"0.1.0"
#define APP_BURST	64
#define NS_PER_SEC	1000000000ULL

/*
 * How long packets of a port that is shared with Linux may wait for a process that
 * hangs: longer than a busy machine leaves one without a CPU, and short enough for
 * TCP, which has sent three or four times by then, to go on.
 */
#define APP_WATCHDOG_MS		2000
#define APP_WATCHDOG_UNSAID	UINT32_MAX

/* Exit codes. */
#define APP_OK		0
#define APP_FAILED	1
#define APP_USAGE	2

/* What an app has received and sent. */
struct app_count {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
};

struct app {
	const char *name;	/* of the program */
	const char *help;
	const char *device;

	/* options */
	uint32_t rx_size;
	uint32_t tx_size;
	uint32_t period_us;
	uint32_t spin_us;
	bool     spin_said;
	uint32_t watchdog_ms;	/* 0: none; APP_WATCHDOG_UNSAID */
	uint32_t number;	/* of the queue; 0: as the device's name says */
	uint64_t count;		/* 0: no limit */
	double   seconds;	/* 0: no limit */
	bool     busy;
	bool     json;
	bool     rates;		/* --rates: every second, terminal or not */
	bool     no_live;	/* the app's output goes to the terminal: no
				 * rates there unless asked for
				 */

	struct ur_port  *port;
	struct ur_pool  *pool;
	struct ur_queue *queue;
	struct ur_port_info info;

	/* more to say behind the rates of a second; or NULL */
	void (*live)(const struct app *app, FILE *out);

	struct app_count n;	/* the app counts here, by app_add() */
	uint64_t n_host;	/* packets passed on to Linux; the same */
	uint64_t now;		/* ns, CLOCK_MONOTONIC, set by app_run() */
	bool     ends;		/* what comes has an end, as of a capture or of
				 * sim: with count=: it can wait to be taken
				 */
	bool     done;		/* the app is done, or all came that has an end:
				 * app_run() says stop
				 */
	bool     partial;	/* a capture that was read is not whole: the exit
				 * code says so
				 */
	bool     gone;		/* the port is gone for good */
	bool     said_down;	/* the port is down */
	bool     shares;	/* what the app does not want is Linux's; set
				 * before the queue is attached if it is to be
				 */
	bool     adopted;	/* the queue was a former process's */
	bool     pool_is_shared;	/* with other queues: see app_attach() */
	bool     beside;	/* not the first queue of its port, whose app
				 * says what becomes of the port
				 */
	uint64_t taken_back;	/* times that the watchdog took the queue */

	/* of queues that the watchdog took */
	struct ur_queue_stats past;
	struct ur_counters past_count;

	/* private to common.c */
	uint64_t start;
	uint64_t next_tick;
	uint64_t last_tick;
	uint64_t missed_at_start;
	struct app_count last;
	bool     was_idle;
	bool     said_no_link;
	uint64_t said_recovered;
};

/* Options of every app; their values do not clash with letters. */
enum {
	APP_OPT_VERSION = 256,
	APP_OPT_JSON,
	APP_OPT_RATES,
	APP_OPT_PERIOD,
	APP_OPT_RX_SIZE,
	APP_OPT_TX_SIZE,
	APP_OPT_SPIN,
	APP_OPT_BUSY,
	APP_OPT_SECONDS,
	APP_OPT_WATCHDOG,
	APP_OPT_QUEUES,		/* lanes.h */
	APP_OPT_CPUS,
	APP_OPT_OWN,		/* the first one of an app itself */
};

#define APP_SHORT_OPTIONS "hVc:"

#define APP_OPTIONS \
	{ "help",    no_argument,       NULL, 'h' }, \
	{ "version", no_argument,       NULL, 'V' }, \
	{ "count",   required_argument, NULL, 'c' }, \
	{ "json",    no_argument,       NULL, APP_OPT_JSON }, \
	{ "rates",   no_argument,       NULL, APP_OPT_RATES }, \
	{ "period",  required_argument, NULL, APP_OPT_PERIOD }, \
	{ "rx-size", required_argument, NULL, APP_OPT_RX_SIZE }, \
	{ "tx-size", required_argument, NULL, APP_OPT_TX_SIZE }, \
	{ "spin",    required_argument, NULL, APP_OPT_SPIN }, \
	{ "busy",    no_argument,       NULL, APP_OPT_BUSY }, \
	{ "seconds", required_argument, NULL, APP_OPT_SECONDS }, \
	{ "watchdog", required_argument, NULL, APP_OPT_WATCHDOG }

/* The lines on these options in a --help. */
#define APP_HELP \
"  --seconds N, -c --count N   stop after so many seconds, packets\n" \
"  --rates              a line of rates every second, terminal or not\n" \
"  --json               totals (--rates: and each second) as JSON on stdout\n" \
"  --spin US, --busy    poll for so long before sleeping (50); never sleep\n" \
"  --period US          the module looks at the rings so often: no system calls\n" \
"  --rx-size N, --tx-size N    places in the rings (1024)\n" \
"  --watchdog MS        the kernel takes the queue if packets wait so long\n" \
"                       (2000 if Linux has a share, else 0: never)\n" \
"  -h --help, -V --version\n"

/*
 * Also sets up SIGINT, SIGTERM and SIGHUP, the end of a terminal, to stop the loop,
 * and leaves a reader who has gone to be seen where he is written to.
 */
void app_init(struct app *app, const char *name, const char *help);

/*
 * getopt_long(); what that does not like ends the program.  Letters may begin with
 * a +: options end with the first argument that is none.
 */
int app_getopt(const struct app *app, int argc, char **argv,
	       const char *letters, const struct option *options);

/*
 * Takes one of APP_OPTIONS as app_getopt() returned it; ends the program
 * for --help, --version and whatever it does not know.
 */
void app_option(struct app *app, int option);

/* The device, which is the one argument. */
void app_device(struct app *app, int argc, char **argv);

/* Ends the program if both were given; one of them would count for nothing. */
void app_not_both(const struct app *app, const char *one, bool given,
		  const char *other, bool other_given);

/* A sentence on stderr and the end of the program, exit code 2. */
_Noreturn void app_usage(const struct app *app, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A sentence on stderr. */
void app_say(const struct app *app, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Would a line go out at once?  A terminal that ^S has stopped, and a pipe that
 * nobody reads, take none: a thread that serves packets, or is to end the program,
 * leaves the line out then.
 */
bool app_can_write(FILE *out);

/* A number in [min, max] from an option; wrong ones end the program. */
uint64_t app_number(const struct app *app, const char *option, const char *text,
		    uint64_t min, uint64_t max);

/* One of two words as the value of an option.  Return: is it the second? */
bool app_either(const struct app *app, const char *option, const char *first,
		const char *second);

/*
 * Opens port, pool and queue, or goes on with a queue that a supervisor kept
 * (fdstore.h).  Return: 0, or -1 after saying why.
 */
int app_open(struct app *app);

/* Detaches and frees. */
void app_close(struct app *app);

/*
 * For programs with several queues, a struct app for each, in steps: opens the
 * port; then takes .number of its queues, as app_open() does; and says that the
 * start is over, after which nothing that was kept is taken.
 *
 * Or attaches the queue with a pool of the caller's.  Such a queue is not kept by
 * a supervisor, because its slots are other queues' as well.
 *
 * Return: 0, or -1 after saying why.
 */
int app_open_port(struct app *app);
int app_open_queue(struct app *app);

/*
 * All queues are there: says so to a supervisor, and drops what needs a privilege.
 * Threads that are started later have no more than the one that calls this.
 */
void app_ready(void);

/*
 * Of the capabilities of this thread only these stay: to read files whose ever they
 * are, a zone or rules at SIGHUP, or to write them, a log that was rotated.
 */
#define APP_MAY_READ	(1U << 2)	/* CAP_DAC_READ_SEARCH */
#define APP_MAY_WRITE	(1U << 1)	/* CAP_DAC_OVERRIDE */
void app_keep_privileges(uint32_t keep);
int app_attach(struct app *app, struct ur_pool *pool);

/* The queue that the device's name asks for: 2 of "eth1@2". */
uint32_t app_first_queue(const struct app *app);

/* A queue of this number that was kept, and nobody wants now: Linux gets it. */
void app_drop_kept(uint32_t number);

/* Gives the queue back, if there is one; its counts stay for the totals. */
void app_detach(struct app *app);

/* The same at the end of the app: no successor is to go on with it. */
void app_leave(struct app *app);

/* The watchdog took the queue: says so and attaches again, or sets .gone. */
void app_taken_back(struct app *app);

/*
 * One more round?  Not after a signal, --seconds, .done or the loss of the
 * port.  Once a second it shows the rates and looks after the port.
 */
bool app_run(struct app *app);

/*
 * What app_run() begins with: sets .now, and once a second looks after the port.
 * Return: true when it did.
 */
bool app_tick(struct app *app);

/* Stop was asked for by a signal. */
bool app_stopped(void);

/* What app_tick() does about the port: says what changed, puts rings in order. */
void app_look_after(struct app *app);

/* Packets to take at once, so that --count is met exactly. */
uint32_t app_burst(const struct app *app);

/*
 * After a batch: hands everything to the NIC.  With --period the module does
 * that by itself.
 */
void app_sync(struct app *app);

/*
 * Nothing came: waits for a packet, for at most max_us (0: no limit of the
 * caller's).
 */
void app_idle(struct app *app, uint64_t max_us);

/*
 * Sends received packets from where they lie, and fills the RX ring in their
 * stead: back are packets that are done with, with room for n_send more.
 *
 * A tag that the NIC stripped is put back, by the NIC if it can.
 *
 * Return: packets sent; the others are dropped.
 */
uint32_t app_answer(struct app *app, struct ur_pkt *send, uint32_t n_send,
		    struct ur_pkt *back, uint32_t n_back);

/*
 * A packet with a tag that the NIC stripped gets it back: from the NIC of this
 * port, if it can, or into the frame.  Return: false: there is no room for it.
 */
bool app_keep_tag(const struct app *app, struct ur_pkt *pkt);

/*
 * Passes received packets on to Linux.  The TX ring has room for them: the
 * caller takes no more packets than ur_tx_make_room() says, so that none is
 * lost because it is full.
 */
void app_pass(struct app *app, const struct ur_pkt *pkts, uint32_t n);

/*
 * Sleeps until shortly before a time, or until a packet comes if asked to;
 * the caller polls for what is left.
 */
void app_idle_until(struct app *app, uint64_t when, bool or_packet);

uint64_t app_clock(void);
double app_seconds(const struct app *app);

/* Packets that the NIC had no place for since app_open(). */
uint64_t app_missed(const struct app *app);

/* Entries that the module refused. */
uint64_t app_refused(const struct app *app);

/*
 * A count that other threads read while its own, and no other, adds to it; and
 * how they read it.
 */
static inline void app_add(uint64_t *count, uint64_t n)
{
#ifdef __x86_64__
	/* in one, which the compilers do not make of it */
	__asm__("addq %1, %0" : "+m" (*count) : "er" (n) : "cc");
#else
	__atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
#endif
}

static inline uint64_t app_read(const uint64_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/*
 * Totals.  As JSON: opens the object with what all apps have; the app adds
 * its own and ends it.
 */
void app_total_json(struct app *app, struct json *json);
void app_total_text(struct app *app, FILE *out);

/* The same for programs with several queues: what they came to. */
struct app_total {
	struct app_count n;
	uint64_t n_host;
	uint64_t missed;	/* by the caller: it is the port's */
	uint64_t refused;
	uint64_t taken_back;
	bool     adopted;	/* all of them */
	struct ur_queue_stats stats;
	struct ur_counters count;
};

/* Adds a queue to a total that began with .adopted true and zeros. */
void app_add_up(const struct app *app, struct app_total *total);

/* app: name, device, time, and whether Linux has a share. */
void app_put_total(const struct app *app, const struct app_total *total,
		   struct json *json);
void app_print_total(const struct app *app, const struct app_total *total,
		     FILE *out);

/* Rates, as members of an object, and as words without an end of line. */
void app_put_rates(struct json *json, const struct app_count *now,
		   const struct app_count *before, double seconds);
void app_print_rates(const struct app_count *now,
		     const struct app_count *before, double seconds);

/*
 * Is a line of rates wanted?  Not on a terminal when nothing came for more than
 * a second.  Called once a second.
 */
bool app_wants_rates(struct app *app, bool idle);

/* Behind the name of what there are n of: "1 packet", "2 packets", "0 packets". */
static inline const char *app_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* So many bytes in words: "1 byte", "999 bytes", "20.2 KB", "1.5 GB". */
struct app_size {
	char text[24];
};

struct app_size app_size(uint64_t bytes);

/* Of all queues that the app had, one after the other. */
void app_sum_up(const struct app *app, struct ur_queue_stats *stats,
		struct ur_counters *count);

/* What of a capture found no place.  Return: false: all did, and nothing is said. */
struct ur_pcap_info;
bool app_say_missing(const struct app *app, const struct ur_pcap_info *info);

/*
 * Of a received packet, where a capture tells: when it was captured, ns, and how
 * long it was on the wire.  Elsewhere *time stays, and *len is the packet's.
 */
void app_capture_head(const struct app *app, const struct ur_pkt *pkt,
		      uint64_t *time, uint32_t *len);

/* Between common.c and report.c: all that the NIC ever missed; a second is over. */
uint64_t app_read_missed(const struct app *app);
void app_show_rates(struct app *app);

/*
 * Makes the NIC take what IPv6 neighbours send to find this address, until the
 * program ends.  Says so if that is not allowed.
 */
void app_join_neighbours(struct app *app, const uint8_t ip[16]);

/* Addresses. */
bool app_parse_mac(const char *text, uint8_t mac[6]);
/* "1.2.3.4", "::1", with "/len" if prefix is given.  Return: 4, 6 or 0. */
int app_parse_ip(const char *text, uint8_t ip[16], int *prefix);

/*
 * Puts a VLAN tag behind the MAC addresses of a frame of len bytes.
 * Return: the new length, or 0 if it would not fit into room bytes.
 */
uint32_t app_insert_vlan(uint8_t *frame, uint32_t len, uint32_t room,
			 uint16_t tci);

#endif /* APPS_COMMON_H */

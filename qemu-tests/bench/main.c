// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-METHOD PACKETS OPS PORT0 PORT1 TRAFFIC0 TRAFFIC1 (PCI addresses): the one loop for
 * all methods. Prints a line a row,
 *	row METHOD VARIANT OP BURST PACKETS LOST WRONG
 * in the order in which the plugin writes what it counted.
 */
#include <dirent.h>
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"
#include "mark.h"

#define WARM_UP		4096U	/* packets that are not counted */
#define LOOPS		100000U	/* of the calibration: two instructions each */
#define PAUSES		1000U
#define LOOKS		1000U	/* empty polls */
#define WAKES		200U
#define WAKE_MS		1000
#define SETTLE_S	3	/* what the kernel put off is done by then */
#define IDLE_S		4
/* The clock counts instructions: 1000 to the microsecond. A packet that has not come is lost. */
#define PATIENCE	300000000ULL

static const uint32_t bursts[] = { 1, 32, 128, 256 };
#define BURSTS	(sizeof(bursts) / sizeof(bursts[0]))

static const uint8_t other_mac[6] = { 0x52, 0x54, 0x00, 0x75, 0x72, 0x99 };
static uint8_t rx_frame[BENCH_FRAME];	/* what the traffic NIC sends */
static uint8_t fwd_frame[BENCH_FRAME];	/* and what comes of it when it is forwarded */

void bench_die(int err, const char *what, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, what);
	vfprintf(stderr, what, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	exit(1);
}

static void print_row(const struct bench_method *m, const char *op, uint32_t burst,
		      uint64_t packets, uint64_t lost, uint64_t wrong)
{
	printf("row %s %s %s %u %ju %ju %ju\n", m->name, m->variant, op, burst,
	       (uintmax_t)packets, (uintmax_t)lost, (uintmax_t)wrong);
	fflush(stdout);
}

/* ------------------------------------------------------------------------
 * Receive
 */

static void inject(struct bench *b, uint32_t n)
{
	mark(MARK_PAUSE);
	traffic_inject(&b->traffic[0], rx_frame, n);
	mark(MARK_RESUME);
}

/* Calls until n packets have been taken, or none comes any more. Return: packets. */
static inline __attribute__((always_inline)) uint32_t
take(struct bench *b, uint32_t (*call)(struct bench *b, uint32_t n), uint32_t n)
{
	uint32_t done = call(b, n), more;
	uint64_t end = 0;

	while (done < n) {
		more = call(b, n - done);
		done += more;
		if (more)
			end = 0;
		else if (!end)
			end = __rdtsc() + PATIENCE;
		else if (__rdtsc() > end)
			break;
	}
	return done;
}

static uint32_t receive(struct bench *b, const struct bench_method *m, uint32_t burst,
			uint32_t packets)
{
	const uint32_t n = burst * (m->queues ? m->queues : 1);
	uint32_t taken = 0;

	for (uint32_t done = 0; done < packets; done += n) {
		inject(b, n);
		taken += take(b, m->rx, n);
	}
	return taken;
}

static void rx_row(struct bench *b, const struct bench_method *m, uint32_t burst, uint32_t packets)
{
	const uint32_t wanted = packets;

	receive(b, m, burst, WARM_UP);
	b->check = (struct check){ .next = b->traffic[0].injected };
	mark(MARK_BEGIN);
	packets -= receive(b, m, burst, packets);
	mark(MARK_END);
	print_row(m, "rx", burst, wanted, packets + b->check.strange, b->check.wrong);
}

/* ------------------------------------------------------------------------
 * Send, forward
 */

static void look(struct bench *b, int i, const uint8_t *frame, bool whole)
{
	mark(MARK_PAUSE);
	traffic_look(&b->traffic[i], frame, whole);
	mark(MARK_RESUME);
}

/* What is still on its way comes soon, or never. */
static void look_until(struct bench *b, int i, const uint8_t *frame, bool whole, uint64_t seen)
{
	look(b, i, frame, whole);
	for (int ms = 0; b->traffic[i].seen < seen && ms < 300; ms++) {
		usleep(1000);
		look(b, i, frame, whole);
	}
}

static void transmit(struct bench *b, const struct bench_method *m, uint32_t burst,
		     uint32_t packets)
{
	for (uint32_t done = 0; done < packets; done += burst) {
		take(b, m->tx, burst);
		look(b, 0, b->frame, !m->by_socket);
	}
}

static void forward(struct bench *b, const struct bench_method *m, uint32_t burst,
		    uint32_t packets)
{
	for (uint32_t done = 0; done < packets; done += burst) {
		inject(b, burst);
		take(b, m->fwd, burst);
		look(b, 1, fwd_frame, !m->by_socket);
	}
}

static void begin_look(struct traffic *t, uint64_t next)
{
	t->seen = 0;
	t->wrong = 0;
	t->next = next;
}

static void tx_row(struct bench *b, const struct bench_method *m, uint32_t burst, uint32_t packets)
{
	struct traffic *t = &b->traffic[0];

	begin_look(t, b->sent);
	transmit(b, m, burst, WARM_UP);
	look_until(b, 0, b->frame, !m->by_socket, WARM_UP);
	begin_look(t, b->sent);
	mark(MARK_BEGIN);
	transmit(b, m, burst, packets);
	look_until(b, 0, b->frame, !m->by_socket, packets);
	mark(MARK_END);
	print_row(m, "tx", burst, packets, packets - t->seen, t->wrong);
}

static void fwd_row(struct bench *b, const struct bench_method *m, uint32_t burst, uint32_t packets)
{
	struct traffic *t = &b->traffic[1];

	begin_look(t, b->traffic[0].injected);
	forward(b, m, burst, WARM_UP);
	look_until(b, 1, fwd_frame, !m->by_socket, WARM_UP);
	begin_look(t, b->traffic[0].injected);
	mark(MARK_BEGIN);
	forward(b, m, burst, packets);
	look_until(b, 1, fwd_frame, !m->by_socket, packets);
	mark(MARK_END);
	print_row(m, "fwd", burst, packets, packets - t->seen, t->wrong);
}

/* ------------------------------------------------------------------------
 * Nothing there, asleep, woken
 */

static void empty_row(struct bench *b, const struct bench_method *m)
{
	b->dont_wait = true;
	mark(MARK_BEGIN);
	for (uint32_t i = 0; i < LOOKS; i++)
		m->rx(b, bursts[1]);
	mark(MARK_END);
	b->dont_wait = false;
	print_row(m, "empty", bursts[1], LOOKS, 0, 0);
}

static void idle_row(struct bench *b, const struct bench_method *m)
{
	sleep(SETTLE_S);
	mark(MARK_BEGIN);
	m->wait(b, IDLE_S * 1000);
	mark(MARK_END);
	print_row(m, "idle", 1, IDLE_S, 0, 0);
}

static volatile uint32_t woken;

/*
 * Runs only while the other thread sleeps, because that one has the higher priority.
 * From the packet on everything counts that the kernel does, and what the other thread
 * does when it is awake.
 */
static void *wake_main(void *arg)
{
	struct bench *b = arg;

	for (uint32_t i = 0; i < WAKES; i++) {
		while (woken != i)
			;
		mark(MARK_ON);
		mark(MARK_PAUSE);
		traffic_inject(&b->traffic[0], rx_frame, 1);
	}
	return NULL;
}

static void wake_row(struct bench *b, const struct bench_method *m)
{
	const struct sched_param first = { .sched_priority = 10 }, last = { 0 };
	uint32_t taken = 0;
	pthread_t thread;

	b->check = (struct check){ .next = b->traffic[0].injected };
	woken = UINT32_MAX;
	if (pthread_create(&thread, NULL, wake_main, b) ||
	    pthread_setschedparam(pthread_self(), SCHED_FIFO, &first))
		bench_die(errno, "a thread");
	mark(MARK_BEGIN);
	for (uint32_t i = 0; i < WAKES; i++) {
		mark(MARK_OFF);
		woken = i;
		m->wait(b, WAKE_MS);
		mark(MARK_RESUME);
		taken += take(b, m->rx, 1);
	}
	mark(MARK_END);
	pthread_setschedparam(pthread_self(), SCHED_OTHER, &last);
	pthread_join(thread, NULL);
	print_row(m, "poll", 1, WAKES, WAKES - taken + b->check.strange, b->check.wrong);
}

/* ------------------------------------------------------------------------
 * What is in all rows
 */

static const struct bench_method itself = { .name = "bench", .variant = "itself" };

/* So many turns of two instructions. */
#define turn(n)								\
	do {								\
		uint32_t left = (n);					\
									\
		__asm__ volatile("1: dec %0; jnz 1b" : "+r"(left));	\
	} while (0)

/* Loops of known length, and pauses that cost nothing, show that the counting is right. */
static void calibrate_row(void)
{
	uint64_t start = __rdtsc();

	mark(MARK_BEGIN);
	turn(LOOPS);
	mark(MARK_END);
	printf("# %u turns of two instructions: the clock went on by %ju\n", LOOPS,
	       (uintmax_t)(__rdtsc() - start));
	print_row(&itself, "loop", 1, LOOPS, 0, 0);

	mark(MARK_BEGIN);
	for (uint32_t i = 0; i < PAUSES; i++) {
		mark(MARK_PAUSE);
		turn(LOOPS / PAUSES);
		mark(MARK_RESUME);
		turn(LOOPS / PAUSES);
	}
	mark(MARK_END);
	print_row(&itself, "pauses", 1, LOOPS, 0, 0);
}

/* The parser by itself, over frames that lie in memory. */
static __attribute__((noinline)) void parse(struct check *check, uint8_t (*frames)[BENCH_FRAME],
					    uint32_t n)
{
	struct check c = *check;

	for (uint32_t i = 0; i < n; i++)
		check_frame(&c, frames[i], BENCH_FRAME);
	*check = c;
}

static void parse_row(uint32_t packets)
{
	static uint8_t frames[BENCH_BURST_MAX][BENCH_FRAME];
	struct check c = { 0 };

	for (uint32_t i = 0; i < BENCH_BURST_MAX; i++)
		build_frame(frames[i], rx_frame, i);
	mark(MARK_BEGIN);
	for (uint32_t done = 0; done < packets; done += BENCH_BURST_MAX) {
		c.next = 0;
		parse(&c, frames, BENCH_BURST_MAX);
	}
	mark(MARK_END);
	print_row(&itself, "parse", BENCH_BURST_MAX, packets, c.strange, c.wrong);
}

/* ------------------------------------------------------------------------
 * Set-up
 */

static void find_netdev(struct bench_port *port)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", port->pci);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(port->netdev, sizeof(port->netdev), "%.15s", entry->d_name);
	if (dir)
		closedir(dir);
}

/* The frames that are received are for this address. */
static void aim(const struct bench *b, const uint8_t *mac)
{
	traffic_frame(rx_frame, &(struct traffic_flow){ b->port[0].peer_mac, mac,
							b->port[0].peer_ip, b->port[0].ip });
	memcpy(fwd_frame, rx_frame, sizeof(fwd_frame));
	swap_addresses(fwd_frame);
}

static void set_up(struct bench *b, char **pci)
{
	for (uint8_t i = 0; i < 2; i++) {
		struct bench_port *port = &b->port[i];

		port->pci = pci[i];
		memcpy(port->mac, (uint8_t[]){ 0x52, 0x54, 0x00, 0x75, 0x72, i }, 6);
		memcpy(port->peer_mac, (uint8_t[]){ 0x52, 0x54, 0x00, 0x66, 0x66, i }, 6);
		port->ip = htonl(0x0a4d0001U | (uint32_t)i << 8);
		port->peer_ip = htonl(0x0a4d0002U | (uint32_t)i << 8);
		find_netdev(port);
		traffic_open(&b->traffic[i], pci[2 + i]);
	}
	aim(b, b->port[0].mac);
	traffic_frame(b->frame, &(struct traffic_flow){ b->port[0].mac, b->port[0].peer_mac,
							b->port[0].ip, b->port[0].peer_ip });
	b->sent = BENCH_FIRST;
}

static void rows(struct bench *b, const struct bench_method *m, const char *ops, uint32_t packets)
{
	for (size_t i = 0; i < BURSTS; i++) {
		/* RSS does not take turns packet by packet */
		if (m->queues > 1 && bursts[i] == 1)
			continue;
		if (m->rx && strstr(ops, "rx"))
			rx_row(b, m, bursts[i], packets);
		if (m->tx && strstr(ops, "tx"))
			tx_row(b, m, bursts[i], packets);
		if (m->fwd && strstr(ops, "fwd"))
			fwd_row(b, m, bursts[i], packets);
	}
	if (m->rx && strstr(ops, "empty"))
		empty_row(b, m);
}

/* Afterwards the C library takes more instructions for a call: there was a thread. */
static void sleepy_rows(struct bench *b, const struct bench_method *m, const char *ops)
{
	if (m->wait && strstr(ops, "poll"))
		wake_row(b, m);
	if (m->wait && strstr(ops, "idle"))
		idle_row(b, m);
}

static struct bench b;

static void stop_traffic(void)
{
	traffic_close(&b.traffic[0]);
	traffic_close(&b.traffic[1]);
}

int main(int argc, char **argv)
{
	uint32_t packets;

	if (argc != 7) {
		fprintf(stderr, "usage: %s PACKETS OPS PORT0 PORT1 TRAFFIC0 TRAFFIC1\n", argv[0]);
		return 2;
	}
	packets = ((uint32_t)strtoul(argv[1], NULL, 10) + BENCH_BURST_MAX - 1) / BENCH_BURST_MAX *
		  BENCH_BURST_MAX;
	atexit(stop_traffic);
	set_up(&b, argv + 3);
	sleep(SETTLE_S);
	calibrate_row();
	parse_row(packets);
	for (int sleepy = 0; sleepy < 2; sleepy++) {
		for (const struct bench_method *m = bench_methods; m->name; m++) {
			int err;

			aim(&b, m->foreign ? other_mac : b.port[0].mac);
			err = m->open(&b);
			if (err) {
				if (!sleepy)
					printf("# not here: %s, %s: %s\n", m->name, m->variant,
					       strerror(-err));
				continue;
			}
			if (sleepy)
				sleepy_rows(&b, m, argv[2]);
			else
				rows(&b, m, argv[2], packets);
			m->close(&b);
		}
	}
	return 0;
}

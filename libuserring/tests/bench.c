// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the hot path costs: cycles (TSC) and, where the kernel lets us count
 * them, instructions a packet, on the sim.  The NIC's half runs in ur_sync()
 * and is not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libuserring.h>
#include <libuserring/sim.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#define CYCLES()	__rdtsc()
#else
#define CYCLES()	0ULL
#endif

#define BURST	64

static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t read_counter(int fd)
{
	uint64_t n = 0;

	if (fd >= 0 && read(fd, &n, sizeof(n)) != sizeof(n))
		return 0;
	return n;
}

static __attribute__((noinline)) uint32_t
cycle(struct ur_queue *q, bool kept, uint64_t *sum)
{
	struct ur_pkt pkts[BURST];
	uint32_t n = ur_rx_burst(q, pkts, BURST);
	struct ur_udp udp;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (ur_parse_udp(pkts[i].data, pkts[i].len, &udp) ==
		    UR_PARSE_OK)
			*sum += udp.dport + udp.payload_len;
	if (!kept || ur_rx_release_kept(q, n))
		ur_rx_release(q, pkts, n);
	return n;
}

/* Slots that come on one queue and leave by another, and back by the pool. */
static __attribute__((noinline)) uint32_t
forward(struct ur_queue *from, struct ur_queue *to)
{
	struct ur_pkt pkts[BURST], back[BURST];
	uint32_t n = ur_rx_burst(from, pkts, BURST);
	uint32_t i, m = 0;

	n = ur_tx_burst(to, pkts, n);
	ur_tx_reap(to);
	for (i = 0; i < n; i++) {
		uint32_t slot = ur_slot_alloc(from->pool);

		if (slot != UR_NO_SLOT)
			back[m++].slot = slot;
	}
	ur_rx_release(from, back, m);
	return n;
}

static int run_forward(const char *format, int counter, int rounds)
{
	uint64_t packets = 0, cycles = 0, instructions = 0;
	struct ur_queue *from, *to;
	struct ur_port *in, *out;
	struct ur_pool *pool;
	struct ur_error err;
	char name[64], silent[64];
	int i;

	snprintf(name, sizeof(name), "sim:format=%s,gen=udp", format);
	snprintf(silent, sizeof(silent), "sim:format=%s", format);
	if (ur_port_open(&in, name, &err) ||
	    ur_port_open(&out, silent, &err) ||
	    ur_pool_create(&pool, in, NULL, &err) ||
	    ur_queue_attach(&from, in, pool, NULL, &err) ||
	    ur_queue_attach(&to, out, pool, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (i = 0; i < rounds; i++) {
		uint64_t c, n;

		n = read_counter(counter);
		c = CYCLES();
		packets += forward(from, to);
		cycles += CYCLES() - c;
		instructions += read_counter(counter) - n;
		ur_sync(to);
		ur_sync(from);
	}
	printf("%-9s %-8s %6.1f cycles/packet", format, "forward",
	       (double)cycles / (double)packets);
	if (counter >= 0)
		printf(" %6.1f instructions/packet",
		       (double)instructions / (double)packets);
	printf("  (%llu packets)\n", (unsigned long long)packets);
	ur_queue_detach(from);
	ur_queue_detach(to);
	ur_pool_destroy(pool);
	ur_port_close(in);
	ur_port_close(out);
	return 0;
}

static int run(const char *format, bool kept, int counter, int rounds)
{
	uint64_t packets = 0, cycles = 0, instructions = 0, sum = 0;
	struct ur_queue *q;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_error err;
	char name[64];
	int i;

	snprintf(name, sizeof(name), "sim:format=%s,gen=udp", format);
	if (ur_port_open(&port, name, &err) ||
	    ur_pool_create(&pool, port, NULL, &err) ||
	    ur_queue_attach(&q, port, pool, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (i = 0; i < rounds; i++) {
		uint64_t c, n;

		n = read_counter(counter);
		c = CYCLES();
		packets += cycle(q, kept, &sum);
		cycles += CYCLES() - c;
		instructions += read_counter(counter) - n;
		ur_sync(q);
	}
	printf("%-9s %-8s %6.1f cycles/packet", format,
	       kept ? "in place" : "list", (double)cycles / (double)packets);
	if (counter >= 0)
		printf(" %6.1f instructions/packet",
		       (double)instructions / (double)packets);
	printf("  (%llu packets, sum %llx)\n", (unsigned long long)packets,
	       (unsigned long long)sum);
	ur_queue_detach(q);
	ur_pool_destroy(pool);
	ur_port_close(port);
	return 0;
}

/* bench [rounds] */
int main(int argc, char **argv)
{
	static const char *const formats[] = { "legacy", "extended", "advanced" };
	int rounds = argc > 1 ? atoi(argv[1]) : 40000;
	int counter = open_counter();
	int i, ret = 0;

	if (counter < 0)
		printf("no instruction counter here: cycles only\n");
	for (i = 0; i < 3; i++) {
		ret |= run(formats[i], true, counter, rounds);
		ret |= run(formats[i], false, counter, rounds);
		ret |= run_forward(formats[i], counter, rounds);
	}
	return ret;
}
